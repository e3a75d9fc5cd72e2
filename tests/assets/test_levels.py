"""Levels of detail: what a simplified mesh shares with the full one, and that the pictures of both agree."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

import ondr
from ondr.assets.levels import FEWEST_TRIANGLES, STEP
from ondr.assets.meshes import Mesh, build_mesh
from ondr.assets.parts import DEFAULT, Part

VIEWS, AT_ONCE = 200, 50


def built(mesh: trimesh.Trimesh, **part) -> Mesh:
    """Returns a mesh as the loader makes it."""
    corners = np.asarray(mesh.triangles, np.float64)
    return build_mesh("mesh", [Part(corners, **{"uvs": None, "colors": None, "surface": DEFAULT, **part})], 40.0)


def sheet(cells: int) -> trimesh.Trimesh:
    """Returns a flat square of side 1 in z = 0, cut into triangles."""
    x, y = np.meshgrid(np.linspace(0, 1, cells + 1), np.linspace(0, 1, cells + 1))
    a = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    b, c, d = a + 1, a + cells + 1, a + cells + 2
    faces = np.concatenate([np.column_stack([a, b, d]), np.column_stack([a, d, c])])
    return trimesh.Trimesh(np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()]), faces, process=False)


def level_mesh(mesh: Mesh, number: int) -> trimesh.Trimesh:
    """Returns the shape of a level, its points merged."""
    return trimesh.Trimesh(mesh.vertices[:, :3], mesh.levels[number].triangles, process=True)


def test_levels_are_coarser_and_coarser_over_the_first_of_the_same_vertices():
    mesh = built(trimesh.creation.icosphere(4))
    counts = [len(mesh.triangles), *(len(level.triangles) for level in mesh.levels)]
    assert all(b <= a / STEP + 1 for a, b in itertools.pairwise(counts))
    assert FEWEST_TRIANGLES <= counts[-1] < FEWEST_TRIANGLES * STEP
    used = [level.triangles.max() + 1 for level in mesh.levels]
    assert used == sorted(used, reverse=True)
    assert all(len(np.unique(level.triangles)) == end for level, end in zip(mesh.levels, used, strict=True))
    errors = [level.error for level in mesh.levels]
    assert errors == sorted(errors)
    assert all((np.diff(level.source) > 0).all() for level in mesh.levels)


def test_a_small_mesh_has_no_levels():
    assert built(trimesh.creation.box()).levels == ()


def test_errors_say_how_far_a_sphere_is_off():
    mesh = built(trimesh.creation.icosphere(5))
    for number, level in enumerate(mesh.levels):
        corners = mesh.vertices[level.triangles, :3]
        # Vertices stay on the sphere of radius 1: a triangle is off by as much as its middle lies within it.
        off = (1 - np.linalg.norm(corners.mean(axis=1), axis=-1)).max()
        assert 0.3 * off < level.error, number
        assert level_mesh(mesh, number).is_watertight


def test_what_is_flat_costs_nothing_and_keeps_its_outline():
    mesh = built(sheet(16))
    coarsest = mesh.levels[-1]
    # The uv map, seen from above, is as flat as the sheet.
    assert coarsest.error < 1e-6
    areas = trimesh.triangles.area(mesh.vertices[coarsest.triangles, :3])
    assert areas.sum() == pytest.approx(1, abs=1e-6)
    assert (areas > 0).all()


def test_a_colour_edge_stays_where_it_is():
    shape = sheet(16)
    left = shape.triangles[:, :, 0].mean(axis=1) < 0.5
    colors = np.repeat(np.where(left[:, None], [[1.0, 0, 0]], [[0, 0, 1.0]])[:, None], 3, axis=1)
    mesh = built(shape, colors=colors)
    for level in mesh.levels:
        x = mesh.vertices[level.triangles, 0] + mesh.center[0]
        red = mesh.colors[level.triangles[:, 0]] & 255 > 127
        assert (x[red] <= 0.5 + 1e-6).all()
        assert (x[~red] >= 0.5 - 1e-6).all()
        area = trimesh.triangles.area(mesh.vertices[level.triangles, :3])
        assert area[red].sum() == pytest.approx(0.5, abs=1e-6)


def test_a_crease_stays_sharp():
    mesh = built(trimesh.creation.box().subdivide().subdivide().subdivide())
    for level in mesh.levels:
        corners = mesh.vertices[level.triangles]
        faces = np.cross(corners[:, 1, :3] - corners[:, 0, :3], corners[:, 2, :3] - corners[:, 0, :3])
        faces /= np.linalg.norm(faces, axis=1, keepdims=True)
        assert np.abs((corners[..., 3:6] * faces[:, None]).sum(-1) - 1).max() < 1e-5
        assert level.error < 1e-6


def test_levels_are_packed_behind_the_full_detail_and_chosen_by_their_size():
    cfg = ondr.Config(
        objects={"meshes": "sample", "count": 1},
        distractors={"count": 0},
        classes=["mug"],
        image_size=[64, 64],
        batch_size=4,
        device="cpu",
    )
    scenes = ondr.RandomizedScenes(cfg)
    bank, levels = scenes.assets.bank, scenes.assets.bank.levels
    assert torch.equal(levels.first_triangle[:, 0], bank.first_triangle)
    assert torch.equal(levels.triangle_count[:, 0], bank.triangle_count)
    ends = levels.first_triangle + levels.triangle_count
    real = levels.error[:, 1:].isfinite()
    assert torch.equal(levels.first_triangle[:, 1:][real], ends[:, :-1][real])
    from ondr.place import pixels_per_unit, place

    scene = scenes.sample(range(64))
    counts = [place(scene, bank, pixels).triangle_count[:, 0] for pixels in (0, 0.2, 1, 4)]
    assert torch.equal(counts[0], bank.triangle_count[scene.poses.mesh[:, 0]])
    assert all((a >= b).all() for a, b in itertools.pairwise(counts))
    assert counts[3].sum() < counts[0].sum() / 2
    placed = place(scene, bank, 1.0)
    of_mesh = levels.first_triangle[scene.poses.mesh[:, 0]] == placed.first_triangle[:, :1]
    error = levels.error[scene.poses.mesh[:, 0]][of_mesh & (levels.triangle_count[scene.poses.mesh[:, 0]] > 0)]
    assert (error * pixels_per_unit(scene, bank, placed.camera_from_bank)[:, 0] <= 1).all()


def test_gradients_of_vertices_are_those_of_the_full_detail():
    from dataclasses import replace

    from ondr.place import place

    cfg = ondr.Config(objects={"meshes": "sample", "count": 1}, classes=["mug"], device="cpu")
    scenes = ondr.RandomizedScenes(cfg)
    bank = replace(scenes.assets.bank, vertices=scenes.assets.bank.vertices.clone().requires_grad_())
    scene = scenes.sample(range(4))
    assert torch.equal(place(scene, bank, 8.0).triangle_count, place(scene, bank, 0.0).triangle_count)


def views(root: Path, detail_pixels: float) -> ondr.RandomizedScenes:
    """Returns single objects of 25 to 154 pixels, every pixel of which is labelled."""
    return ondr.RandomizedScenes(
        ondr.Config(
            objects={"meshes": str(root), "count": 1, "unit": "unit", "screen_size": [0.1, 0.6]},
            distractors={"count": 0},
            image_size=[256, 256],
            outputs=["instances", "labels"],
            photometric={"brightness": 1, "noise_std": 0},
            background={"source": "color"},
            labels={"min_visibility": 0, "min_pixels": 1, "max_truncation": 1},
            render={"detail_pixels": detail_pixels},
            device="cpu",
        )
    )


def data_folder() -> Path:
    """Returns where real meshes are."""
    if "ONDR_TEST_DATA" not in os.environ:
        pytest.skip("ONDR_TEST_DATA is not set: there are no real meshes")
    return Path(os.environ["ONDR_TEST_DATA"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["textured scan", "vertex colours", "palette"])
def test_pictures_of_the_chosen_level_are_those_of_the_full_detail(kind: str, tmp_path: Path):
    source = {
        "textured scan": "fruit/meshes/orange",
        "vertex colours": "household/meshes/cup/cup_06_ycb_mug.ply",
        "palette": "household/meshes/car/car_07.obj",
    }[kind]
    folder = tmp_path / "thing"
    folder.mkdir()
    file = data_folder() / source
    for item in file.iterdir() if file.is_dir() else [*file.parent.glob(f"{file.stem}.*"), *file.parent.glob("*.png")]:
        (folder / item.name).symlink_to(item)
    full, coarse = views(tmp_path, 0.0), views(tmp_path, ondr.Config().render.detail_pixels)
    overlap, difference = [], []
    for start in range(0, VIEWS, AT_ONCE):
        a, b = (scenes.render(range(start, start + AT_ONCE)) for scenes in (full, coarse))
        mask, other = a.targets.instances >= 0, b.targets.instances >= 0
        both = (mask & other).flatten(1)
        overlap.append(both.sum(1) / (mask | other).flatten(1).sum(1))
        difference.append(
            ((a.images - b.images).abs().mean(1).flatten(1) * both).sum(1) / both.sum(1).clamp_min(1) * 255
        )
    # The limits that levels of detail were asked to keep.
    assert torch.cat(overlap).mean() >= 0.99
    assert torch.cat(overlap).min() >= 0.95
    assert torch.cat(difference).mean() <= 4
