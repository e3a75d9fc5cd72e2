"""Masks against each object drawn alone, classes looked up pixel by pixel, and stencil numbers that rays find."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ondr.assets.bank import Annotations, Assets
from ondr.errors import ConfigError
from ondr.place import place
from tests.labels.made import LEVEL, SIZE, label, only, random_scene, scene_of, see, solid_meshes, through_lens
from tests.scenes import cast

OUTPUTS = ["labels", "instances", "semantic", "amodal_masks", "boxes_amodal", "visibility", "ignored"]
LENS = (-0.2, 0.05, 0.001, -0.002, 0.0)


@pytest.mark.parametrize("lens", [None, LENS])
def test_amodal_masks_are_what_objects_cover_alone(solids: Assets, lens: tuple[float, ...] | None) -> None:
    scene = random_scene(0) if lens is None else through_lens(random_scene(0), *lens)
    targets, seen = label(scene, solids, OUTPUTS), see(scene, solids)
    there = targets.labels >= 0
    assert there.sum() > 8
    for k in range(scene.num_objects):
        alone = label(only(scene, k), solids, ["instances", "ignored"]).instances == k
        assert torch.equal(targets.amodal_masks[:, k], alone & there[:, k, None, None])
        visible = targets.instances == k
        assert (visible <= targets.amodal_masks[:, k]).all()
    counts = targets.amodal_masks.sum((2, 3))
    assert torch.equal(counts, torch.where(there, seen.covered[:, : scene.num_objects], 0).long())
    assert (counts > (targets.instances[:, None] == torch.arange(5)[:, None, None]).sum((2, 3))).any(), "none hidden"


def test_amodal_masks_lie_in_amodal_boxes(solids: Assets) -> None:
    targets = label(random_scene(1), solids, OUTPUTS)
    for image, k in (targets.labels >= 0).nonzero().tolist():
        y, x = targets.amodal_masks[image, k].nonzero(as_tuple=True)
        x1, y1, x2, y2 = targets.boxes_amodal[image, k].tolist()
        # Vertices are rounded to 1/256 of a pixel; a pixel counts by its centre.
        slack = 1 / 256
        assert x1 - slack <= x.min() + 0.5 <= x.max() + 0.5 <= x2 + slack
        assert y1 - slack <= y.min() + 0.5 <= y.max() + 0.5 <= y2 + slack


def test_semantic_is_the_class_of_the_instance(solids: Assets) -> None:
    targets = label(random_scene(2), solids, OUTPUTS)
    expected = [
        [[-1 if k < 0 else targets.labels[i, k].item() for k in row] for row in image]
        for i, image in enumerate(targets.instances.tolist())
    ]
    assert targets.semantic.tolist() == expected
    assert set(targets.semantic.unique().tolist()) == {-1, 0, 1}


def test_what_is_below_the_limits_has_no_pixels(solids: Assets) -> None:
    outputs = [name for name in OUTPUTS if name != "ignored"]
    targets = label(random_scene(2), solids, [*outputs, "stencil"], min_visibility=0.7)
    for image, k in (targets.labels < 0).nonzero().tolist():
        assert not targets.amodal_masks[image, k].any()
    assert torch.equal(targets.semantic >= 0, targets.instances >= 0)
    assert torch.equal(targets.stencil >= 0, targets.instances >= 0)


def test_a_few_scattered_pixels_make_no_label(solids: Assets) -> None:
    # Two walls leave a gap of a twentieth of a unit before a box: at 100 pixels per unit slope, two columns of it.
    places = torch.tensor([[[0, 0, 6.0], [-0.525, 0, 2.0], [0.525, 0, 2.0]]])
    scene = scene_of([[1, 1, 1]], places, num_objects=1)
    leaking = label(scene, solids, ["labels", "instances", "semantic", "ignored", "visibility"])
    assert 0 < (leaking.instances == 0).sum() < 64
    strict = label(scene, solids, ["labels", "semantic", "amodal_masks"], min_pixels=64, min_visibility=0.0)
    assert strict.labels.tolist() == [[-1]]
    assert (strict.semantic == -1).all()
    assert not strict.amodal_masks.any()


@pytest.mark.parametrize("mesh", range(3))
def test_stencil_is_the_number_of_the_face_that_a_ray_hits(solids: Assets, mesh: int) -> None:
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -0.3, 0.8], [0.3, 0, -0.5], [-0.8, 0.5, 0]]))
    scene = scene_of([[mesh]], torch.tensor([[[0.1, 0, 2.5]]]), rotation=turn[None, None])
    stencil = label(scene, solids, ["stencil"]).stencil[0]
    solid = solid_meshes()[mesh]
    first = sum(len(m.faces) for m in solid_meshes()[:mesh])
    solid.apply_translation(-solid.bounds.mean(axis=0))
    at = place(scene, solids.bank).camera_from_bank[0, 0]
    hit, _, _ = cast(solid, at, scene.camera.intrinsics[0], SIZE)
    expected = torch.where(hit >= 0, hit + first, -1)
    # A ray through an edge hits either face; vertices are rounded to 1/256 of a pixel.
    assert (stencil == expected).float().mean() > 0.998
    assert LEVEL.equal(scene.camera.camera_from_world[0])


def test_assets_that_were_loaded_without(solids: Assets) -> None:
    bare = replace(solids, annotations=Annotations())
    for name in ("stencil", "symmetries", "keypoints", "keypoints_3d"):
        with pytest.raises(ConfigError, match=r"assets must be loaded with .* among cfg.outputs, got assets without"):
            label(random_scene(0), bare, [name])
