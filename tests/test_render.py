"""The whole pipeline: an image depends on its id alone, gradients flow, memory stays flat, devices agree."""

from __future__ import annotations

import dataclasses
import gc
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import ondr
from ondr.config import Config
from ondr.errors import ConfigError
from ondr.pixel_format import DTYPES, PixelFormat, as_floats
from ondr.render import micro_batches

IDS = tuple(range(100, 108))
OUTPUTS = ["boxes", "labels", "visibility", "instances", "depth"]


@pytest.fixture(scope="module")
def scenes() -> ondr.RandomizedScenes:
    return dataset()


def dataset(**settings: object) -> ondr.RandomizedScenes:
    defaults = {"image_size": [96, 128], "outputs": OUTPUTS, "device": "cpu", "render": {"compile": False}}
    return ondr.RandomizedScenes(Config(**{**defaults, **settings}))


def rendered(scenes: ondr.RandomizedScenes, ids: tuple[int, ...] = IDS) -> ondr.Batch:
    with torch.no_grad():
        return scenes.render(ids)


def pictures(batch: ondr.Batch) -> tuple[Tensor, Tensor, Tensor]:
    return batch.draws.packed, batch.targets.instances, batch.images


def assert_same_pictures(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> None:
    """Ids on 99.99 % of pixels, colours within 1/255 on 99.9 %: matrices of another batch size round differently."""
    assert torch.equal(a[0], b[0])
    assert (a[1] == b[1]).double().mean() >= 0.9999
    assert ((a[2] - b[2]).abs().amax(1) <= 1 / 255).double().mean() >= 0.999


@pytest.mark.parametrize("size", [1, 3])
def test_an_image_does_not_depend_on_its_batch(scenes: ondr.RandomizedScenes, size: int) -> None:
    together = pictures(rendered(scenes))
    for start in range(0, len(IDS), size):
        part = slice(start, start + size)
        assert_same_pictures(pictures(rendered(scenes, IDS[part])), tuple(tensor[part] for tensor in together))


def test_micro_batches_change_nothing(scenes: ondr.RandomizedScenes) -> None:
    parts = rendered(dataset(render={"compile": False, "micro_batch": 3}))
    assert_same_pictures(pictures(parts), pictures(rendered(scenes)))


def test_a_micro_batch_is_never_larger_than_pixels_can_be_numbered(scenes: ondr.RandomizedScenes) -> None:
    cfg = Config(image_size=[2048, 2048], render={"micro_batch": 10_000})
    parts = [len(part.sample_ids) for part in micro_batches(scenes.sample(range(300)), cfg)]
    assert sum(parts) == 300
    assert 4 * max(parts) * 2048 * 2048 < 2**31


def test_the_same_call_gives_the_same_bits(scenes: ondr.RandomizedScenes) -> None:
    one, two = rendered(scenes), rendered(scenes)
    assert torch.equal(one.images, two.images)
    assert torch.equal(one.targets.boxes, two.targets.boxes)


def test_images_are_finite_and_in_range(scenes: ondr.RandomizedScenes) -> None:
    images = rendered(scenes).images
    assert images.dtype == torch.float32
    assert 0 <= images.min() <= images.max() <= 1


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("objects", [0, 3])
def test_image_by_image_is_what_stage_by_stage_makes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compile: bool, objects: int
) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "around.png")
    settings = {
        "objects": {"count": objects},
        "distractors": {"count": objects},
        "background": {"panoramas": str(tmp_path), "panorama_size": 256, "source": {"choice": ["panorama", "noise"]}},
        "photometric": {"blur_sigma": {"probability": 0.5, "law": [0, 3]}, "contrast": 1.2, "hue_degrees": 20},
    }
    scenes = dataset(render={"compile": compile}, **settings)
    one_by_one = rendered(scenes).images
    monkeypatch.setattr("ondr.imaging.pipeline.acts_on_light", lambda scene: True)
    monkeypatch.setattr("ondr.imaging.finish_numba.finish", lambda *_: pytest.fail("not stage by stage"))
    assert torch.equal(rendered(scenes).images, one_by_one)


