"""The Triton kernel that counts covered pixels, run by Triton's interpreter on the CPU where there is no GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
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
from ondr.raster.soup import SNAPPED, Soup, make_soup

COMPILE = """
import re, subprocess, sys, tempfile
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from ondr.raster import cover_triton

types = {"points": "*i32", "corners": "*fp32", "kind": "*i32", "owner": "*i64", "bits": "*i32", "large": "*i32",
         "number": "*i32", "max_inverse": "fp32"}
for kernel in (cover_triton._mark_small, cover_triton._mark_large):
    constants = {name: getattr(cover_triton, name) for name in kernel.arg_names if name.isupper()}
    signature = {name: "constexpr" if name in constants else types.get(name, "i32") for name in kernel.arg_names}
    source = ASTSource(kernel, signature=signature, constexprs=constants)
    made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": 1})
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(made.asm["ptx"])
        file.flush()
        ptxas = triton.knobs.nvidia.ptxas.path
        target = {"80": "sm_80", "90": "sm_90a"}[sys.argv[1]]
        command = [ptxas, "-v", "--gpu-name", target, file.name, "-o", "/dev/null"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    print(re.search(r"Used (\\d+) registers", said)[1], re.search(r"(\\d+) bytes spill stores", said)[1])
"""
"""Prints, for each kernel, how many registers a thread has, and how many bytes it puts by in memory."""
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def covered(bank, instances, k: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns what the kernel counts, [B, S]."""
    soup = make_soup(bank, instances, k, size, int(instances.triangle_count.sum()) + 5)
    soup = replace(soup, **{name: value.to(DEVICE) for name, value in vars(soup).items()})
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


def test_triangles_of_any_size_cover_what_the_top_left_rule_says() -> None:
    random, size = np.random.default_rng(0), (50, 75)
    sides = np.repeat([8, 40, 100, 255, 256, 257, 400, 2000], 40)
    middle = random.integers(-100, 16 * np.array(size[::-1]) + 100, size=(len(sides), 1, 2))
    points = middle + random.integers(
        -sides[:, None, None] // 2, sides[:, None, None] // 2 + 1, size=(len(sides), 3, 2)
    )
    # Many corners and edges lie on centres of pixels.
    points[::2] = points[::2] // 8 * 8
    number = torch.arange(len(sides))
    soup = Soup(
        corners=torch.zeros(len(sides), 3, 4),
        points=torch.from_numpy(points).int(),
        kind=torch.full((len(sides),), SNAPPED, dtype=torch.int32),
        instance=number,
        shift=number,
        clip_z=torch.zeros(len(sides), 2),
    )
    soup = replace(soup, **{name: value.to(DEVICE) for name, value in vars(soup).items()})
    found = covered_pixels(soup, len(sides), size).cpu()
    assert found.tolist() == [covered_by_rule(triangle, size) for triangle in points]
    assert (found > 0).sum() > 100


def covered_by_rule(points: np.ndarray, size: tuple[int, int]) -> int:
    """Returns how many centres of pixels lie inside a triangle, or on a top or left edge of it."""
    rows, columns = np.mgrid[: size[0], : size[1]] * 16 + 8
    area = np.linalg.det(np.stack([points[1] - points[0], points[2] - points[0]]))
    if abs(area) < 0.5:
        return 0
    clockwise = points if area > 0 else points[::-1]
    inside = np.ones(size, bool)
    for (xa, ya), (xb, yb) in zip(clockwise, np.roll(clockwise, -1, axis=0), strict=True):
        side = (xb - xa) * (rows - ya) - (yb - ya) * (columns - xa)
        # y points down: a left edge goes up, a top edge to the right.
        inside &= (side > 0) | ((side == 0) & ((yb < ya) | ((yb == ya) & (xb > xa))))
    return int(inside.sum())


def test_a_floor_under_the_camera_is_counted_where_it_is_seen() -> None:
    bank, size = bank_from_meshes([sheet(1, side=40.0)]), (30, 40)
    pose = torch.tensor([[1.0, 0, 0, 0.3], [0, 0, -1, 0.5], [0, 1, 0, 0.1]])
    what = bank, place(bank, [[0]], pose[None, None]), pinhole(30.0, *size), size
    assert covered(*what).item() == pytest.approx(raster.visible(*what).covered.item(), abs=3)


@pytest.mark.parametrize("capability", [80, 90])
def test_the_kernel_compiles_for_gpus_that_are_not_there(capability: int) -> None:
    """In a process of its own, since here the interpreter may stand in for the compiler."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (small, small_spilled), (large, large_spilled) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert small_spilled == large_spilled == 0
    # A multiprocessor takes 32 programs of 32 threads at most, which share its 65,536 registers: all of them, or half.
    assert small <= 64
    assert large <= 128
