"""Compiled twins of the functions of `boxes` for the CPU, images in parallel. `boxes` defines what they return."""

from __future__ import annotations

import typing

import numba
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int16, Int32
from torch import Tensor

from ondr.boxes import Extents
from ondr.raster.limits import NEAR_METRES
from ondr.runtime.threads_numba import numba_threads


def visible_extents(slot: Int16[Tensor, "batch height width"], num_objects: int) -> Extents:
    """See `boxes.visible_extents`."""
    boxes = torch.zeros((len(slot), num_objects, 4), dtype=torch.int32)
    pixels = torch.zeros((len(slot), num_objects), dtype=torch.int32)
    with numba_threads():
        _sweep(slot.numpy(), boxes.numpy(), pixels.numpy())
    return Extents(boxes, pixels)


def instance_ids(
    slot: Int16[Tensor, "batch height width"], labelled: Bool[Tensor, "batch object"]
) -> Int16[Tensor, "batch height width"]:
    """See `boxes.instance_ids`."""
    ids = torch.empty_like(slot)
    with numba_threads():
        _keep_labelled(slot.numpy(), labelled.numpy(), ids.numpy())
    return ids


def amodal_boxes(
    hull: Float32[Tensor, "mesh hull 3"],
    hull_edges: Int32[Tensor, "mesh edge 2"],
    mesh: Int32[Tensor, "batch object"],
    camera_from_bank: Float[Tensor, "batch object 3 4"],
    intrinsics: Float[Tensor, "batch 3 3"],
) -> Float[Tensor, "batch object 4"]:
    """See `boxes.amodal_boxes`."""
    boxes = torch.zeros((*mesh.shape, 4), dtype=torch.float32)
    arrays = [t.detach().numpy() for t in (hull, hull_edges, mesh, camera_from_bank.double(), intrinsics.double())]
    with numba_threads():
        _project_hulls(*arrays, boxes.numpy())
    return boxes


@typing.no_type_check
@numba.njit(parallel=True, cache=True)
def _sweep(slot, boxes, pixels):
    for image in numba.prange(slot.shape[0]):
        _sweep_image(slot[image], boxes[image], pixels[image])


@typing.no_type_check
@numba.njit(cache=True)
def _sweep_image(slot, boxes, pixels):
    height, width = slot.shape
    for y in range(height):
        x = 0
        while x < width:
            k, start = slot[y, x], x
            while x < width and slot[y, x] == k:
                x += 1
            if 0 <= k < len(pixels):
                _add_run(boxes[k], pixels[k] == 0, start, x, y)
                pixels[k] += np.int32(x - start)


@typing.no_type_check
@numba.njit(inline="always")
def _add_run(box, first, start, end, y):
    if first:
        box[0], box[1], box[2] = start, y, end
    box[0] = min(box[0], start)
    box[2] = max(box[2], end)
    box[3] = y + 1


@typing.no_type_check
@numba.njit(parallel=True, cache=True)
def _keep_labelled(slot, labelled, ids):
    batch, height, width = slot.shape
    for image in numba.prange(batch):
        for y in range(height):
            for x in range(width):
                k = slot[image, y, x]
                ids[image, y, x] = k if 0 <= k < labelled.shape[1] and labelled[image, k] else -1


@typing.no_type_check
@numba.njit(parallel=True, cache=True)
def _project_hulls(hull, edges, mesh, camera_from_bank, intrinsics, boxes):
    for image in numba.prange(mesh.shape[0]):
        for k in range(mesh.shape[1]):
            row = mesh[image, k]
            if row >= 0:
                projection = intrinsics[image] @ camera_from_bank[image, k]
                _project_hull(hull[row], edges[row], projection, boxes[image, k])


@typing.no_type_check
@numba.njit(cache=True)
def _project_hull(hull, edges, projection, box):
    """Fills in the box of one object; the third row of `projection` gives the depth."""
    low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
    behind = False
    for i in range(len(hull)):
        if i > 0 and _same_point(hull[i], hull[0]):
            break  # The bank pads hulls with their first point.
        x, y, z = _transform(projection, hull[i])
        if z < NEAR_METRES:
            behind = True
            continue
        x, y = x / z, y / z
        low_x, low_y, high_x, high_y = min(low_x, x), min(low_y, y), max(high_x, x), max(high_y, y)
    if low_x > high_x:
        return
    if behind:
        for i in range(len(edges)):
            x, y, cut = _cut(projection, hull[edges[i, 0]], hull[edges[i, 1]])
            if cut:
                low_x, low_y, high_x, high_y = min(low_x, x), min(low_y, y), max(high_x, x), max(high_y, y)
    box[0], box[1], box[2], box[3] = low_x, low_y, high_x, high_y


@typing.no_type_check
@numba.njit(inline="always")
def _same_point(a, b):
    return a[0] == b[0] and a[1] == b[1] and a[2] == b[2]


@typing.no_type_check
@numba.njit(inline="always")
def _transform(m, p):
    return (
        m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3],
        m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3],
        m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3],
    )


@typing.no_type_check
@numba.njit(cache=True)
def _cut(projection, a, b):
    """Returns where an edge intersects the near plane, in pixels, and whether it does."""
    ax, ay, az = _transform(projection, a)
    bx, by, bz = _transform(projection, b)
    if (az < NEAR_METRES) == (bz < NEAR_METRES):
        return 0.0, 0.0, False
    share = (NEAR_METRES - az) / (bz - az)
    return (ax + share * (bx - ax)) / NEAR_METRES, (ay + share * (by - ay)) / NEAR_METRES, True
