"""The output of a stream: images with their labels, as tensors.

Other label conventions are left to `views`, and the collation of batches to `collate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Float32, Int16, Int32, Int64, Num, UInt8
from torch import Tensor

from ondr.draws import Draws
from ondr.errors import ConfigError
from ondr.pixel_format import as_floats

if TYPE_CHECKING:
    from ondr.views import BopView, CocoView, DetrLabels, TorchvisionTarget, YoloView

_HOLES = {"labels": -1, "mesh_ids": -1}


def hole_of(name: str) -> int:
    """Returns what a field of `Targets` holds in a slot without an object."""
    return _HOLES.get(name, 0)


@dataclass(eq=False, repr=False)
class Targets:
    """Labels of a batch, padded to N objects per image; N is the largest `objects.count` that the law allows.

    A field is None unless `cfg.outputs` names it. Slot k is object k of the draws in every field; objects are never
    reordered. An absent object, one without a visible pixel and, unless `ignored` is among the outputs, one below the
    limits of `labels.*` leaves a hole, where `labels` and `mesh_ids` are -1 and all other fields are 0.
    """

    image_size: tuple[int, int]
    """Height and width in pixels."""
    sample_ids: Int64[Tensor, "batch"]
    """Sample ids, on the CPU."""
    boxes: Float32[Tensor, "batch object 4"] | None = None
    """x1 y1 x2 y2 in pixels around the visible part. Coordinates are those of pixel edges: one pixel is 1 wide."""
    boxes_amodal: Float[Tensor, "batch object 4"] | None = None
    """x1 y1 x2 y2 in pixels around the whole projected object; may extend beyond the image."""
    labels: Int64[Tensor, "batch object"] | None = None
    """Class, an index into `ds.class_names`; -1 for a hole."""
    mesh_ids: Int64[Tensor, "batch object"] | None = None
    """Mesh file, an index into `ds.mesh_files`; -1 for a hole."""
    visibility: Float[Tensor, "batch object"] | None = None
    """Visible pixels / pixels inside the image that the object would cover alone, 0..1: occlusion only."""
    truncation: Float[Tensor, "batch object"] | None = None
    """1 - area(`boxes_amodal` within the image) / area(`boxes_amodal`), after near clipping, 0..1."""
    ignored: Bool[Tensor, "batch object"] | None = None
    """Visible, but below the limits of `labels.*`. Not a hole: box and label are there. `to_coco` sets iscrowd = 1 for
    it, other views leave it out. Train on `valid & ~ignored`."""
    instances: Int16[Tensor, "batch height width"] | None = None
    """Which object each pixel centre sees, an index into N; -1 elsewhere."""
    semantic: Int16[Tensor, "batch height width"] | None = None
    """Class of the object that each pixel centre sees, as in `labels`; -1 elsewhere."""
    amodal_masks: Bool[Tensor, "batch object height width"] | None = None
    """Pixel centres that each object would cover alone."""
    stencil: Int32[Tensor, "batch height width"] | None = None
    """The number in the mesh's .labels.json for the object, or its face, that each pixel centre sees; -1 elsewhere and
    where there is none."""
    depth: Float[Tensor, "batch 1 height width"] | None = None
    """Metres along the optical axis; 0 on the background."""
    sensor_depth: Float[Tensor, "batch 1 height width"] | None = None
    """Metres along the optical axis as a depth camera measures them (`depth_sensor`); 0 where it measures nothing."""
    normals: Float[Tensor, "batch 3 height width"] | None = None
    """Unit normals in the camera frame; 0 on the background."""
    object_coordinates: Float[Tensor, "batch 3 height width"] | None = None
    """NOCS: position of the visible point in the mesh file, (x_file - centre) / diagonal + 0.5 with centre and diagonal
    of the mesh's bounding box before `scale`; 0 where there is no labelled object."""
    optical_flow: Float[Tensor, "batch 2 height width"] | None = None
    """Motion of the visible point in pixels, right and down, when camera and objects move (`motion`,
    `ondr.motion.moved`), whether or not it stays visible. A panorama is infinitely far away; 0 on any other background
    and for a point that ends up behind the camera."""
    camera_from_object: Float[Tensor, "batch object 4 4"] | None = None
    """R and t of `x_camera = R @ (scale * x_file) + t`, metres."""
    scale: Float[Tensor, "batch object 3"] | None = None
    """Metres per file unit along the object's own axes."""
    symmetries: Float[Tensor, "batch object symmetry 4 4"] | None = None
    """Rigid transforms S of the file's coordinates, in its units, under which the mesh looks the same:
    `x_camera = R @ (scale * (S @ x_file)) + t` gives the same image. The identity comes first and as padding."""
    boxes_3d: Float[Tensor, "batch object 8 3"] | None = None
    """Corners of the mesh's bounding box along its file's axes, camera frame, metres. Corner 4i + 2j + k is at the high
    end of x, y, z where i, j, k is 1 (Objectron's order)."""
    boxes_3d_image: Float[Tensor, "batch object 8 2"] | None = None
    """`boxes_3d` in pixels, x y, through the lens; may lie outside the image. 0 0 for a corner behind the camera."""
    keypoints: Float[Tensor, "batch object keypoint 3"] | None = None
    """x y in pixels and a state: 0 absent or outside the image (x y are 0), 1 hidden by the object itself or another, 2
    visible. Names: `ds.keypoint_names`."""
    keypoints_3d: Float[Tensor, "batch object keypoint 3"] | None = None
    """The same points in the camera frame, metres, including those outside the image; 0 where the mesh has none."""
    intrinsics: Float[Tensor, "batch 3 3"] | None = None
    """K for pixel centres at +0.5."""
    distortion: Float[Tensor, "batch 5"] | None = None
    """k1 k2 p1 p2 k3 of the lens in OpenCV's order; 0 for a pinhole."""
    camera_from_world: Float[Tensor, "batch 4 4"] | None = None
    """A rigid transform, metres."""
    positions: Float[Tensor, "batch object 3"] | None = None
    """Centre of each object's bounding box in the world, metres; with a table, the world's frame is the table's."""
    image_class: Int64[Tensor, "batch"] | None = None
    """Class of the first object, as a label of the whole image; -1 if it is a hole."""

    @classmethod
    def join(cls, parts: Sequence[Targets]) -> Targets:
        """Joins the targets of several batches of one dataset, in their order."""
        joined: dict[str, Any] = {n: torch.cat([getattr(part, n) for part in parts]) for n in parts[0].names()}
        return replace(parts[0], sample_ids=torch.cat([part.sample_ids for part in parts]), **joined)

    @property
    def valid(self) -> Bool[Tensor, "batch object"]:
        """True where a slot holds an object, False for a hole.

        Raises:
            ConfigError: There is neither `labels` nor `mesh_ids`.
        """
        named = self.labels if self.labels is not None else self.mesh_ids
        if named is None:
            raise ConfigError(
                f"cfg.outputs must name 'labels' or 'mesh_ids' for targets.valid, got {self.names()}. "
                "Add 'labels' to outputs."
            )
        return named >= 0

    def names(self) -> list[str]:
        """Returns the names of the fields that are not None, as in `cfg.outputs`."""
        return [f.name for f in fields(self) if f.name not in _HOST and getattr(self, f.name) is not None]

    def map(self, change: Callable[[Tensor], Tensor]) -> Targets:
        """Returns the targets with `change` applied to every field that is not None, except the sample ids."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in self.names()}
        return replace(self, **changed)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Targets:
        """Returns the targets on `device`. `sample_ids` stay on the CPU."""
        return self.map(lambda tensor: tensor.to(device=device, non_blocking=non_blocking))

    def pin_memory(self) -> Targets:
        """Returns the targets in pinned memory; tensors on a GPU stay there."""
        return self.map(_pin)

    def to_torchvision(self) -> list[TorchvisionTarget]:
        """See `ondr.views.to_torchvision`."""
        from ondr.views import to_torchvision

        return to_torchvision(self)

    def to_yolo(self) -> YoloView:
        """See `ondr.views.to_yolo`."""
        from ondr.views import to_yolo

        return to_yolo(self)

    def to_coco(self, class_names: Sequence[str] | None = None) -> CocoView:
        """See `ondr.views.to_coco`."""
        from ondr.views import to_coco

        return to_coco(self, class_names)

    def to_detr(self) -> list[DetrLabels]:
        """See `ondr.views.to_detr`."""
        from ondr.views import to_detr

        return to_detr(self)

    def to_bop(self, depth_scale: float = 1.0) -> BopView:
        """See `ondr.views.to_bop`."""
        from ondr.views import to_bop

        return to_bop(self, depth_scale)

    def __repr__(self) -> str:
        shown = [f"{name}={_describe(getattr(self, name))}" for name in self.names()]
        return f"Targets({', '.join(shown)})"


@dataclass(eq=False, repr=False)
class Batch:
    """A batch of images with labels, draws and state. Unpacks as `images, targets = batch`.

    It owns its memory: no later batch overwrites it.
    """

    images: Num[Tensor, "batch 3 height width"]
    """RGB as from a camera (sRGB-encoded): float32 in 0..1, or in the format of `images_dtype` and `channels_last`."""
    targets: Targets
    sample_ids: Int64[Tensor, "batch"]
    """Sample ids, on the CPU: `ds.render(batch.sample_ids)` renders the same images again."""
    draws: Draws
    """The draws of each image: a read-only mapping, for example from `lights.intensity` to `[B, slot]`."""
    state: dict[str, Any]
    """State of the stream after this batch, for `ds.load_state_dict`: plain numbers, lists and dicts."""

    @classmethod
    def of_photos(cls, images: Num[Tensor, "batch 3 height width"], targets: Targets) -> Batch:
        """Returns a batch of photos, without draws and state, for `draw` and `ondr.mix`."""
        nothing = Draws(torch.zeros(len(images), 0, device=images.device), {})
        return cls(images, targets, targets.sample_ids, nothing, {})

    def __iter__(self) -> Iterator[Tensor | Targets]:
        return iter((self.images, self.targets))

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.images)

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Returns the batch with `change` applied to every tensor except the sample ids."""
        return replace(self, images=change(self.images), targets=self.targets.map(change), draws=self.draws.map(change))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """Returns the batch on `device`. `sample_ids` stay on the CPU."""
        return self.map(lambda tensor: tensor.to(device=device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Returns the batch in pinned memory; tensors on a GPU stay there."""
        return self.map(_pin)

    def draw(self, class_names: Sequence[str] = (), *, columns: int = 6) -> UInt8[Tensor, "3 height width"]:
        """See `ondr.draw`: a labelled contact sheet, for TensorBoard's `add_image` or `wandb.Image`."""
        from ondr.drawing.sheet import draw

        return draw(self, class_names, columns=columns)

    def to_yolo(self) -> dict[str, Any]:
        """Returns the input of Ultralytics' losses: `targets.to_yolo()` and the images as `img`, bytes as float32."""
        return {"img": self._not_bytes(), **self.targets.to_yolo()}

    def to_detr(self) -> dict[str, Any]:
        """Returns the input of Hugging Face's DETR models: `pixel_values` and `labels`.

        Images are not normalised; use the model's image processor with `do_rescale=False` for that. Bytes become
        float32 in 0..1.
        """
        return {"pixel_values": self._not_bytes(), "labels": self.targets.to_detr()}

    def to_torchvision(self) -> tuple[list[Tensor], list[TorchvisionTarget]]:
        """Returns the input of torchvision's detection models: lists of images, bytes as float32, and of targets."""
        return list(self._not_bytes()), self.targets.to_torchvision()

    def to_coco(self, class_names: Sequence[str] | None = None) -> CocoView:
        """Returns the labels in COCO's format: `targets.to_coco()`."""
        return self.targets.to_coco(class_names)

    def to_bop(self, depth_scale: float = 1.0) -> BopView:
        """Returns the labels in BOP's format: `targets.to_bop()`."""
        return self.targets.to_bop(depth_scale)

    def _not_bytes(self) -> Float[Tensor, "batch 3 height width"]:
        return self.images if self.images.is_floating_point() else as_floats(self.images)

    def __repr__(self) -> str:
        return (
            f"Batch(images={_describe(self.images)}, targets={self.targets!r}, "
            f"sample_ids={_describe(self.sample_ids)}, draws={self.draws!r}, state={self.state})"
        )


_HOST = ("image_size", "sample_ids")


def _pin(tensor: Tensor) -> Tensor:
    return tensor.pin_memory() if tensor.device.type == "cpu" else tensor


def _describe(tensor: Tensor) -> str:
    device = "" if tensor.device.type == "cpu" else f" {tensor.device}"
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}{device}"
