"""Batches that do not fit the device's memory are rendered in parts, and who set their size is told."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import ondr
import ondr.runtime.memory
from ondr.errors import say_once
from ondr.imaging.sight import see
from ondr.runtime.memory import out_of_memory
from tests.test_render import assert_same_pictures, dataset, pictures, rendered

PIPELINE = sys.modules["ondr.render"]
"""The module: the package's attribute of that name is its function."""
IMAGES = 8
FITTING = 3
"""Neither a half nor a quarter of the batch: four images do not fit, two do."""


class Small:
    """A stage that runs out of memory above a number of images, as a device with little of it would."""

    def __init__(self, fitting: int, error: Exception | None = None) -> None:
        self.fitting, self.tried = fitting, []
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def __call__(self, bank, instances, scene, cfg):
        self.tried.append(len(scene.sample_ids))
        if len(scene.sample_ids) > self.fitting:
            raise self.error
        return see(bank, instances, scene, cfg)


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """What was found out about a pretended device does not outlast its test."""
    yield
    ondr.runtime.memory._most.clear()
    say_once.cache_clear()


@pytest.fixture(scope="module")
def scenes() -> ondr.RandomizedScenes:
    return dataset(image_size=[48, 64])


def test_a_batch_that_does_not_fit_is_rendered_in_parts(
    scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole, small = rendered(scenes), Small(FITTING)
    monkeypatch.setattr(PIPELINE, "see", small)
    with caplog.at_level(logging.WARNING, "ondr"):
        parts = rendered(scenes)
        assert small.tried == [8, 4, 2, 2, 2, 2], "what is known not to fit is not tried again"
        again = rendered(scenes)
    assert small.tried[6:] == [2, 2, 2, 2], "the next batch begins with what fits"
    assert_same_pictures(pictures(parts), pictures(whole))
    assert_same_pictures(pictures(again), pictures(whole))
    assert torch.equal(parts.sample_ids, whole.sample_ids)
    (said,) = (record.getMessage() for record in caplog.records)
    assert "does not hold more than 2 images of 48x64" in said
    # What it advises works.
    advised = ondr.RandomizedScenes(scenes.cfg.with_overrides(["render.micro_batch=2"]))
    assert_same_pictures(pictures(rendered(advised)), pictures(whole))


def test_another_size_of_image_is_tried_anew(scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIPELINE, "see", small := Small(FITTING))
    rendered(scenes)
    small.tried.clear()
    small.fitting = IMAGES
    rendered(dataset(image_size=[32, 32]))
    assert small.tried == [IMAGES]


def test_a_size_that_was_set_is_kept_and_its_error_says_what_helps(
    scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PIPELINE, "see", Small(FITTING))
    fixed = ondr.RandomizedScenes(scenes.cfg.with_overrides(["render.micro_batch=4"]))
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate") as raised:
        rendered(fixed)
    (note,) = raised.value.__notes__
    assert note == (
        "render.micro_batch must be small enough for its images to fit the memory of cpu, got 4. "
        "Set render.micro_batch to auto."
    )
    rendered(ondr.RandomizedScenes(fixed.cfg.with_overrides(["render.micro_batch=auto"])))


def test_an_image_that_does_not_fit_alone_is_an_error(
    scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PIPELINE, "see", Small(0))
    with pytest.raises(torch.OutOfMemoryError) as raised:
        rendered(scenes)
    assert raised.value.__notes__ == [
        "image_size must be small enough for one image to fit the memory of cpu, got [48, 64]. "
        "Set image_size to [24, 32]."
    ]


def test_any_other_error_is_passed_on(scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIPELINE, "see", small := Small(0, RuntimeError("a kernel is broken")))
    with pytest.raises(RuntimeError, match="a kernel is broken") as raised:
        rendered(scenes)
    assert small.tried == [IMAGES]
    assert not hasattr(raised.value, "__notes__")


def test_gradients_come_through_the_parts(scenes: ondr.RandomizedScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scenes.sample(range(4))

    def gradient() -> torch.Tensor:
        color = scene.lights.color.clone().requires_grad_()
        changed = dataclasses.replace(scene, lights=dataclasses.replace(scene.lights, color=color))
        return torch.autograd.grad(scenes.render(changed).images.sum(), color)[0]

    whole = gradient()
    monkeypatch.setattr(PIPELINE, "see", Small(2))
    # Sums over thousands of pixels in float32, in another order.
    torch.testing.assert_close(gradient(), whole, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(2**50),
        lambda: np.empty(2**50),
        lambda: [0] * 2**60,
        pytest.param(lambda: torch.empty(2**50, device="cuda"), marks=pytest.mark.cuda),
    ],
    ids=["torch", "numpy", "python", "cuda"],
)
def test_running_out_of_memory_is_recognised(allocate) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as raised:
        allocate()
    assert out_of_memory(raised.value)


def test_other_errors_are_not_about_memory() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.zeros(2) + torch.zeros(3)
    assert not out_of_memory(raised.value)
    assert not out_of_memory(ValueError("DefaultCPUAllocator"))
