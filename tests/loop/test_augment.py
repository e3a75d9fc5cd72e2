"""The user's augmentation of finished batches: callables and kornia."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace

import kornia.augmentation as K
import numpy as np
import pytest
import torch
from torch import Tensor

from ondr.batch import Batch, Targets
from ondr.draws import Draws
from ondr.errors import ConfigError
from ondr.loop.augment import as_augment, forked_random_state
from ondr.pixel_format import DTYPES, FLOATS, PixelFormat
from tests.loop.conftest import MakeScenes
from tests.loop.test_dataset import assert_same

HEIGHT, WIDTH = 20, 30
FOLLOWING = ["boxes", "boxes_amodal", "labels", "mesh_ids", "visibility", "ignored", "instances", "semantic"]


def noisy(batch: Batch) -> Batch:
    extra = torch.rand_like(batch.images) * float(np.random.rand()) * random.random()
    return replace(batch, images=batch.images + extra)


def test_the_same_ids_are_augmented_in_the_same_way(make_scenes: MakeScenes) -> None:
    scenes = make_scenes(augment=noisy)
    first, second = (batch for batch, _ in zip(scenes, range(2), strict=False))
    assert_same(scenes.render([0, 1]), first)
    assert not torch.equal(make_scenes().render([0, 1]).images, first.images)
    change = [augmented.images - make_scenes().render(augmented.sample_ids).images for augmented in (first, second)]
    assert not torch.allclose(change[0], change[1])


def test_the_global_random_states_are_put_back(make_scenes: MakeScenes) -> None:
    before = torch.get_rng_state(), np.random.get_state()[2]
    next(iter(make_scenes(augment=noisy)))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[2] == before[1]


def test_the_fork_is_seeded_and_ends_also_after_an_error() -> None:
    found = []
    for _ in range(2):
        before = torch.get_rng_state(), np.random.get_state()[2], random.getstate()
        with contextlib.suppress(ZeroDivisionError), forked_random_state(7, torch.device("cpu")):
            found.append((float(torch.rand(1)), np.random.rand(), random.random()))
            raise ZeroDivisionError
        assert torch.equal(torch.get_rng_state(), before[0])
        assert (np.random.get_state()[2], random.getstate()) == before[1:]
        torch.rand(1), np.random.rand(), random.random()
    assert found[0] == found[1]


def test_an_augmentation_must_be_callable_and_return_a_batch(make_scenes: MakeScenes) -> None:
    with pytest.raises(ConfigError, match=r"augment must be a callable from Batch to Batch or a kornia.*got 3"):
        make_scenes(augment=3)
    with pytest.raises(ConfigError, match=r"augment must return a Batch, got Tensor. Return dataclasses.replace"):
        make_scenes(augment=lambda batch: batch.images).render([0])


@pytest.mark.parametrize("name", DTYPES)
def test_it_takes_floats_whatever_is_handed_over(make_scenes: MakeScenes, name: str) -> None:
    seen = []

    def brighter(batch: Batch) -> Batch:
        seen.append(PixelFormat.like(batch.images))
        return replace(batch, images=batch.images + 0.25)

    scenes = make_scenes(augment=brighter, images_dtype=name, channels_last=True)
    pixels = scenes.cfg.pixel_format
    changed = scenes.render([0, 1]).images
    assert seen == [FLOATS]
    assert torch.equal(changed, pixels.of(make_scenes().render([0, 1]).images + 0.25))
    assert PixelFormat.like(changed) == pixels


def test_kornia_changes_images_alone(make_scenes: MakeScenes) -> None:
    sequence = K.AugmentationSequential(K.RandomBrightness((0.5, 0.6), p=1.0))
    scenes = make_scenes(augment=sequence, outputs=["boxes", "labels", "depth", "intrinsics"])
    plain, changed = make_scenes().render([0, 1]), scenes.render([0, 1])
    assert (changed.images < plain.images + 1e-6).all()
    assert torch.equal(changed.targets.boxes, plain.targets.boxes)
    assert_same(scenes.render([0, 1]), changed)


def make_batch() -> Batch:
    """One image: an object near the left edge, one in the middle, a hole."""
    instances = torch.full((1, HEIGHT, WIDTH), -1, dtype=torch.int16)
    instances[0, 2:8, 1:5], instances[0, 10:14, 12:20] = 0, 1
    boxes = torch.tensor([[[1.0, 2, 5, 8], [12, 10, 20, 14], [0, 0, 0, 0]]])
    targets = Targets(
        image_size=(HEIGHT, WIDTH),
        sample_ids=torch.tensor([0]),
        boxes=boxes,
        boxes_amodal=boxes + torch.tensor([-3.0, 0, 0, 0]) * (boxes.sum(-1, keepdim=True) > 0),
        labels=torch.tensor([[4, 5, -1]]),
        mesh_ids=torch.tensor([[1, 0, -1]]),
        visibility=torch.tensor([[0.5, 1, 0]]),
        ignored=torch.tensor([[False, True, False]]),
        instances=instances,
        semantic=torch.where(instances >= 0, instances + 4, -1).to(torch.int16),
    )
    images = torch.stack([instances[0] == 0, instances[0] == 1, instances[0] < 0])[None].float()
    return Batch(images, targets, torch.tensor([0]), Draws(torch.zeros(1, 0), {}), {})


def box_of(mask: Tensor) -> list[int]:
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def test_a_flip_moves_boxes_and_masks_with_the_image() -> None:
    flip = as_augment(K.AugmentationSequential(K.RandomHorizontalFlip(p=1.0)), FOLLOWING)
    batch = make_batch()
    flipped = flip(batch)
    assert torch.equal(flipped.images, batch.images.flip(-1))
    assert torch.equal(flipped.targets.instances, batch.targets.instances.flip(-1))
    assert torch.equal(flipped.targets.semantic, batch.targets.semantic.flip(-1))
    for slot in range(2):
        expected = torch.tensor(box_of(flipped.targets.instances[0] == slot)).float()
        torch.testing.assert_close(flipped.targets.boxes[0, slot], expected)
    assert flipped.targets.labels.tolist() == [[4, 5, -1]]
    torch.testing.assert_close(flipped.targets.boxes_amodal[0, 0], torch.tensor([25.0, 2, 32, 8]))
    assert flipped.targets.boxes[0, 2].tolist() == flipped.targets.boxes_amodal[0, 2].tolist() == [0] * 4


def test_an_object_that_leaves_the_image_becomes_a_hole() -> None:
    crop = as_augment(K.AugmentationSequential(K.RandomCrop((HEIGHT, 20), p=1.0)), FOLLOWING)
    torch.manual_seed(0)
    left = 0
    for _ in range(10):
        moved = crop(make_batch())
        assert moved.targets.image_size == tuple(moved.images.shape[-2:]) == (HEIGHT, 20)
        seen = moved.targets.instances
        assert torch.equal(moved.targets.semantic, torch.where(seen >= 0, seen + 4, -1))
        for slot in range(2):
            mask = moved.targets.instances[0] == slot
            if mask.any():
                torch.testing.assert_close(moved.targets.boxes[0, slot], torch.tensor(box_of(mask)).float())
                continue
            left += 1
            assert int(moved.targets.labels[0, slot]) == int(moved.targets.mesh_ids[0, slot]) == -1
            assert moved.targets.boxes[0, slot].tolist() == moved.targets.boxes_amodal[0, slot].tolist() == [0] * 4
            assert float(moved.targets.visibility[0, slot]) == 0
            assert moved.targets.ignored.dtype == torch.bool
            assert not moved.targets.ignored[0, slot]
    assert left > 0


@pytest.mark.parametrize("output", ["depth", "normals", "camera_from_object", "intrinsics", "truncation"])
def test_geometry_is_refused_beside_outputs_that_cannot_follow(make_scenes: MakeScenes, output: str) -> None:
    sequence = K.AugmentationSequential(K.ImageSequential(K.RandomRotation(10.0)))
    message = rf"augment must not change the geometry together with the outputs {output}, got RandomRotation"
    with pytest.raises(ConfigError, match=message):
        make_scenes(augment=sequence, outputs=["boxes", "labels", output])


def test_mixing_images_is_refused(make_scenes: MakeScenes) -> None:
    with pytest.raises(ConfigError, match=r"augment must not mix images, got RandomMixUpV2"):
        make_scenes(augment=K.AugmentationSequential(K.RandomMixUpV2()))
