"""The labels in BOP's format: poses of rigid models in millimetres.

A model is the file's mesh in its own coordinates, times its scale, times 1000. Object n is file n - 1 of
`ds.mesh_files`.
"""

from __future__ import annotations

import math
from typing import Any, TypedDict

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.batch import Targets
from ondr.errors import ConfigError
from ondr.views.common import kept, opencv_intrinsics, require

NEEDS = ("boxes", "boxes_amodal", "mesh_ids", "visibility", "truncation", "instances", "camera_from_object", "scale")
MILLIMETRES = 1000
SAME = 1e-4
"""Relative tolerance for equal scales: float32 rounding of a quotient and two products is below 1e-6."""
LEAST_INSIDE = 1e-6
"""Least share of a box inside the image, 1 - `truncation`, that float32 distinguishes from 0."""


class BopView(TypedDict):
    """The three files of a BOP scene: plain numbers, strings, lists and dicts. Keys are sample ids as strings, as in
    JSON."""

    scene_gt: dict[str, list[dict[str, Any]]]
    """`obj_id` from 1, `cam_R_m2c` (9 numbers, row by row), `cam_t_m2c` (mm)."""
    scene_gt_info: dict[str, list[dict[str, Any]]]
    """`bbox_obj` and `bbox_visib` (x, y, width, height in whole pixels), `px_count_all`, `px_count_valid`,
    `px_count_visib`, `visib_fract`."""
    scene_camera: dict[str, dict[str, Any]]
    """`cam_K` (9 numbers, row by row; pixel centres at integers) and `depth_scale`."""


def to_bop(targets: Targets, depth_scale: float = 1.0) -> BopView:
    """Returns the content of BOP's `scene_gt.json`, `scene_gt_info.json` and `scene_camera.json`.

    BOP also counts the silhouette's pixels outside the image. Here, `px_count_all` of an object cut by the frame is the
    count inside over 1 - `truncation`: exact for an object that fills its box, an estimate for others. Depth is known
    for every surface, so `px_count_valid` counts the whole silhouette inside the image.

    Args:
        targets: With `boxes`, `boxes_amodal`, `mesh_ids`, `visibility`, `truncation`, `instances`,
            `camera_from_object`, `scale`, `intrinsics` and `distortion`.
        depth_scale: Millimetres per unit of the accompanying depth images.

    Raises:
        ConfigError: A field is missing, an object is stretched, a mesh has several sizes, or an image is mirrored,
            rotated or seen through a lens.

    Source:
        BOP toolkit, docs/bop_datasets_format.md and scripts/calc_gt_info.py.
    """
    view = "to_bop()"
    require(targets, view, *NEEDS, "intrinsics", "distortion")
    counts = visible_pixels(targets)
    intrinsics = opencv_intrinsics(targets, view).cpu()
    targets = targets.map(lambda field: field if field is targets.instances else field.cpu())
    objects = kept(targets)
    check_scales(targets, objects, view)
    ids = [str(number) for number in targets.sample_ids.tolist()]
    slots = [row.nonzero()[:, 0].tolist() for row in objects]
    return {
        "scene_gt": {name: [_pose(targets, row, k) for k in slots[row]] for row, name in enumerate(ids)},
        "scene_gt_info": {
            name: [_info(targets, row, k, counts[row][k]) for k in slots[row]] for row, name in enumerate(ids)
        },
        "scene_camera": {
            name: {"cam_K": intrinsics[row].flatten().tolist(), "depth_scale": depth_scale}
            for row, name in enumerate(ids)
        },
    }


def visible_pixels(targets: Targets) -> list[list[int]]:
    """Returns the number of visible pixels of each object of each image."""
    (instances, labels) = require(targets, "to_bop()", "instances", "mesh_ids")
    slots: Int64[Tensor, "batch pixel"] = instances.long().flatten(1) + 1
    counts = slots.new_zeros(len(slots), labels.shape[1] + 1).scatter_add_(1, slots, torch.ones_like(slots))
    numbers: list[list[int]] = counts[:, 1:].tolist()
    return numbers


def check_scales(targets: Targets, objects: Tensor, view: str) -> None:
    """Refuses objects that are not instances of a rigid model.

    Raises:
        ConfigError: An object is stretched, or a mesh has several sizes.
    """
    scale, mesh_ids = require(targets, view, "scale", "mesh_ids")
    sizes: dict[int, float] = {}
    for mesh, factors in zip(mesh_ids[objects].tolist(), scale[objects].tolist(), strict=True):
        if not all(math.isclose(factor, factors[0], rel_tol=SAME) for factor in factors):
            raise ConfigError(
                f"objects.stretch must be the same along all axes for {view}, whose poses are rigid, got scales "
                f"{[round(factor, 6) for factor in factors]}. Set objects.stretch.x, y and z to 1."
            )
        first = sizes.setdefault(mesh, factors[0])
        if not math.isclose(first, factors[0], rel_tol=SAME):
            raise ConfigError(
                f"objects.size must give each mesh one size for {view}, whose models are rigid, got scales "
                f"{first:.6g} and {factors[0]:.6g} of mesh {mesh}. Set objects.size to file."
            )


def _pose(targets: Targets, row: int, slot: int) -> dict[str, Any]:
    pose, mesh_ids = require(targets, "to_bop()", "camera_from_object", "mesh_ids")
    return {
        "cam_R_m2c": pose[row, slot, :3, :3].flatten().tolist(),
        "cam_t_m2c": (pose[row, slot, :3, 3].double() * MILLIMETRES).tolist(),
        "obj_id": int(mesh_ids[row, slot]) + 1,
    }


def _info(targets: Targets, row: int, slot: int, visible: int) -> dict[str, Any]:
    names = ("boxes", "boxes_amodal", "visibility", "truncation")
    box, whole, share, outside = (field[row, slot] for field in require(targets, "to_bop()", *names))
    inside = round(visible / share.item())
    everywhere = round(inside / max(1 - outside.item(), LEAST_INSIDE))
    return {
        "bbox_obj": _pixels(whole.tolist()),
        "bbox_visib": _pixels(box.tolist()),
        "px_count_all": everywhere,
        "px_count_valid": inside,
        "px_count_visib": visible,
        "visib_fract": visible / everywhere,
    }


def _pixels(box: list[float]) -> list[int]:
    """Returns x, y, width and height of the pixels whose centres lie within x1 y1 x2 y2."""
    x1, y1, x2, y2 = (math.ceil(edge - 0.5) for edge in box)
    return [x1, y1, x2 - x1, y2 - y1]
