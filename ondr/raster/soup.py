"""A batch as the list of clip-space triangles that nvdiffrast draws, and the decoding of its ids, in plain torch.

Calling nvdiffrast is left to `nvdiffrast`. In clip space, x / w and y / w run from -1 to 1 across the image, y down
(nvdiffrast's row 0 is y = -1), and w is the depth in metres.

A batch has millions of triangles, so that operation by operation most of the time would go into memory. What is done
for each of them is two functions for a compiler, `depth_reach` and `clip_triangles`; for each pixel or sample it is
one, `seen_ids` or `seen_samples`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Float64, Int16, Int32, Int64
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import product
from ondr.planes import Vector, take, take_one
from ondr.runtime.compiled import maybe_compiled
from ondr.scene import Instances

from .limits import NEAR_METRES
from .visibility import SampleGrid

# nvdiffrast rounds vertices to 1/16 pixel.
SUBPIXELS = 16
# nvdiffrast draws a triangle unclipped up to these coordinates from the image's centre and this extent, in sub-pixels.
MAX_COORDINATE = 2**15 - 1
MAX_EXTENT = 2**15 - 1

# Corner outside every image: a triangle of three of them is never drawn.
NOWHERE = (2.0, 2.0, 2.0, 1.0)

# How a triangle is drawn: not at all (it is not finite, or culled), with its corners on sub-pixels, or clipped.
SKIPPED, SNAPPED, CLIPPED = 0, 1, 2

# Ids up to this are stored as float values, greater ones as float bits from CODED_BASE on.
PLAIN_IDS = 2**24
CODED_BASE = 0x4A800000


@dataclass(frozen=True)
class Soup:
    """The triangles of some images, image by image, slot by slot, each with corners of its own.

    There is room for more triangles than there are; the last rows are of an instance that is none and are skipped.
    """

    corners: Float32[Tensor, "triangle 3 4"]
    """Clip coordinates; `NOWHERE` for a triangle that is skipped."""
    points: Int32[Tensor, "triangle 3 2"]
    """x and y in sub-pixels from the image's top left corner; meaningful where `kind` is SNAPPED."""
    kind: Int32[Tensor, "triangle"]
    """SKIPPED, SNAPPED or CLIPPED."""
    instance: Int64[Tensor, "triangle"]
    """image * S + slot."""
    shift: Int64[Tensor, "instance"]
    """Row of the bank's triangles that a triangle of each instance is, minus its row here."""
    clip_z: Float32[Tensor, "instance 2"]
    """a and b of each instance: clip z is a w + b."""


Ids = tuple[Int32[Tensor, "image height width"], Int16[Tensor, "image height width"]]
"""Triangle and slot that each pixel sees."""


@dataclass(frozen=True)
class Drawing:
    """Meshes, and what is drawn of each instance and last of one that is none. Tensors only, so that one compiled
    function serves every batch."""

    vertices: Float32[Tensor, "vertex 8"]
    """`Bank.vertices`."""
    triangles: Int32[Tensor, "face 4"]
    """`Bank.triangles`."""
    shift: Int64[Tensor, "instance"]
    """As in `Soup`."""
    vertex_offset: Int32[Tensor, "instance"]
    """Row of the vertices to which triangles are relative."""
    matrix: Float32[Tensor, "instance 12"]
    """From bank coordinates to clip x, y and w, row by row; NaN for what is no instance."""
    culled_sign: Float32[Tensor, "instance"]
    """Sign of the screen area of triangles that are culled; 0: none is."""


Corners = tuple[Vector, Vector, Vector]
"""A vector for each corner of the triangles."""


