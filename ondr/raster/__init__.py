"""Which triangle does each pixel see, and how many pixels would each object cover alone?

The public functions check their input and choose the backend by the bank's device; nothing outside this package knows
how many backends there are. Barycentrics, depth and colour are computed from the ids elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float32, Int16, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.errors import BackendError
from ondr.scene import Instances

from .limits import MAX_SIDE as MAX_SIDE
from .limits import MAX_SLOTS as MAX_SLOTS
from .limits import NEAR_METRES as NEAR_METRES
from .limits import check_input
from .visibility import SAMPLES as SAMPLES
from .visibility import Fragments as Fragments
from .visibility import SampleGrid as SampleGrid
from .visibility import Visibility as Visibility

Tile = TypeVar("Tile")


def visible(
    bank: Bank,
    instances: Instances,
    intrinsics: Float32[Tensor, "batch 3 3"],
    size: tuple[int, int],
    weights: Int32[Tensor, "batch height width"] | None = None,
    *,
    compile: bool = False,
) -> Visibility:
    """Finds the triangle and the instance that each pixel's centre sees.

    Pixel centres lie at +0.5, row 0 is at the top. A centre on the common edge of two triangles belongs to exactly
    one of them. Triangles are clipped at `NEAR_METRES`; there is no far plane. Closed meshes show their front faces
    only. The nearest triangle wins; on equal depth the outcome is deterministic. Degenerate and non-finite triangles
    draw nothing.

    Args:
        bank: The meshes. Its device decides the backend: numba on the CPU, nvdiffrast on CUDA.
        instances: `[B, S]`, S < `MAX_SLOTS`.
        intrinsics: K, float32, with a last row of 0 0 1; skew and fx < 0 (a mirrored image) are allowed.
        size: Height and width in pixels, up to `MAX_SIDE` of the device.
        weights: How often each pixel counts in `Visibility.covered`; None: once.
        compile: Run what CUDA does beside nvdiffrast as compiled functions. The CPU's are always compiled.

    Raises:
        ValueError: A shape, type, device or size is wrong, or a range lies outside the bank.
        BackendError: The device's backend is missing or cannot run here.
    """
    check_input(bank, instances, intrinsics, size, weights)
    if bank.device.type == "cpu":
        from . import numba

        return numba.visible(bank, instances, intrinsics, size, weights)
    from . import nvdiffrast

    return nvdiffrast.visible(bank, instances, intrinsics, size, weights, compile=compile)


def visible_in_tiles(
    bank: Bank,
    instances: Instances,
    intrinsics: Float32[Tensor, "batch 3 3"],
    size: tuple[int, int],
    weights: Int32[Tensor, "batch height width"],
    *,
    compile: bool = False,
) -> Visibility:
    """Finds what `visible` finds, in tiles where the image is too large for a backend.

    Args:
        bank: As for `visible`.
        instances: As for `visible`.
        intrinsics: As for `visible`.
        size: Height and width in pixels, of any size.
        weights: As for `visible`.
        compile: As for `visible`.

    Raises:
        ValueError: As for `visible`.
        BackendError: As for `visible`.
    """

    def draw(part: Tensor, rows: slice, columns: slice) -> Visibility:
        extent = (rows.stop - rows.start, columns.stop - columns.start)
        return visible(bank, instances, part, extent, weights[:, rows, columns].contiguous(), compile=compile)

    tiles = _tiles(draw, intrinsics, size, MAX_SIDE[bank.device.type])
    triangle, slot = (
        _joined([[getattr(tile, name) for tile in row] for row in tiles]) for name in ("triangle", "slot")
    )
    return Visibility(triangle, slot, torch.stack([tile.covered for row in tiles for tile in row]).sum(0).int())


def visible_ids(
    bank: Bank,
    instances: Instances,
    intrinsics: Float32[Tensor, "batch 3 3"],
    size: tuple[int, int],
    *,
    compile: bool = False,
) -> tuple[Int32[Tensor, "batch height width"], Int16[Tensor, "batch height width"]]:
    """Finds what `visible` finds except `covered`, which costs as much again.

    Args:
        bank: As for `visible`.
        instances: As for `visible`.
        intrinsics: As for `visible`.
        size: As for `visible`.
        compile: As for `visible`.

    Returns:
        Triangle and slot, as in `Visibility`.

    Raises:
        ValueError: As for `visible`.
        BackendError: As for `visible`.
    """
    check_input(bank, instances, intrinsics, size)
    return _ids(bank, instances, intrinsics, size, compile)


def fragments(
    bank: Bank, instances: Instances, intrinsics: Float32[Tensor, "batch 3 3"], size: tuple[int, int]
) -> tuple[Visibility, Fragments]:
    """Finds what each pixel's centre sees and, for antialiasing, the surfaces that its samples see. CPU only.

    Samples see one surface if instance and smooth patch are equal and the depth does not jump. Its triangle is the one
    at the centre if the centre and all four samples see it, else that of its first sample.

    Args:
        bank: As for `visible`, on the CPU.
        instances: As for `visible`.
        intrinsics: As for `visible`.
        size: As for `visible`.

    Raises:
        ValueError: As for `visible`.
        BackendError: The bank is not on the CPU.
    """
    check_input(bank, instances, intrinsics, size)
    if bank.device.type != "cpu":
        raise BackendError(
            f"bank.device must be cpu for fragments, got {bank.device}. Use supersampled, which runs on every device."
        )
    from . import numba

    return numba.fragments(bank, instances, intrinsics, size)


def supersampled(
    bank: Bank,
    instances: Instances,
    intrinsics: Float32[Tensor, "batch 3 3"],
    size: tuple[int, int],
    *,
    compile: bool = False,
) -> SampleGrid:
    """Finds what the 2x2 samples of each pixel see: the CUDA form of antialiasing.

    Args:
        bank: As for `visible`.
        instances: As for `visible`.
        intrinsics: As for `visible`, for the image of the given size.
        size: Height and width of the image; twice both are rendered, in tiles where that is too large.
        compile: As for `visible`.

    Raises:
        ValueError: As for `visible`.
        BackendError: As for `visible`.
    """
    check_input(bank, instances, intrinsics, size)
    double = (2 * size[0], 2 * size[1])
    scaled = torch.cat([2 * intrinsics[:, :2], intrinsics[:, 2:]], dim=1)

    def draw(part: Tensor, rows: slice, columns: slice) -> SampleGrid:
        extent = (rows.stop - rows.start, columns.stop - columns.start)
        if bank.device.type == "cpu":
            return SampleGrid(*_ids(bank, instances, part, extent, compile))
        from . import nvdiffrast

        return nvdiffrast.visible_samples(bank, instances, part, extent, compile=compile)

    tiles = _tiles(draw, scaled, double, MAX_SIDE[bank.device.type])
    names = [name for name, plane in vars(tiles[0][0]).items() if plane is not None]
    return SampleGrid(**{name: _joined([[getattr(tile, name) for tile in row] for row in tiles]) for name in names})


def _tiles(
    draw: Callable[[Tensor, slice, slice], Tile], intrinsics: Tensor, size: tuple[int, int], longest: int
) -> list[list[Tile]]:
    """Calls `draw` with K, rows and columns of each of the equal tiles into which an image is cut."""
    rows, columns = (_cut(side, longest) for side in size)
    return [[draw(_seen_from(intrinsics, c.start, r.start), r, c) for c in columns] for r in rows]


def _joined(tiles: list[list[Tensor]]) -> Tensor:
    """Joins tiles into an image."""
    if len(tiles) == len(tiles[0]) == 1:
        return tiles[0][0]
    return torch.cat([torch.cat(row, dim=2) for row in tiles], dim=1)


def _cut(side: int, longest: int) -> list[slice]:
    parts = -(-side // longest)
    return [slice(side * i // parts, side * (i + 1) // parts) for i in range(parts)]


def _seen_from(intrinsics: Tensor, left: int, top: int) -> Tensor:
    """Returns K of the part of an image whose first pixel is (left, top)."""
    shifted = intrinsics.clone()
    shifted[:, 0, 2] -= left
    shifted[:, 1, 2] -= top
    return shifted


def _ids(
    bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int], compile: bool
) -> tuple[Tensor, Tensor]:
    """Finds triangle and slot only, by the device's backend."""
    if bank.device.type == "cpu":
        from . import numba

        seen = numba.visible(bank, instances, intrinsics, size)
        return seen.triangle, seen.slot
    from . import nvdiffrast

    return nvdiffrast.visible_ids(bank, instances, intrinsics, size, compile=compile)