WAYS: dict[str, dict[str, object]] = {
    "fused": {"render": {"compile": True}},
    "eagerly": {"render": {"compile": False}},
    "kornia": {"photometric": {"engine": "kornia"}},
    "developed": {"photometric": {"gamma": 1.2, "jpeg_quality": {"probability": 0.5, "law": 50}}},
    "developed by kornia": {"photometric": {"engine": "kornia", "gamma": 1.2}},
    "in parts": {"render": {"compile": True, "micro_batch": 3}},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_every_format_holds_the_same_images(way: str, channels_last: bool) -> None:
    few = {"objects": {"meshes": str(Path(__file__).parents[1] / "meshes/mug")}, "distractors": {"shapes": ["cube"]}}
    settings = {"image_size": [24, 40], "outputs": ["boxes"], **few, **WAYS[way]}
    floats = rendered(dataset(**settings))
    for name in DTYPES:
        scenes = dataset(images_dtype=name, channels_last=channels_last, **settings)
        batch, pixels = rendered(scenes), scenes.cfg.pixel_format
        assert PixelFormat.like(batch.images) == pixels
        assert torch.equal(batch.images, pixels.of(floats.images))
        assert torch.equal(batch.targets.boxes, floats.targets.boxes)


@pytest.mark.cuda
@pytest.mark.parametrize("way", ["fused", "eagerly", "developed"])
def test_every_format_holds_the_same_images_on_a_gpu(way: str) -> None:
    settings = {"device": "cuda", "image_size": [24, 40], "outputs": ["boxes"], **WAYS[way]}
    floats = rendered(dataset(**settings)).images
    for name in DTYPES:
        scenes = dataset(images_dtype=name, channels_last=True, **settings)
        images = rendered(scenes).images
        assert PixelFormat.like(images) == scenes.cfg.pixel_format
        # Compiled for another format, sums may round the other way, to the next byte.
        torch.testing.assert_close(as_floats(images), floats, rtol=0, atol=1.01 / 255)


def test_halves_are_differentiable_and_bytes_say_that_they_are_not() -> None:
    settings = {"outputs": ["boxes"], "image_size": [32, 32]}
    halves, bytes_ = (dataset(images_dtype=name, **settings) for name in ("float16", "uint8"))
    scene = halves.sample(IDS)
    color = scene.lights.color.clone().requires_grad_()
    lit = dataclasses.replace(scene, lights=dataclasses.replace(scene.lights, color=color))
    images = halves.render(lit).images
    assert images.dtype == torch.float16
    images.float().sum().backward()
    assert color.grad.abs().sum() > 0
    message = r"images_dtype must be a floating-point type for gradients, got uint8\. Set images_dtype to float32"
    with pytest.raises(ConfigError, match=message):
        bytes_.render(lit)
    with torch.no_grad():
        assert bytes_.render(lit).images.dtype == torch.uint8
    augmented = ondr.RandomizedScenes(bytes_.cfg, augment=lambda batch: batch)
    with pytest.raises(ConfigError, match=message):
        augmented.render(lit)


@pytest.mark.parametrize("channels_last", [False, True])
def test_images_can_be_changed_in_place_and_with_gradients(channels_last: bool) -> None:
    scenes = dataset(image_size=[24, 40], channels_last=channels_last, render={"compile": False, "micro_batch": 3})
    gain = torch.ones(1, requires_grad=True)
    for images in (next(iter(scenes)).images, scenes.render(IDS).images):
        images.mul_(gain).sum().backward()
    assert gain.grad > 0


def test_a_scene_of_no_images_is_ordinary(scenes: ondr.RandomizedScenes) -> None:
    assert scenes.render(scenes.sample(IDS).rows(slice(0, 0))).images.shape == (0, 3, 96, 128)


def test_a_counterfactual_changes_only_the_light(scenes: ondr.RandomizedScenes) -> None:
    plain, dark = rendered(scenes), scenes.render(IDS, overrides={"lights.intensity": 0.0, "lights.ambient": 0.0})
    assert torch.equal(plain.targets.instances, dark.targets.instances)
    assert torch.equal(plain.targets.boxes, dark.targets.boxes)
    covered = dark.targets.depth[:, 0] > 0
    assert dark.images.amax(1)[covered].mean() < plain.images.amax(1)[covered].mean() / 2


def test_a_world_without_objects_is_ordinary() -> None:
    empty = rendered(dataset(objects={"count": 0}, distractors={"count": 0}))
    assert empty.targets.boxes.shape == (8, 0, 4)
    assert (empty.targets.instances == -1).all()
    assert empty.images.std() > 0


def test_wide_images_see_the_same_kind_of_world() -> None:
    wide = rendered(dataset(image_size=[64, 192]), (0, 1))
    assert wide.images.shape == (2, 3, 64, 192)
    assert wide.targets.boxes[..., 2].max() > 96


STEPS = {
    ("materials", "color"): 3e-4,
    ("lights", "color"): 3e-4,
    ("lights", "position"): 1e-3,
    ("poses", "translation"): 1e-4,
    ("camera", "intrinsics"): 1e-2,
}


@pytest.mark.parametrize(("group", "field"), STEPS)
def test_images_are_differentiable_in_the_scene(group: str, field: str) -> None:
    """Against central differences along a random direction, over the pixels that see a sphere on both sides."""
    centred = {"screen_size": 0.9, "position": {"x": 0.5, "y": 0.5}, "material": {"source": "color"}}
    plain = dataset(
        image_size=[32, 32],
        objects={"count": 0},
        distractors={"count": 1, "shapes": ["sphere"], **centred},
        lights={"count": 2, "directional": False, "intensity": 0.3, "ambient": 0.1},
        photometric={"noise_std": 0, "blur_sigma": 0},
        render={"compile": False, "antialias": False},
    )
    scene = plain.sample([3])
    value = getattr(getattr(scene, group), field)
    direction = torch.randn(value.shape, generator=torch.Generator().manual_seed(0))
    if field == "intrinsics":
        direction[:, 2] = 0  # The last row of K is 0 0 1.

    def image(at: Tensor) -> ondr.Batch:
        changed = dataclasses.replace(getattr(scene, group), **{field: at})
        return plain.render(dataclasses.replace(scene, **{group: changed}))

    leaf, step = value.clone().requires_grad_(), STEPS[group, field]
    above, middle, below = image(value + step * direction), image(leaf), image(value - step * direction)
    seen = (above.targets.depth > 0) & (middle.targets.depth > 0) & (below.targets.depth > 0)
    (gradient,) = torch.autograd.grad((middle.images * seen).sum(), leaf)
    expected = ((above.images - below.images) * seen).sum() / (2 * step)
    # Images are float32, and shading across the sphere's triangles is smooth only up to its first derivative.
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=0.05, atol=0.05 * float(seen.sum()) ** 0.5)