def make_soup(
    bank: Bank,
    instances: Instances,
    intrinsics: Float[Tensor, "batch 3 3"],
    size: tuple[int, int],
    room: int,
    *,
    compile: bool = False,
) -> Soup:
    """Expands instances into triangles.

    Args:
        bank: The meshes.
        instances: `[B, S]`.
        intrinsics: K.
        size: Height and width.
        room: Number of triangles for which there is room, at least the sum of `instances.triangle_count`.
        compile: Run compiled functions.
    """
    drawing, instance = list_instances(bank, instances, intrinsics, size, room)
    nearest, farthest = maybe_compiled(depth_reach, compile)(drawing, instance)
    clip_z = fit_clip_z(nearest, farthest, instances.triangle_count)
    corners, points, kind = maybe_compiled(clip_triangles, compile)(drawing, clip_z, instance, size)
    return Soup(corners, points, kind, instance, drawing.shift, clip_z)


def list_instances(
    bank: Bank, instances: Instances, intrinsics: Float[Tensor, "batch 3 3"], size: tuple[int, int], room: int
) -> tuple[Drawing, Int64[Tensor, "triangle"]]:
    """Returns what is drawn of each instance, and the instance of each triangle."""
    matrix, flip = clip_matrix(instances.camera_from_bank, intrinsics, size)
    count = instances.triangle_count.flatten().long()
    end = count.cumsum(0)
    drawing = Drawing(
        vertices=bank.vertices.detach(),
        triangles=bank.triangles,
        shift=_and_one(instances.first_triangle.flatten().long() - (end - count), 0),
        vertex_offset=_and_one(instances.vertex_offset.flatten(), 0),
        matrix=_and_one(matrix.flatten(0, 1).flatten(1), torch.nan),
        culled_sign=_and_one((instances.closed * flip).flatten().float(), 0),
    )
    # What lies behind all ends is of no instance.
    return drawing, torch.searchsorted(end, torch.arange(room, device=end.device), right=True)


def _and_one(rows: Tensor, value: float) -> Tensor:
    """Returns rows with one more at the end."""
    return torch.cat([rows, rows.new_full((1, *rows.shape[1:]), value)])


def clip_matrix(
    camera_from_bank: Float[Tensor, "batch slot 3 4"], intrinsics: Float[Tensor, "batch 3 3"], size: tuple[int, int]
) -> tuple[Float32[Tensor, "batch slot 3 4"], Float[Tensor, "batch slot"]]:
    """Returns the matrices from bank coordinates to clip x, y and w, and the sign of a back face's screen area."""
    height, width = size
    k, pose = intrinsics.detach().double(), camera_from_bank.detach().double()
    x, y, w = k.unbind(1)
    matrix = product(torch.stack([x * (2 / width) - w, y * (2 / height) - w, w], dim=1)[:, None], pose)
    # Determinants by hand, since a library's may synchronise on a GPU.
    a, b, c = pose[..., :3].unbind(-2)
    flip = (a * torch.linalg.cross(b, c)).sum(-1).sign() * (x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]).sign()[:, None]
    return matrix.float(), flip


def depth_reach(
    drawing: Drawing, instance: Int64[Tensor, "triangle"]
) -> tuple[Float32[Tensor, "triangle"], Float32[Tensor, "triangle"]]:
    """Returns the least and the greatest w of each triangle; neutral ones if it is not finite."""
    (_, _, a), (_, _, b), (_, _, c) = corners = _corners_of(drawing, instance)
    finite = _finite(corners)
    least, greatest = a.minimum(b).minimum(c), a.maximum(b).maximum(c)
    return torch.where(finite, least, torch.inf), torch.where(finite, greatest, NEAR_METRES)


def _corners_of(drawing: Drawing, instance: Tensor) -> Corners:
    """Returns clip x, y and w of the triangles' corners."""
    number = torch.arange(len(instance), device=instance.device)
    # What is no instance may lie behind the bank's last triangle.
    row = (number + take_one(drawing.shift, instance)).clamp(max=len(drawing.triangles) - 1)
    offset, m = take_one(drawing.vertex_offset, instance), take(drawing.matrix, instance)

    def clipped(vertex: Tensor) -> Vector:
        x, y, z = (take_one(drawing.vertices[:, axis], vertex) for axis in range(3))
        return tuple(m[j] * x + m[j + 1] * y + m[j + 2] * z + m[j + 3] for j in (0, 4, 8))

    a, b, c = (clipped(take_one(drawing.triangles[:, corner], row) + offset) for corner in range(3))
    return a, b, c


