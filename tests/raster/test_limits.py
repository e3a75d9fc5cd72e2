"""What the rasterizers refuse, and what they say."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
import trimesh

from ondr import raster
from ondr.errors import BackendError
from ondr.scene import Instances
from tests.worlds import bank_from_meshes, pinhole, place

BANK = bank_from_meshes([trimesh.creation.box()])
INSTANCES = place(BANK, [[0, -1]], torch.eye(3, 4).expand(1, 2, 3, 4).contiguous())
K = pinhole(10.0, 8, 8)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", [field.name for field in fields(Instances)])
def test_instances_of_another_type_or_shape(name: str) -> None:
    value = getattr(INSTANCES, name)
    for wrong in (value.double(), value[:, :1] if name != "triangle_count" else value[0]):
        with pytest.raises(ValueError, match=f"^instances.{name} must"):
            raster.visible(BANK, replace(INSTANCES, **{name: wrong}), K, (8, 8))


def test_intrinsics_of_another_type_or_shape() -> None:
    for wrong in (K.double(), K[0], K.expand(2, 3, 3)):
        with pytest.raises(ValueError, match=r"^intrinsics must be torch.float32 \[1, 3, 3\] on cpu, got"):
            raster.visible(BANK, INSTANCES, wrong, (8, 8))


@pytest.mark.parametrize("size", [(0, 8), (8, -1), (8, 8193)])
def test_sizes_outside_the_limits(size: tuple[int, int]) -> None:
    for function in (raster.visible, raster.fragments):
        with pytest.raises(ValueError, match=r"^size must be \(height, width\) with both from 1 to 8192 on cpu, got"):
            function(BANK, INSTANCES, K, size)


def test_twice_the_largest_size_is_drawn_in_parts() -> None:
    samples = raster.supersampled(BANK, INSTANCES, K, (8, 4097))
    assert samples.triangle.shape == samples.slot.shape == (1, 16, 8194)


def test_more_pixels_than_an_index_can_name() -> None:
    many = place(BANK, [[0]] * 40, torch.eye(3, 4).expand(40, 1, 3, 4).contiguous())
    with pytest.raises(
        ValueError, match=r"^intrinsics must have less than 32 rows at 8192x8192, got 40\. Render fewer"
    ):
        raster.visible(BANK, many, K.expand(40, 3, 3), (8192, 8192))


def test_more_slots_than_an_index_can_name() -> None:
    many = place(BANK, torch.full((1, 32767), -1), torch.zeros(1, 32767, 3, 4))
    with pytest.raises(ValueError, match=r"^instances.triangle_count must have less than 32767 slots, got 32767\."):
        raster.visible(BANK, many, K, (8, 8))


@pytest.mark.parametrize("change", [{"first_triangle": 1}, {"first_triangle": -1}, {"triangle_count": 13}])
def test_triangles_outside_the_bank(change: dict[str, int]) -> None:
    wrong = {name: torch.tensor([[value, 0]], dtype=torch.int32) for name, value in change.items()}
    with pytest.raises(ValueError, match=r"must name rows of the bank's 12 triangles, got .*Use the bank that"):
        raster.visible(BANK, replace(INSTANCES, **wrong), K, (8, 8))


@pytest.mark.parametrize("offset", [1, -1])
def test_vertices_outside_the_bank(offset: int) -> None:
    wrong = replace(INSTANCES, vertex_offset=torch.tensor([[offset, 0]], dtype=torch.int32))
    with pytest.raises(ValueError, match=r"^instances.vertex_offset must keep .* the bank's 8, got vertices"):
        raster.visible(BANK, wrong, K, (8, 8))


def test_more_triangles_than_an_id_can_name() -> None:
    from ondr.raster.world_numba import _id_shift

    with pytest.raises(ValueError, match=r"^instances.triangle_count must be at most 131072 with 20000 slots, got"):
        _id_shift(torch.full((1, 20000), 131073, dtype=torch.int32).numpy())


@pytest.mark.cuda
def test_fragments_are_for_the_cpu() -> None:
    bank = BANK.to("cuda")
    there = Instances(**{name: value.to("cuda") for name, value in vars(INSTANCES).items()})
    with pytest.raises(BackendError, match=r"^bank.device must be cpu .* Use supersampled"):
        raster.fragments(bank, there, K.to("cuda"), (8, 8))
