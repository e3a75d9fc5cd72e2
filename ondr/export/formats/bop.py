"""BOP: scenes of RGB-D images with poses of rigid models.

Source: BOP toolkit, docs/bop_datasets_format.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.errors import ConfigError
from ondr.export.cuboids import file_scales
from ondr.export.formats.base import Camera, Image, Sample, Source, as_json
from ondr.export.pictures import depth_unit, encode_depth, encode_mask
from ondr.views.bop import MILLIMETRES, NEEDS, SAME, to_bop
from ondr.views.common import kept

SPLIT = "train"
SCENE_IMAGES = 1000
"""Images per scene, as in BOP's rendered training sets."""
FINEST_METRES = 1e-4
"""Finest step of depth, as in BOP's rendered training sets; it is coarser if 16 bits do not reach far enough."""
FILES = ("scene_gt", "scene_gt_info", "scene_camera")


class Bop:
    """`train/000000/{rgb,depth,mask_visib}/`, its three JSON files, `models/`, `camera.json`."""

    outputs: ClassVar[tuple[str, ...]] = (*NEEDS, "intrinsics", "distortion", "depth")
    camera: ClassVar[Camera] = "straight"

    def check(self, source: Source) -> None:
        """Refuses sizes and stretches that vary between images, since models are rigid.

        Raises:
            ConfigError: `objects.size` or `objects.stretch` is random.
        """
        _scales(source)

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns the image, its depth and its visible masks.

        Raises:
            ConfigError: An object's size differs from its model's.
        """
        targets, scales = image.targets, _scales(source)
        depth = targets.depth[0, 0]  # type: ignore[index]
        unit = depth_unit(depth, FINEST_METRES)
        view = to_bop(targets, depth_scale=round(unit * MILLIMETRES, 9))
        objects = kept(targets)[0].nonzero()[:, 0].tolist()
        for slot in objects:
            _check_size(targets.scale[0, slot, 0].item(), scales[targets.mesh_ids[0, slot]].item())  # type: ignore[index]
        folder, name = _place(image.number)
        files = {
            f"{folder}/rgb/{name}{source.suffix}": image.encoded(source),
            f"{folder}/depth/{name}.png": encode_depth(depth, unit),
        }
        for index, slot in enumerate(objects):
            files[f"{folder}/mask_visib/{name}_{index:06d}.png"] = encode_mask(targets.instances[0] == slot)  # type: ignore[index]
        return Sample(files, {file: next(iter(view[file].values())) for file in FILES})  # type: ignore[literal-required]

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields the scenes' files, the models and the camera."""
        for first in range(0, len(records), SCENE_IMAGES):
            scene = records[first : first + SCENE_IMAGES]
            for file in FILES:
                content = {str(number): record[file] for number, record in enumerate(scene)}
                yield f"{_place(first)[0]}/{file}.json", as_json(content)
        yield from _models(source)
        yield "camera.json", as_json(_camera(source, records[0]["scene_camera"]))


def _place(number: int) -> tuple[str, str]:
    """Returns the folder and the name of an image."""
    scene, within = divmod(number, SCENE_IMAGES)
    return f"{SPLIT}/{scene:06d}", f"{within:06d}"


def _scales(source: Source) -> Tensor:
    scales = file_scales(source.cfg, source.assets)
    if scales is None:
        objects = source.cfg.objects
        size = objects.size if isinstance(objects.size, str) else objects.size.to_config()
        raise ConfigError(
            f"objects.size must be file and objects.stretch 1 for format bop, whose models are rigid, got size {size} "
            f"and stretch {[getattr(objects.stretch, axis).to_config() for axis in 'xyz']}. Add -o objects.size=file "
            "-o objects.stretch.x=1 -o objects.stretch.y=1 -o objects.stretch.z=1."
        )
    return scales


def _check_size(scale: float, model: float) -> None:
    if not math.isclose(scale, model, rel_tol=SAME):
        raise ConfigError(
            f"objects must have the size of their files for format bop, whose models are rigid, got one that is "
            f"{scale / model:.4g} times as large. Choose another layout, or format coco, yolo, kitti or ndds."
        )


def _camera(source: Source, first: dict[str, Any]) -> dict[str, Any]:
    """Returns the camera of the first image; each image's own is in scene_camera.json."""
    k, (height, width) = first["cam_K"], source.cfg.image_size
    return {
        "cx": k[2],
        "cy": k[5],
        "depth_scale": first["depth_scale"],
        "fx": k[0],
        "fy": k[4],
        "height": height,
        "width": width,
    }


def _models(source: Source) -> Iterator[tuple[str, bytes]]:
    about = {}
    for mesh, scale in enumerate(_scales(source).tolist()):
        points, normals, faces = _mesh(source.assets.bank, mesh)
        points = points * scale * MILLIMETRES
        yield f"models/obj_{mesh + 1:06d}.ply", _ply(points, normals, faces)
        low, high = points.amin(dim=0).tolist(), points.amax(dim=0).tolist()
        about[str(mesh + 1)] = {
            "diameter": _diameter(source.assets.bank, mesh) * scale * MILLIMETRES,
            **{f"min_{axis}": value for axis, value in zip("xyz", low, strict=True)},
            **{f"size_{axis}": b - a for axis, a, b in zip("xyz", low, high, strict=True)},
            "file": source.assets.mesh_files[mesh],
        }
    yield "models/models_info.json", as_json(about)


def _mesh(bank: Bank, mesh: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the vertices in the file's coordinates, their normals, and the triangles of a mesh."""
    first, count, offset = (int(t[mesh]) for t in (bank.first_triangle, bank.triangle_count, bank.vertex_offset))
    faces = bank.triangles[first : first + count, :3]
    vertices = bank.vertices[offset : offset + int(faces.max()) + 1]
    return vertices[:, :3].double() + bank.center[mesh].double(), vertices[:, 3:6].double(), faces


def _diameter(bank: Bank, mesh: int) -> float:
    """Returns the largest distance between two vertices in file units; both are corners of the convex hull."""
    hull = bank.hull[mesh].double()
    return torch.cdist(hull, hull).max().item()


def _ply(points: Tensor, normals: Tensor, faces: Tensor) -> bytes:
    head = ["ply", "format ascii 1.0", f"element vertex {len(points)}"]
    head += [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    rows = [" ".join(f"{value:.6g}" for value in row) for row in torch.cat([points, normals], dim=1).tolist()]
    triangles = [f"3 {a} {b} {c}" for a, b, c in faces.tolist()]
    return ("\n".join([*head, *rows, *triangles]) + "\n").encode("ascii")
