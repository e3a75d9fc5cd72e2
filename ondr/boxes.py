"""Boxes and pixel counts of objects: modal and amodal boxes, visible pixels, instance ids, truncation.

Boxes are x1 y1 x2 y2 on the edges of pixels: one pixel at row 0, column 0 has the box 0 0 1 1. `boxes_numba` holds fast
twins of these functions for the CPU. Which objects get a label is left to `labels`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int16, Int32
from torch import Tensor

from ondr.geometry import product
from ondr.projection import project
from ondr.raster.limits import NEAR_METRES

MOST_PIECES = 8
"""Pieces into which an edge is cut under a lens, at most."""
POINTS_ALONG_EDGES = 2048
"""Pieces for a whole hull, about: the edges of a hull that has many are short, and stay all but straight."""


@dataclass(frozen=True)
class Extents:
    """Visible extent of the first N slots."""

    boxes: Int32[Tensor, "batch object 4"]
    """x1 y1 x2 y2 around the visible pixels, edges; 0 if there are none."""
    pixels: Int32[Tensor, "batch object"]
    """Number of visible pixels."""


def visible_extents(slot: Int16[Tensor, "batch height width"], num_objects: int) -> Extents:
    """Returns the box and the number of visible pixels of slots 0..num_objects-1.

    In integers and of fixed shapes: exact in any order, and without synchronisation.
    """
    ids = torch.arange(num_objects, dtype=slot.dtype, device=slot.device)
    seen = slot[:, None] == ids[:, None, None]
    x1, x2 = _first_and_last(seen.any(dim=2))
    y1, y2 = _first_and_last(seen.any(dim=3))
    pixels = seen.sum(dim=(2, 3), dtype=torch.int32)
    boxes = torch.stack([x1, y1, x2, y2], dim=-1).to(torch.int32)
    return Extents(boxes * (pixels > 0)[..., None], pixels)


def _first_and_last(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the index of the first True along the last dimension, and the one after the last True."""
    index = torch.arange(seen.shape[-1], dtype=torch.int32, device=seen.device)
    first = torch.where(seen, index, seen.shape[-1]).amin(dim=-1)
    return first, torch.where(seen, index + 1, 0).amax(dim=-1)


def instance_ids(
    slot: Int16[Tensor, "batch height width"], labelled: Bool[Tensor, "batch object"]
) -> Int16[Tensor, "batch height width"]:
    """Returns the labelled object that each pixel shows; -1 for other objects, distractors or nothing."""
    # One column more than objects, False, for every slot that is none of them.
    columns = torch.nn.functional.pad(labelled, (0, 1))
    last = labelled.shape[1]
    index = torch.where((slot < 0) | (slot > last), last, slot).long()
    shown = torch.gather(columns, 1, index.flatten(1)).reshape(slot.shape)
    return torch.where(shown, slot, -1)


def amodal_boxes(
    hull: Float32[Tensor, "mesh hull 3"],
    hull_edges: Int32[Tensor, "mesh edge 2"],
    mesh: Int32[Tensor, "batch object"],
    camera_from_bank: Float[Tensor, "batch object 3 4"],
    intrinsics: Float[Tensor, "batch 3 3"],
    distortion: Float[Tensor, "batch 5"] | None = None,
) -> Float[Tensor, "batch object 4"]:
    """Returns boxes around the projections of whole objects, which may leave the image.

    Where a convex hull crosses the near plane, the box encloses the projection of the part in front of it. An empty
    slot, or an object wholly behind the near plane, has the box 0 0 0 0.

    Args:
        hull: `Bank.hull`.
        hull_edges: `Bank.hull_edges`.
        mesh: Row of the bank's meshes; -1 for an empty slot.
        camera_from_bank: From bank coordinates to the camera frame, metres.
        intrinsics: K with pixel centres at +0.5.
        distortion: k1 k2 p1 p2 k3 of a lens; since it bends edges, points along them are projected as well.
    """
    row = mesh.clamp_min(0)
    corners = product(hull[row], camera_from_bank[..., :3].mT) + camera_from_bank[..., None, :, 3]
    inside = corners[..., 2] >= NEAR_METRES
    cuts, cut = _cut_edges(corners, inside, hull_edges[row])
    points, known = torch.cat([corners, cuts], dim=2), torch.cat([inside, cut], dim=2)
    if distortion is not None:
        between = _along_edges(corners, hull_edges[row])
        points, known = torch.cat([points, between], dim=2), torch.cat([known, between[..., 2] >= NEAR_METRES], dim=2)
    x, y = project(points, intrinsics, distortion).unbind(-1)
    low = [torch.where(known, v, torch.inf).amin(-1) for v in (x, y)]
    high = [torch.where(known, v, -torch.inf).amax(-1) for v in (x, y)]
    found = inside.any(-1) & (mesh >= 0)
    return torch.where(found[..., None], torch.stack(low + high, dim=-1), 0.0)


