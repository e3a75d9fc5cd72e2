"""Fragments: where they are shaded, in which chunks, and that they give the colours that a grid of samples gives."""

from __future__ import annotations

import pytest
import torch
import trimesh

from ondr.imaging import fragments as module
from ondr.imaging.compose import compose
from ondr.imaging.fragments import fragments_of, sample_means, shade_fragments
from ondr.imaging.points import points_of_centers
from ondr.imaging.shade_points import linear_images
from ondr.imaging.shading import ShadingTables, shading_tables
from ondr.raster.visibility import SAMPLES, Fragments, Visibility
from tests.scenes import background, cast, pose, scene, tables_behind
from tests.worlds import bank_from_meshes, pinhole, place

SIZE = (32, 48)


@pytest.fixture(scope="module")
def world() -> tuple[ShadingTables, Visibility]:
    """Two images of a sphere; ids by ray casting."""
    mesh = trimesh.creation.icosphere(3)
    bank = bank_from_meshes([mesh])
    at = torch.stack([pose(0.1, 0, 4), pose(-0.3, 0.2, 3)])[:, None]
    intrinsics = pinhole(40.0, *SIZE, batch=2)
    triangle = torch.stack([cast(mesh, at[i, 0], intrinsics[i], SIZE)[0] for i in range(2)])
    slot = torch.where(triangle >= 0, 0, -1).to(torch.int16)
    tables = shading_tables(bank, scene(intrinsics), place(bank, [[0], [0]], at))
    return tables, Visibility(triangle, slot, torch.zeros(2, 1, dtype=torch.int32))


def test_means_lie_where_the_samples_do():
    means = sample_means()
    assert means[15].tolist() == means[0].tolist() == [0.5, 0.5]
    for j, sample in enumerate(SAMPLES):
        assert means[1 << j].tolist() == list(sample)
    assert means[0b1001].tolist() == [(SAMPLES[0][0] + SAMPLES[3][0]) / 2, (SAMPLES[0][1] + SAMPLES[3][1]) / 2]


def test_whole_pixels_equal_the_points_of_a_gpu(world):
    tables, visibility = world
    seen = fragments_of(visibility)
    assert len(seen.pixel) == (visibility.slot >= 0).sum()
    behind = tables_behind(bank_from_meshes([trimesh.creation.box()]), background(2, color=(0.2, 0.3, 0.4)))
    colors = shade_fragments(tables, seen, SIZE, trilinear=False, compile=False)
    listed = compose(seen, colors, behind, SIZE)
    points = linear_images(tables, behind, points_of_centers(visibility), SIZE, False)
    # One list is as good as another to within the rounding of the rays.
    torch.testing.assert_close(listed, points, rtol=1e-4, atol=1e-5)


def test_chunks_do_not_show(world, monkeypatch: pytest.MonkeyPatch):
    tables, visibility = world
    seen = fragments_of(visibility)
    whole = shade_fragments(tables, seen, SIZE, trilinear=False, compile=False)
    monkeypatch.setattr(module, "CHUNK", 50)
    # torch's vector instructions round the last few elements of a tensor in another way.
    parts = shade_fragments(tables, seen, SIZE, trilinear=False, compile=False)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)


def test_nothing_seen(world):
    nothing = Fragments(*(torch.zeros(0, dtype=d) for d in (torch.int32, torch.int32, torch.int32, torch.uint8)))
    assert shade_fragments(world[0], nothing, SIZE, trilinear=False, compile=False).shape == (3, 0)
    assert shade_fragments(world[0], nothing, SIZE, trilinear=False, compile=True).shape == (3, 0)


def test_a_partial_fragment_is_shaded_at_its_samples(world):
    tables, visibility = world
    seen = fragments_of(visibility)
    one = seen.pixel.numel() // 2
    moved = Fragments(*(plane[one : one + 1].repeat(2) for plane in vars(seen).values()))
    moved.mask[0] = 1
    corner, center = shade_fragments(tables, moved, SIZE, trilinear=False, compile=False).unbind(1)
    assert not torch.equal(corner, center)
    torch.testing.assert_close(corner, center, rtol=0, atol=0.1)