def _finite(corners: Corners) -> Bool[Tensor, "triangle"]:
    return functools.reduce(torch.logical_and, [plane.isfinite() for corner in corners for plane in corner])


def fit_clip_z(
    nearest: Float32[Tensor, "triangle"], farthest: Float32[Tensor, "triangle"], count: Int32[Tensor, "batch slot"]
) -> Float32[Tensor, "instance 2"]:
    """Returns `Soup.clip_z`.

    Clip z is -w at a near plane just before the image's nearest vertex, w just behind its farthest. nvdiffrast stores
    z / w, which is linear in 1/w, in fixed point: planes fitted to the image resolve depths that constant planes would
    not. Only what is nearer than `NEAR_METRES` is clipped.

    Args:
        nearest: Least w of each triangle, image by image.
        farthest: Greatest w.
        count: How many triangles each instance has.
    """
    # By segments, since millions of atomic operations on one number per image would contend.
    near = _of_each(nearest, "min", count.sum(dim=1), torch.inf).double()
    far = _of_each(farthest, "max", count.sum(dim=1), NEAR_METRES).double() * 1.01
    near = torch.where(near < NEAR_METRES, NEAR_METRES, (near * 0.99).clamp(min=NEAR_METRES)).minimum(far * 0.98)
    planes = torch.stack([(far + near) / (far - near), -2 * far * near / (far - near)], dim=-1).float()
    return _and_one(planes[:, None].expand(*count.shape, 2).flatten(0, 1), 0)


def _of_each(values: Tensor, what: str, counts: Tensor, none: float) -> Tensor:
    """Returns the least or greatest value of each image, `none` if it has no values; counts are not checked."""
    return torch.segment_reduce(values, what, lengths=counts, unsafe=True, initial=none)


def clip_triangles(
    drawing: Drawing, clip_z: Float32[Tensor, "instance 2"], instance: Int64[Tensor, "triangle"], size: tuple[int, int]
) -> tuple[Float32[Tensor, "triangle 3 4"], Int32[Tensor, "triangle 3 2"], Int32[Tensor, "triangle"]]:
    """Returns `Soup.corners`, `Soup.points` and `Soup.kind`.

    Args:
        drawing: The meshes and instances.
        clip_z: What `fit_clip_z` returns.
        instance: The instance of each triangle.
        size: Height and width.
    """
    corners = _corners_of(drawing, instance)
    scale, offset = take(clip_z, instance)
    depths = [w * scale + offset for _, _, w in corners]
    points, whole = snap(corners, depths, size)
    area = torch.where(whole, screen_area(points).double(), homogeneous_area(corners))
    drawn = _finite(corners) & ~(area * take_one(drawing.culled_sign, instance) > 0)
    clip = [
        torch.where(drawn, value, nowhere)
        for (x, y, w), z in zip(corners, depths, strict=True)
        for value, nowhere in zip((x, y, z, w), NOWHERE, strict=True)
    ]
    kind = torch.where(drawn, torch.where(whole, SNAPPED, CLIPPED), SKIPPED)
    flat = [plane for point in points for plane in point]
    return torch.stack(clip, dim=-1).view(-1, 3, 4), torch.stack(flat, dim=-1).view(-1, 3, 2), kind.int()