def _along_edges(corners: Tensor, edges: Tensor) -> Tensor:
    """Returns points that divide edges into equal pieces."""
    pieces = max(1, min(MOST_PIECES, POINTS_ALONG_EDGES // max(edges.shape[2], 1)))
    start, end = _ends(corners, edges)
    shares = torch.arange(1, pieces, device=corners.device)[:, None] / pieces
    return (start[..., None, :] + shares * (end - start)[..., None, :]).flatten(2, 3)


def _ends(corners: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the two ends of edges."""
    a, b = (torch.gather(corners, 2, i[..., None].expand(*i.shape, 3)) for i in edges.long().unbind(-1))
    return a, b


def _cut_edges(corners: Tensor, inside: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Returns where edges intersect the near plane, and which of them do."""
    start, end = edges.long().unbind(-1)
    cut = torch.gather(inside, 2, start) != torch.gather(inside, 2, end)
    a, b = _ends(corners, edges)
    share = (NEAR_METRES - a[..., 2]) / torch.where(cut, b[..., 2] - a[..., 2], 1.0)
    cuts = a + share[..., None] * (b - a)
    return torch.cat([cuts[..., :2], torch.full_like(cuts[..., 2:], NEAR_METRES)], dim=-1), cut


def truncation(boxes: Float[Tensor, "batch object 4"], size: tuple[int, int]) -> Float[Tensor, "batch object"]:
    """Returns the share of each box's area that lies outside an image of `size` (height, width); 0 for an empty box."""
    height, width = size
    inside_x, inside_y = (boxes[..., i::2].clamp(0, side) for i, side in enumerate((width, height)))
    within, whole = _extent(inside_x) * _extent(inside_y), _extent(boxes[..., 0::2]) * _extent(boxes[..., 1::2])
    return torch.where(whole > 0, 1 - within / torch.where(whole > 0, whole, 1.0), 0.0).clamp(0, 1)


def jittered(
    boxes: Float32[Tensor, "batch object 4"], jitter: Float[Tensor, "batch object 4"], size: tuple[int, int]
) -> Float32[Tensor, "batch object 4"]:
    """Returns boxes with each side moved, inside the image and at least a pixel wide and high.

    Args:
        boxes: x1 y1 x2 y2.
        jitter: Shift of each side, as a share of the box's width or height.
        size: Height and width of the image.
    """
    corner, opposite = boxes[..., :2], boxes[..., 2:]
    moved = boxes + jitter * (opposite - corner).repeat(1, 1, 2)
    limit = torch.stack([boxes.new_full((), side) for side in (size[1], size[0])])
    low = torch.minimum(moved[..., :2].clamp_min(0), limit - 1)
    high = torch.minimum(torch.maximum(moved[..., 2:], low + 1), limit)
    return torch.cat([low, high], dim=-1)


def _extent(sides: Tensor) -> Tensor:
    return sides[..., 1] - sides[..., 0]
