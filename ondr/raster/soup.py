"""A batch as the list of clip-space triangles that nvdiffrast draws, and the decoding of its ids, in plain torch.

Calling nvdiffrast is left to `nvdiffrast`. In clip space, x / w and y / w run from -1 to 1 across the image, y down
(nvdiffrast's row 0 is y = -1), and w is the depth in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int32, Int64
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import product
from ondr.scene import Instances

from .limits import NEAR_METRES

# nvdiffrast rounds vertices to 1/16 pixel.
SUBPIXELS = 16
# nvdiffrast draws a triangle unclipped up to these coordinates from the image's centre and this extent, in sub-pixels.
MAX_COORDINATE = 2**15 - 1
MAX_EXTENT = 2**15 - 1

# Corner outside every image: a triangle of three of them is never drawn.
NOWHERE = (2.0, 2.0, 2.0, 1.0)

# Ids up to this are stored as float values, greater ones as float bits from CODED_BASE on.
PLAIN_IDS = 2**24
CODED_BASE = 0x4A800000


@dataclass(frozen=True)
class Soup:
    """The triangles of some images, image by image, slot by slot, each with corners of its own."""

    corners: Float32[Tensor, "triangle 3 4"]
    """Clip coordinates; `NOWHERE` for a triangle that is not drawn."""
    row: Int64[Tensor, "triangle"]
    """Row of the bank's triangles."""
    instance: Int64[Tensor, "triangle"]
    """image * S + slot."""
    points: Int32[Tensor, "triangle 3 2"]
    """x and y in sub-pixels from the image's top left corner; meaningful where `whole`."""
    whole: Bool[Tensor, "triangle"]
    """Whether it is drawn unclipped."""
    drawn: Bool[Tensor, "triangle"]
    """Whether it is finite and not culled."""