def snap(corners: Corners, depths: Sequence[Tensor], size: tuple[int, int]) -> tuple[list[Vector], Tensor]:
    """Rounds corners as nvdiffrast does, in float32 to nearest even.

    Source: Laine et al. 2020, "Modular primitives for high-performance differentiable rendering"; triangle set-up of
    nvdiffrast 0.3.3 (vertex times 1/w times half the image in sub-pixels).

    Args:
        corners: Clip x, y and w.
        depths: Clip z.
        size: Height and width.

    Returns:
        x and y of each corner in int32 sub-pixels from the image's top left corner, and which triangles are drawn
        unclipped; where one is not, its corners mean nothing.
    """
    half = size[1] * (SUBPIXELS // 2), size[0] * (SUBPIXELS // 2)
    fits, rounded = [], []
    for (x, y, w), z in zip(corners, depths, strict=True):
        # Compiled for a GPU, a division in float32 would not be rounded to nearest.
        inverse = (1 / w.double()).float()
        point = (x * inverse * half[0]).round(), (y * inverse * half[1]).round()
        fits += [z.abs() <= w, *(plane.abs() <= MAX_COORDINATE for plane in point)]
        rounded.append(point)
    whole = functools.reduce(torch.logical_and, fits)
    points = [tuple(torch.where(whole, plane, 0).int() for plane in point) for point in rounded]
    planes = [plane for point in points for plane in point]
    span = functools.reduce(torch.maximum, planes) - functools.reduce(torch.minimum, planes)
    return [(x + half[0], y + half[1]) for x, y in points], whole & (span <= MAX_EXTENT)


def screen_area(points: Sequence[Vector]) -> Int64[Tensor, "triangle"]:
    """Returns twice the signed area in square sub-pixels."""
    (x, y), (ax, ay), (bx, by) = ((x.long(), y.long()) for x, y in points)
    return (ax - x) * (by - y) - (ay - y) * (bx - x)


def homogeneous_area(corners: Corners) -> Float64[Tensor, "triangle"]:
    """Returns a number with the sign of the visible part's area, even if corners lie behind the camera.

    Source: Olano and Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates", section 3.
    """
    a, b, c = (tuple(plane.double() for plane in corner) for corner in corners)
    return a[0] * (b[1] * c[2] - c[1] * b[2]) + a[1] * (b[2] * c[0] - c[2] * b[0]) + a[2] * (b[0] * c[1] - c[0] * b[1])


def seen_by_pixels(soup: Soup, found: Float32[Tensor, "image height width 4"], slots: int, *, compile: bool) -> Ids:
    """Returns the bank's triangle and the slot that each pixel sees, -1 for none.

    Args:
        soup: The triangles that were drawn.
        found: What nvdiffrast returned.
        slots: S.
        compile: Run a compiled function.
    """
    ids: Ids = maybe_compiled(seen_ids, compile)(found, soup.instance, soup.shift, slots)
    return ids


def seen_by_samples(
    soup: Soup, found: Float32[Tensor, "image height2 width2 4"], slots: int, *, compile: bool
) -> SampleGrid:
    """Returns what `seen_by_pixels` does, and 1 / depth, of an image of samples."""
    planes = maybe_compiled(seen_samples, compile)(found, soup.instance, soup.shift, soup.clip_z, slots)
    return SampleGrid(*planes)


def seen_ids(found: Tensor, instance: Tensor, shift: Tensor, slots: int) -> Ids:
    """Returns what `seen_by_pixels` does, from `Soup.instance` and `Soup.shift`."""
    return _named(*_owners(found, instance), shift, slots)


def seen_samples(found: Tensor, instance: Tensor, shift: Tensor, clip_z: Tensor, slots: int) -> tuple[Tensor, ...]:
    """Returns the fields of what `seen_by_samples` does."""
    row, owner = _owners(found, instance)
    scale, offset = take(clip_z, owner)
    # z / w is a + b / w.
    return *_named(row, owner, shift, slots), torch.where(row >= 0, (found[..., 2] - scale) / offset, 0)


def _owners(found: Tensor, instance: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the row of the soup that each pixel sees, -1 for none, and its instance, any for none."""
    row = decode_ids(found[..., 3])
    return row, take_one(instance, row.clamp(min=0))


def _named(row: Tensor, owner: Tensor, shift: Tensor, slots: int) -> Ids:
    triangle = torch.where(row >= 0, take_one(shift, owner) + row, -1)
    return triangle.int(), torch.where(row >= 0, owner % slots, -1).short()


def decode_ids(ids: Float32[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """Decodes nvdiffrast's float ids into rows of its index buffer; -1 for none."""
    plain, coded = ids.nan_to_num().long(), ids.view(torch.int32).long() - CODED_BASE
    return torch.where(ids <= PLAIN_IDS, plain, coded) - 1
