"""Which triangle does each pixel see, and how many pixels would each object cover alone?

The public functions check their input and pick the backend by the device on which the bank lies; nothing outside this
package knows how many backends there are. Barycentrics, depth and colour are computed from the ids elsewhere.
"""

from __future__ import annotations

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
from .visibility import Visibility as Visibility


def visible(
    bank: Bank, instances: Instances, intrinsics: Float32[Tensor, "batch 3 3"], size: tuple[int, int]
) -> Visibility:
    """Finds the triangle and the instance that each pixel's centre sees.

    Pixel centres lie at +0.5, row 0 is at the top. A centre on the common edge of two triangles belongs to exactly
    one of them. What lies nearer than `NEAR_METRES` is cut off; there is no far plane. Closed meshes show their front
    faces only. The nearest triangle wins; on equal depth the outcome is deterministic. Degenerate and non-finite
    triangles draw nothing.

    Args:
        bank: The meshes. Its device decides the backend: numba on the CPU, nvdiffrast on CUDA.
        instances: `[B, S]` of them, S < `MAX_SLOTS`.
        intrinsics: K, float32, with a last row of 0 0 1; skew and fx < 0 (a mirrored image) are allowed.
        size: Height and width in pixels, up to `MAX_SIDE` of the device.

    Raises:
        ValueError: A shape, type, device or size is wrong, or a range lies outside the bank.
        BackendError: The device's backend is missing or cannot run here.
    """
    check_input(bank, instances, intrinsics, size)
    if bank.device.type == "cpu":
        from . import numba

        return numba.visible(bank, instances, intrinsics, size)
    from . import nvdiffrast

    return nvdiffrast.visible(bank, instances, intrinsics, size)


def visible_ids(
    bank: Bank, instances: Instances, intrinsics: Float32[Tensor, "batch 3 3"], size: tuple[int, int]
) -> tuple[Int32[Tensor, "batch height width"], Int16[Tensor, "batch height width"]]:
    """Finds what `visible` finds, but for what each instance would cover alone, which costs as much again.

    Args:
        bank: As for `visible`.
        instances: As for `visible`.
        intrinsics: As for `visible`.
        size: As for `visible`.

    Returns:
        Triangle and slot, as in `Visibility`.

    Raises:
        ValueError: As for `visible`.
        BackendError: As for `visible`.
    """
    check_input(bank, instances, intrinsics, size)
    return _ids(bank, instances, intrinsics, size)


def fragments(
    bank: Bank, instances: Instances, intrinsics: Float32[Tensor, "batch 3 3"], size: tuple[int, int]
) -> tuple[Visibility, Fragments]:
    """Finds what each pixel's centre sees and, for antialiasing, the surfaces that its samples see. CPU only.

    Samples see one surface where instance and smooth patch are equal and the depth does not jump. A surface that all
    four samples and the centre see has the triangle at the centre, any other the triangle of its first sample.

    Args:
        bank: As for `visible`, on the CPU.
        instances: As for `visible`.
        intrinsics: As for `visible`.
        size: As for `visible`.

    Raises:
        ValueError: As for `visible`.
        BackendError: The bank does not lie on the CPU.
    """
    check_input(bank, instances, intrinsics, size)
    if bank.device.type != "cpu":
        raise BackendError(
            f"bank.device must be cpu for fragments, got {bank.device}. Use supersampled, which runs on every device."
        )
    from . import numba

    return numba.fragments(bank, instances, intrinsics, size)


def supersampled(
    bank: Bank, instances: Instances, intrinsics: Float32[Tensor, "batch 3 3"], size: tuple[int, int]
) -> tuple[Int32[Tensor, "batch height2 width2"], Int16[Tensor, "batch height2 width2"]]:
    """Finds what the 2x2 samples of each pixel see, as an image of twice the size: the CUDA form of antialiasing.

    Args:
        bank: As for `visible`.
        instances: As for `visible`.
        intrinsics: As for `visible`, for the image of the given size.
        size: Height and width of the image; twice both are rendered, in parts where that is too large for one.

    Returns:
        Triangle and slot, as in `Visibility`, at 2H x 2W.

    Raises:
        ValueError: As for `visible`.
        BackendError: As for `visible`.
    """
    check_input(bank, instances, intrinsics, size)
    double = (2 * size[0], 2 * size[1])
    scaled = torch.cat([2 * intrinsics[:, :2], intrinsics[:, 2:]], dim=1)
    rows, columns = (_cut(side, MAX_SIDE[bank.device.type]) for side in double)
    strips = []
    for top, bottom in rows:
        tiles = [
            _ids(bank, instances, _seen_from(scaled, left, top), (bottom - top, right - left))
            for left, right in columns
        ]
        strips.append([torch.cat(planes, dim=2) for planes in zip(*tiles, strict=True)])
    triangle, slot = (torch.cat(planes, dim=1) for planes in zip(*strips, strict=True))
    return triangle, slot


def _cut(side: int, longest: int) -> list[tuple[int, int]]:
    """Cuts a side into equal parts that a backend can draw."""
    parts = -(-side // longest)
    return [(side * i // parts, side * (i + 1) // parts) for i in range(parts)]


def _seen_from(intrinsics: Tensor, left: int, top: int) -> Tensor:
    """Returns K of the part of an image that begins at a pixel."""
    shifted = intrinsics.clone()
    shifted[:, 0, 2] -= left
    shifted[:, 1, 2] -= top
    return shifted


def _ids(bank: Bank, instances: Instances, intrinsics: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Finds triangle and slot alone, by the device's backend."""
    if bank.device.type == "cpu":
        from . import numba

        seen = numba.visible(bank, instances, intrinsics, size)
        return seen.triangle, seen.slot
    from . import nvdiffrast

    return nvdiffrast.visible_ids(bank, instances, intrinsics, size)
