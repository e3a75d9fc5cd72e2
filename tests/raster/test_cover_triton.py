"""The Triton kernel that counts covered pixels, run by Triton's interpreter on the CPU where there is no GPU."""

from __future__ import annotations

import os

import pytest
import torch
import trimesh
from torch import Tensor

from ondr import raster
from tests.raster.test_rules import sheet, world
from tests.worlds import bank_from_meshes, pinhole, place

# Read when Triton decorates the kernel.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
pytest.importorskip("triton", reason="Triton is not installed; it comes with torch's CUDA builds")

from ondr.raster.cover_triton import covered_pixels
from ondr.raster.soup import make_soup

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def covered(bank, instances, k: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns what the kernel counts, [B, S]."""
    soup = make_soup(bank, instances, k, size, int(instances.triangle_count.sum()))
    soup = type(soup)(**{name: value.to(DEVICE) for name, value in vars(soup).items()})
    return covered_pixels(soup, instances.triangle_count.numel(), size).cpu().view(instances.triangle_count.shape)


def test_counts_are_those_of_numba_but_for_the_coarser_grid() -> None:
    bank, instances, k, _ = world()
    bank = bank_from_meshes([trimesh.creation.box(), trimesh.creation.icosphere(1, 0.5), sheet(2), sheet(1)])
    instances = place(bank, [[0, 1, 2], [1, -1, 3]], instances.camera_from_bank[:2, :3])
    size, k = (48, 70), k[:2] * torch.tensor([[0.5], [0.5], [1.0]])
    found, expected = covered(bank, instances, k, size), raster.visible(bank, instances, k, size).covered
    # Outlines lie up to 1/32 pixel elsewhere: a few hundredths of the outline's pixels.
    assert ((found - expected).abs() <= 2 + 0.1 * expected**0.5).all()
    assert found[1, 1] == 0
    assert (found > 40).sum() >= 4


def test_a_square_on_the_grid_is_counted_exactly() -> None:
    bank, size = bank_from_meshes([sheet(3)]), (40, 45)
    pose = torch.tensor([[20.0, 0, 0, 10.0], [0, 20.0, 0, 10.0], [0, 0, 1.0, 1.0]])
    k = torch.tensor([[[1.0, 0, 5.5], [0, 1.0, 5.5], [0, 0, 1.0]]])
    # Sides on pixel centres at 5.5 and 25.5: the left and top ones belong to it.
    assert covered(bank, place(bank, [[0]], pose[None, None]), k, size).item() == 400


def test_a_floor_under_the_camera_is_counted_where_it_is_seen() -> None:
    bank, size = bank_from_meshes([sheet(1, side=40.0)]), (30, 40)
    pose = torch.tensor([[1.0, 0, 0, 0.3], [0, 0, -1, 0.5], [0, 1, 0, 0.1]])
    what = bank, place(bank, [[0]], pose[None, None]), pinhole(30.0, *size), size
    assert covered(*what).item() == pytest.approx(raster.visible(*what).covered.item(), abs=3)