def make_soup(
    bank: Bank, instances: Instances, intrinsics: Float[Tensor, "batch 3 3"], size: tuple[int, int], total: int
) -> Soup:
    """Expands instances into triangles.

    Args:
        bank: The meshes.
        instances: `[B, S]`.
        intrinsics: K.
        size: Height and width.
        total: The sum of `instances.triangle_count`, known on the host.
    """
    row, instance = list_triangles(instances, total)
    matrix, flip = clip_matrix(instances.camera_from_bank, intrinsics, size)
    vertex = instances.vertex_offset.flatten()[instance, None] + bank.triangles[row, :3]
    position = bank.vertices.detach()[:, :3][vertex]
    m = matrix.flatten(0, 1)[instance]
    x, y, w = (
        m[:, j, 0, None] * position[..., 0]
        + m[:, j, 1, None] * position[..., 1]
        + m[:, j, 2, None] * position[..., 2]
        + m[:, j, 3, None]
        for j in range(3)
    )
    finite = (x.isfinite() & y.isfinite() & w.isfinite()).all(dim=1)
    slots = max(instances.triangle_count.shape[1], 1)
    z = depth(w, finite, instance // slots, instances.triangle_count.sum(dim=1))
    points, whole = snap(x, y, z, w, size)
    area = torch.where(whole, screen_area(points).double(), homogeneous_area(x, y, w))
    culled = instances.closed.flatten()[instance] & (area * flip.flatten()[instance] > 0)
    drawn = finite & ~culled
    planes = [torch.where(drawn[:, None], c, nowhere) for c, nowhere in zip((x, y, z, w), NOWHERE, strict=True)]
    corners = torch.stack(planes, dim=-1)
    return Soup(corners=corners, row=row, instance=instance, points=points, whole=whole, drawn=drawn)


def list_triangles(instances: Instances, total: int) -> tuple[Int64[Tensor, "triangle"], Int64[Tensor, "triangle"]]:
    """Returns the bank's row and the instance (image * S + slot) of every triangle."""
    count = instances.triangle_count.flatten().long()
    number = torch.arange(len(count), device=count.device)
    instance = torch.repeat_interleave(number, count, output_size=total)
    before = count.cumsum(0) - count
    step = torch.arange(total, device=count.device) - before[instance]
    return instances.first_triangle.flatten().long()[instance] + step, instance


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


def depth(
    w: Float32[Tensor, "triangle 3"],
    finite: Bool[Tensor, "triangle"],
    image: Int64[Tensor, "triangle"],
    counts: Int64[Tensor, "batch"],
) -> Float32[Tensor, "triangle 3"]:
    """Returns clip z: -w at a near plane just before each image's nearest vertex, w just behind its farthest.

    nvdiffrast stores z / w, which is linear in 1/w, in fixed point: planes fitted to the image resolve depths that
    constant planes would not. Only what is nearer than `NEAR_METRES` is clipped.

    Args:
        w: w of each triangle's corners, image by image.
        finite: Which triangles count.
        image: Which image each triangle is in.
        counts: How many triangles each image has.
    """
    # By segments, since millions of atomic operations on one number per image would contend.
    nearest = _of_each(torch.where(finite, w.amin(dim=1), torch.inf), "min", counts, torch.inf)
    farthest = _of_each(torch.where(finite, w.amax(dim=1), NEAR_METRES), "max", counts, NEAR_METRES)
    near, far = nearest.double(), farthest.double() * 1.01
    near = torch.where(near < NEAR_METRES, NEAR_METRES, (near * 0.99).clamp(min=NEAR_METRES)).minimum(far * 0.98)
    scale, offset = (far + near) / (far - near), -2 * far * near / (far - near)
    return w * scale.float()[image, None] + offset.float()[image, None]


def _of_each(values: Tensor, what: str, counts: Tensor, none: float) -> Tensor:
    """Returns the least or greatest value of each image, `none` if it has no values; counts are not checked."""
    return torch.segment_reduce(values, what, lengths=counts, unsafe=True, initial=none)


def snap(
    x: Float32[Tensor, "triangle 3"],
    y: Float32[Tensor, "triangle 3"],
    z: Float32[Tensor, "triangle 3"],
    w: Float32[Tensor, "triangle 3"],
    size: tuple[int, int],
) -> tuple[Int32[Tensor, "triangle 3 2"], Bool[Tensor, "triangle"]]:
    """Rounds corners as nvdiffrast does, in float32 to nearest even, and returns which triangles it draws unclipped.

    Source: Laine et al. 2020, "Modular primitives for high-performance differentiable rendering"; triangle set-up of
    nvdiffrast 0.3.3 (vertex times 1/w times half the image in sub-pixels).
    """
    inverse = 1 / w
    right, down = size[1] * (SUBPIXELS // 2), size[0] * (SUBPIXELS // 2)
    exact = torch.stack([x * inverse * right, y * inverse * down], dim=-1)
    rounded = exact.round()
    fits = (z.abs() <= w)[..., None] & (rounded.abs() <= MAX_COORDINATE)
    whole = fits.flatten(1).all(dim=1)
    points = torch.where(whole[:, None, None], rounded, 0).int()
    span = points.flatten(1).amax(dim=1) - points.flatten(1).amin(dim=1)
    from_corner = torch.stack([points[..., 0] + right, points[..., 1] + down], dim=-1)
    return from_corner, whole & (span <= MAX_EXTENT)


def screen_area(points: Int32[Tensor, "triangle 3 2"]) -> Int64[Tensor, "triangle"]:
    """Returns twice the signed area in square sub-pixels."""
    a, b = (points[:, j].long() - points[:, 0].long() for j in (1, 2))
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def homogeneous_area(
    x: Float32[Tensor, "triangle 3"], y: Float32[Tensor, "triangle 3"], w: Float32[Tensor, "triangle 3"]
) -> Float[Tensor, "triangle"]:
    """Returns a number with the sign of the visible part's area, even if corners lie behind the camera.

    Source: Olano and Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates", section 3.
    """
    x, y, w = x.double(), y.double(), w.double()
    return (
        x[:, 0] * (y[:, 1] * w[:, 2] - y[:, 2] * w[:, 1])
        + x[:, 1] * (y[:, 2] * w[:, 0] - y[:, 0] * w[:, 2])
        + x[:, 2] * (y[:, 0] * w[:, 1] - y[:, 1] * w[:, 0])
    )


def decode_ids(ids: Float32[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """Decodes nvdiffrast's float ids into rows of its index buffer; -1 for none."""
    plain, coded = ids.nan_to_num().long(), ids.contiguous().view(torch.int32).long() - CODED_BASE
    return torch.where(ids <= PLAIN_IDS, plain, coded) - 1
