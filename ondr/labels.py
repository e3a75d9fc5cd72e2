"""From a visibility image and its scene to targets: what is visible, of what, where, and how much of it.

Everything comes from unfiltered ids at pixel centres, so that antialiasing and blur never move a box. An object
without a visible pixel is a hole: label -1, everything else 0. So is one below the limits of `labels.*`, unless
`ignored` is among the outputs to tell it from the others. The same code runs on every device.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import ModuleType

import torch
from jaxtyping import Bool, Float, Float32, Int16, Int32, Int64
from torch import Tensor

from ondr import boxes
from ondr.assets.bank import Assets, Bank
from ondr.batch import Targets
from ondr.config import Config
from ondr.depth_sensor import measured
from ondr.device import upload
from ondr.errors import ConfigError
from ondr.geometry import pixel_rays, product, transform
from ondr.imaging.planes import take
from ondr.imaging.surface import depth_and_normals, invert, surface_tables
from ondr.lens import undistort
from ondr.raster.visibility import Visibility
from ondr.scene import Camera, Instances, Scene


def label(scene: Scene, assets: Assets, instances: Instances, visibility: Visibility, cfg: Config) -> Targets:
    """Returns the targets of a batch; the fields that `cfg.outputs` does not name are None.

    Args:
        scene: What was drawn.
        assets: What its meshes mean.
        instances: `scene`, placed before its cameras.
        visibility: What each pixel centre sees.
        cfg: `outputs` and `labels` are read.
    """
    fields = _Fields(scene, assets, instances, visibility, cfg)
    height, width = visibility.slot.shape[1:]
    named = {name: getattr(fields, name) for name in cfg.outputs}
    return Targets(image_size=(height, width), sample_ids=scene.sample_ids, **named)


def twins(device: torch.device) -> ModuleType:
    """Returns the module whose functions suit a device: `boxes`, or its compiled twin on the CPU."""
    if device.type != "cpu":
        return boxes
    from ondr import boxes_numba

    return boxes_numba


def visible_fraction(
    pixels: Int32[Tensor, "batch object"], covered: Int32[Tensor, "batch object"]
) -> Float32[Tensor, "batch object"]:
    """Returns the visible pixels over those that each object would cover alone; 0 for a hidden object.

    `covered` counts pixels inside the image only, so that an unoccluded object that the frame cuts has 1.
    """
    return pixels / covered.clamp_min(1)


def surface_maps(
    bank: Bank, placed: Instances, seen: Visibility, camera: Camera
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 3 height width"]]:
    """Returns the depth in metres along the optical axis and the normals in the camera frame; 0 where nothing is."""
    batch, height, width = seen.slot.shape
    triangle, slot = seen.triangle.flatten(), seen.slot.flatten()
    # On a GPU all pixels, since it would have to be asked which are covered.
    pixel = torch.arange(len(slot), device=bank.device) if slot.is_cuda else (triangle >= 0).nonzero()[:, 0]
    image, inverse = pixel // (height * width), invert(camera.intrinsics)
    x, y = pixel_rays(inverse, image, pixel % width + 0.5, pixel // width % height + 0.5)
    if camera.distortion is not None:
        x, y = undistort(x, y, take(camera.distortion, image))
    instance = image.int() * placed.triangle_count.shape[1] + slot[pixel]
    depth, normal = depth_and_normals(surface_tables(bank, placed, inverse), triangle[pixel], instance, x, y)
    planes = [plane.new_zeros(len(slot)).index_copy(0, pixel, plane) for plane in (depth, *normal)]
    maps = [plane.reshape(batch, height, width) for plane in planes]
    return maps[0][:, None], torch.stack(maps[1:], dim=1)


def file_poses(
    scene: Scene, center: Float32[Tensor, "mesh 3"]
) -> tuple[Float[Tensor, "batch object 4 4"], Float[Tensor, "batch object 3"]]:
    """Returns camera_from_object and scale, such that x_camera = R @ (scale * x_file) + t.

    Args:
        scene: Its poses place the centre of each mesh's bounding box.
        center: `Bank.center`: where that centre lies in the file's own coordinates.
    """
    poses, count, camera = scene.poses, scene.num_objects, scene.camera.camera_from_world[:, None]
    scale, row = poses.scale[:, :count], poses.mesh[:, :count].clamp_min(0)
    rotation = product(camera[..., :3, :3], poses.rotation[:, :count])
    world = poses.translation[:, :count, :, None]
    bank = product(camera[..., :3, :3], world) + camera[..., :3, 3:]
    return transform(rotation, (bank - product(rotation, (scale * center[row])[..., None]))[..., 0]), scale


@functools.lru_cache(maxsize=8)
def _class_of_mesh(labels: tuple[int, ...], device: torch.device) -> Int64[Tensor, "mesh"]:
    """Returns `labels` on the device, uploaded once: an upload in every step would make the host wait."""
    return torch.tensor(labels, dtype=torch.int64, device=device)


@dataclass(frozen=True)
class _Fields:
    """One property for each field of `Targets`, computed when it is asked for, in the shape of the draws."""

    scene: Scene
    assets: Assets
    placed: Instances
    seen: Visibility
    cfg: Config

    @property
    def count(self) -> int:
        return self.scene.num_objects

    @property
    def twins(self) -> ModuleType:
        return twins(self.seen.slot.device)

    @property
    def mesh(self) -> Int32[Tensor, "batch object"]:
        return self.scene.poses.mesh[:, : self.count]

    @property
    def _file(self) -> Int32[Tensor, "batch object"]:
        """The file of each object; bent ones lie elsewhere in the bank than their files' meshes."""
        bends, bent = len(self.cfg.objects.bends_degrees), self.assets.bent
        return self.mesh if not bends else torch.where(self.mesh < 0, -1, (self.mesh - bent.start) // bends)

    @functools.cached_property
    def extents(self) -> boxes.Extents:
        extents: boxes.Extents = self.twins.visible_extents(self.seen.slot, self.count)
        return extents

    @functools.cached_property
    def labelled(self) -> Bool[Tensor, "batch object"]:
        visible = self.extents.pixels > 0
        return visible if "ignored" in self.cfg.outputs else visible & ~self._below_limits

    def _punch(self, values: Tensor, hole: float = 0) -> Tensor:
        """Returns `values` with `hole` where there is no labelled object."""
        return torch.where(self.labelled.reshape(self.labelled.shape + (1,) * (values.dim() - 2)), values, hole)

    @property
    def boxes(self) -> Float32[Tensor, "batch object 4"]:
        exact, jitter = self.extents.boxes.to(torch.float32), self.scene.box_jitter
        height, width = self.seen.slot.shape[1:]
        return self._punch(exact if jitter is None else boxes.jittered(exact, jitter, (height, width)))

    @functools.cached_property
    def _whole(self) -> Float32[Tensor, "batch object 4"]:
        bank, camera = self.assets.bank, self.scene.camera
        camera_from_object = self.placed.camera_from_object[:, : self.count]
        what = (bank.hull, bank.hull_edges, self.mesh, camera_from_object, camera.intrinsics)
        if camera.distortion is None:
            return self.twins.amodal_boxes(*what)
        return boxes.amodal_boxes(*what, camera.distortion)

    @property
    def boxes_amodal(self) -> Float32[Tensor, "batch object 4"]:
        return self._punch(self._whole)

    @property
    def labels(self) -> Int64[Tensor, "batch object"]:
        classes = _class_of_mesh(self.assets.mesh_labels, self.mesh.device)
        return self._punch(classes[self._file.clamp_min(0)], hole=-1)

    @property
    def mesh_ids(self) -> Int64[Tensor, "batch object"]:
        return self._punch(self._file.long(), hole=-1)

    @functools.cached_property
    def _share(self) -> Float32[Tensor, "batch object"]:
        return visible_fraction(self.extents.pixels, self.seen.covered[:, : self.count])

    @property
    def visibility(self) -> Float32[Tensor, "batch object"]:
        return self._punch(self._share)

    @functools.cached_property
    def _outside(self) -> Float32[Tensor, "batch object"]:
        height, width = self.seen.slot.shape[1:]
        return boxes.truncation(self._whole, (height, width))

    @property
    def truncation(self) -> Float32[Tensor, "batch object"]:
        return self._punch(self._outside)

    @functools.cached_property
    def _below_limits(self) -> Bool[Tensor, "batch object"]:
        limits = self.cfg.labels
        hidden, small = self._share < limits.min_visibility, self.extents.pixels < limits.min_pixels
        return hidden | small | (self._outside > limits.max_truncation)

    @property
    def ignored(self) -> Bool[Tensor, "batch object"]:
        return self._below_limits & self.labelled

    @property
    def instances(self) -> Int16[Tensor, "batch height width"]:
        return self.twins.instance_ids(self.seen.slot, self.labelled)

    @functools.cached_property
    def _surface(self) -> tuple[Tensor, Tensor]:
        return surface_maps(self.assets.bank, self.placed, self.seen, self.scene.camera)

    @property
    def depth(self) -> Float32[Tensor, "batch 1 height width"]:
        return self._surface[0]

    @property
    def sensor_depth(self) -> Float32[Tensor, "batch 1 height width"]:
        scene, noise = self.scene, self.scene.depth_noise
        if noise is None:
            raise ConfigError(
                "scene.depth_noise must be there for sensor_depth, got None. Sample the scene with a config whose "
                "outputs name sensor_depth."
            )
        ids = upload(scene.sample_ids, self.depth.device)
        return measured(self.depth, noise, self.cfg.depth_sensor, scene.seed, ids)

    @property
    def normals(self) -> Float32[Tensor, "batch 3 height width"]:
        return self._surface[1]

    @functools.cached_property
    def _poses(self) -> tuple[Tensor, Tensor]:
        return file_poses(self.scene, self.assets.bank.center)

    @property
    def camera_from_object(self) -> Float32[Tensor, "batch object 4 4"]:
        return self._punch(self._poses[0])

    @property
    def scale(self) -> Float32[Tensor, "batch object 3"]:
        return self._punch(self._poses[1])

    @property
    def intrinsics(self) -> Float32[Tensor, "batch 3 3"]:
        return self.scene.camera.intrinsics

    @property
    def distortion(self) -> Float32[Tensor, "batch 5"]:
        camera = self.scene.camera
        return (
            camera.intrinsics.new_zeros(len(camera.intrinsics), 5) if camera.distortion is None else camera.distortion
        )

    @property
    def positions(self) -> Float32[Tensor, "batch object 3"]:
        return self._punch(self.scene.poses.translation[:, : self.count])

    @property
    def image_class(self) -> Int64[Tensor, "batch"]:
        return torch.nn.functional.pad(self.labels, (0, 1), value=-1)[:, 0]

    @property
    def camera_from_world(self) -> Float32[Tensor, "batch 4 4"]:
        return self.scene.camera.camera_from_world