def test_the_stream_does_not_require_grad(scenes: ondr.RandomizedScenes) -> None:
    scenes.parameters["lights.intensity.high"] = torch.tensor(2.5, requires_grad=True)
    try:
        assert not next(iter(scenes)).images.requires_grad
        assert scenes.render([0]).images.requires_grad
    finally:
        del scenes.parameters["lights.intensity.high"]


def test_antialiasing_moves_no_label() -> None:
    smooth, hard = rendered(dataset()), rendered(dataset(render={"compile": False, "antialias": False}))
    assert torch.equal(smooth.targets.boxes, hard.targets.boxes)
    assert torch.equal(smooth.targets.instances, hard.targets.instances)
    assert not torch.equal(smooth.images, hard.images)


def test_the_kornia_engine_makes_the_same_images(scenes: ondr.RandomizedScenes) -> None:
    reference = rendered(dataset(photometric={"engine": "kornia"})).images
    # A stated tolerance of the fused exposure: its sRGB curve is a fit, and hue is computed in another order.
    assert (reference - rendered(scenes).images).abs().max() < 1.5 / 255


@pytest.mark.slow
def test_memory_stays_flat() -> None:
    """500 batches: within 20 MiB of what the 50th left, and a slope of the last 400 of at most 0.01 MiB per batch."""
    stream = iter(dataset(image_size=[64, 64], batch_size=8))
    used = []
    for _ in range(500):
        next(stream)
        used.append(_resident_mib())
    gc.collect()
    late = torch.tensor(used[100:], dtype=torch.float64)
    assert used[-1] - used[49] < 20
    at = torch.arange(len(late), dtype=torch.float64)
    at = at - at.mean()
    assert (at * late).sum() / at.square().sum() <= 0.01


def _resident_mib() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _to_cpu(batch: ondr.Batch) -> tuple[ondr.Batch, Tensor]:
    there = batch.to("cpu")
    return there, there.targets.instances >= 0


@pytest.mark.cuda
def test_cpu_and_cuda_agree() -> None:
    """nvdiffrast rounds vertices to 1/16 pixel, so that some pixels along edges see something else.

    Antialiasing is off, since the two devices sample different points of a pixel.
    """
    plain = {"compile": "auto", "antialias": False}
    cpu, covered = _to_cpu(rendered(dataset(device="cpu", render=plain)))
    gpu, _ = _to_cpu(rendered(dataset(device="cuda", render=plain)))
    torch.testing.assert_close(cpu.draws.packed, gpu.draws.packed, rtol=1e-5, atol=1e-6)
    assert (cpu.targets.instances == gpu.targets.instances)[covered].double().mean() >= 0.99
    assert ((cpu.images - gpu.images).abs().amax(1) <= 2 / 255).double().mean() >= 0.99
    assert (cpu.targets.boxes - gpu.targets.boxes).abs().max() <= 1
