"""NDDS: NVIDIA's Deep learning Dataset Synthesizer, as DOPE reads it.

Lengths are in centimetres, boxes have rows before columns, pixel coordinates start at the image's corner (the centre of
an image is at half its width). An object's axes are those of its file.

Source: NDDS 1.2, and the readme of the Falling Things data set (Tremblay et al. 2018), which it wrote, "Captured frame
files" and "Coordinate frames".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ondr.batch import Targets
from ondr.export.cuboids import corners, file_scales, mesh_of, pose_of, project
from ondr.export.formats.base import Camera, Image, Sample, Source, as_json
from ondr.export.pictures import encode_depth, encode_numbers
from ondr.views.common import kept, opencv_intrinsics

CENTIMETRES = 100
MILLIMETRE = 1e-3
PERMUTED = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]], dtype=torch.float64)
"""P of the readme: with A as in `pose_transform_permuted`, the rotation is A^T P."""


class Ndds:
    """`000000.png`, `000000.json`, depth and masks if present, in one folder; `_*_settings.json`."""

    outputs: ClassVar[tuple[str, ...]] = (
        *("boxes", "labels", "mesh_ids", "visibility", "camera_from_object", "scale", "intrinsics", "distortion"),
        "camera_from_world",
    )
    camera: ClassVar[Camera] = "upright"

    def check(self, source: Source) -> None:
        """Refuses nothing: cameras are checked elsewhere."""

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns the image, its objects, and depth and masks if the targets have `depth` and `instances`."""
        targets = image.targets
        opencv_intrinsics(targets, "format ndds", skew=False)
        slots = kept(targets)[0].nonzero()[:, 0].tolist()
        camera = _intrinsics(targets, source.cfg.image_size)
        about = {
            "camera_data": _camera(targets, camera),
            "objects": [_object(targets, source, slot) for slot in slots],
        }
        files = {f"{image.name}{source.suffix}": image.encoded(source), f"{image.name}.json": as_json(about)}
        return Sample(files | _maps(image), camera)

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields the objects, and the camera if all images share it; each image's is in its `camera_data`."""
        if all(record == records[0] for record in records):
            yield "_camera_settings.json", as_json({"camera_settings": [_settings(records[0])]})
        yield "_object_settings.json", as_json(_objects(source))


def _maps(image: Image) -> dict[str, bytes]:
    """Returns the files with depth, class and instance images."""
    targets, files = image.targets, {}
    if targets.depth is not None:
        files[f"{image.name}.depth.mm.16.png"] = encode_depth(targets.depth[0, 0], MILLIMETRE)
    if targets.instances is not None:
        shown = torch.nn.functional.pad(kept(targets)[0], (1, 0))
        classes = torch.nn.functional.pad(targets.labels[0] + 1, (1, 0))  # type: ignore[index]
        ids = torch.where(shown, torch.arange(len(shown)), 0)[targets.instances[0].long() + 1]
        files[f"{image.name}.cs.png"] = encode_numbers(classes[ids])
        files[f"{image.name}.is.png"] = encode_numbers(ids)
    return files


def _object(targets: Targets, source: Source, slot: int) -> dict[str, Any]:
    (pose, _), points = pose_of(targets, slot), corners(targets, source.assets, slot)
    intrinsics = targets.intrinsics[0]  # type: ignore[index]
    x1, y1, x2, y2 = targets.boxes[0, slot].tolist()  # type: ignore[index]
    middle = points.mean(dim=0)
    return {
        "class": source.assets.class_names[int(targets.labels[0, slot])],  # type: ignore[index]
        "name": source.assets.mesh_files[mesh_of(targets, slot)],
        "instance_id": slot + 1,
        "visibility": targets.visibility[0, slot].item(),  # type: ignore[index]
        "location": _centimetres(pose[:3, 3]),
        "quaternion_xyzw": _quaternion(pose[:3, :3]),
        "pose_transform_permuted": _permuted(pose),
        "cuboid_centroid": _centimetres(middle),
        "projected_cuboid_centroid": project(middle[None], intrinsics)[0].tolist(),
        "bounding_box": {"top_left": [y1, x1], "bottom_right": [y2, x2]},
        "cuboid": _centimetres(points),
        "projected_cuboid": project(points, intrinsics).tolist(),
    }


def _centimetres(metres: Tensor) -> Any:
    return (metres * CENTIMETRES).tolist()


def _quaternion(rotation: Tensor) -> list[float]:
    return [float(part) for part in Rotation.from_matrix(rotation.numpy()).as_quat()]


def _permuted(pose: Tensor) -> list[list[float]]:
    turned = (pose[:3, :3] @ PERMUTED.T).T
    rows = [[*row, 0.0] for row in turned.tolist()]
    return [*rows, [*_centimetres(pose[:3, 3]), 1.0]]


def _intrinsics(targets: Targets, size: tuple[int, int]) -> dict[str, Any]:
    k, (height, width) = targets.intrinsics[0].tolist(), size  # type: ignore[index]
    return {"width": width, "height": height, "fx": k[0][0], "fy": k[1][1], "cx": k[0][2], "cy": k[1][2]}


def _camera(targets: Targets, camera: dict[str, Any]) -> dict[str, Any]:
    """Returns the camera's pose in the world and its intrinsics."""
    pose = targets.camera_from_world[0].double()  # type: ignore[index]
    world_from_camera = pose[:3, :3].T
    return {
        "location_worldframe": _centimetres(-world_from_camera @ pose[:3, 3]),
        "quaternion_xyzw_worldframe": _quaternion(world_from_camera),
        "width": camera["width"],
        "height": camera["height"],
        "intrinsics": {name: camera[name] for name in ("fx", "fy", "cx", "cy")},
    }


def _settings(camera: dict[str, Any]) -> dict[str, Any]:
    size = {"width": camera["width"], "height": camera["height"]}
    return {
        "name": "camera",
        "intrinsic_settings": {
            "resX": camera["width"],
            "resY": camera["height"],
            **{name: camera[name] for name in ("fx", "fy", "cx", "cy")},
            "s": 0,
        },
        "captured_image_size": size,
    }


def _objects(source: Source) -> dict[str, Any]:
    """Returns the meshes, with their sizes in centimetres if these are the same in all images."""
    assets, scales = source.assets, file_scales(source.cfg, source.assets)
    described = []
    for mesh, (file, label) in enumerate(zip(assets.mesh_files, assets.mesh_labels, strict=True)):
        entry: dict[str, Any] = {"class": assets.class_names[label], "name": file, "segmentation_class_id": label + 1}
        if scales is not None:
            size = scales[mesh].double() * CENTIMETRES
            entry["fixed_model_transform"] = torch.diag(torch.cat([size.expand(3), size.new_ones(1)])).tolist()
            entry["cuboid_dimensions"] = (assets.bank.extent[mesh].double() * size).tolist()
        described.append(entry)
    return {"exported_object_classes": list(assets.class_names), "exported_objects": described}
