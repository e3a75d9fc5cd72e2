"""The code for CUDA on a GPU that is none (`tests.pretend`): the CPU's images, few waits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import trimesh

import ondr
from ondr.batch import Targets
from ondr.geometry import invert
from ondr.leaves import map_leaves
from ondr.pixel_format import as_floats
from ondr.surface import corners_of, surface_tables
from tests.pretend.renderer import ondr_on_a_gpu
from tests.test_render import dataset
from tests.worlds import bank_from_meshes, pinhole, place

IDS = (100, 101, 102)
ON_GPU = "cuda:0"
RASTERIZER = "a copy to the CPU (raster/nvdiffrast.py:"
POINTS = "nonzero (imaging/points.py:"
WITHOUT = ("image_size", "sample_ids", "amodal_masks", "stencil")
OUTPUTS = [name for name in Targets.__dataclass_fields__ if name not in WITHOUT]
NOW_AND_THEN = {
    "blur_sigma": [0.5, 2],
    "chromatic_aberration": [0.5, 2],
    "defocus_radius": [0.5, 2],
    "motion_blur_length": [2, 6],
    "vignetting": [0, 0.5],
    "exposure_stops": [-1, 1],
    "white_balance_kelvin": [4000, 8000],
    "shot_noise": [0, 0.05],
    "read_noise_std": [0, 0.05],
    "gamma": [0.8, 1.2],
    "grayscale": [0, 1],
    "salt_and_pepper": [0, 0.05],
    "sharpen": [0, 1],
    "posterize_bits": [3, 8],
}
EFFECTS = {name: {"probability": 0.5, "law": law} for name, law in NOW_AND_THEN.items()}
SHADOWS = {"shadow_strength": {"probability": 0.6, "law": [0.3, 1]}, "shadow_softness": [0, 0.05]}
LENS = {"distortion": {"k1": [-0.05, 0.1], "p1": 0.01}}
JPEG = {"jpeg_quality": {"probability": 0.7, "law": [30, 95]}}
WORLDS: dict[str, dict[str, Any]] = {
    "all labels": {"outputs": OUTPUTS},
    "effects": {"photometric": EFFECTS},
    "kornia": {"photometric": {**EFFECTS, "engine": "kornia", "contrast": 1.2}},
    "bytes": {"images_dtype": "uint8", "channels_last": True},
    "a lens": {"camera": LENS},
    "shadows": {"layout": "tabletop", "lights": SHADOWS},
    "nothing": {"objects": {"count": 0}, "distractors": {"count": 0}},
    "in parts": {"render": {"micro_batch": 2}},
}


def small(device: str, **settings: Any) -> ondr.RandomizedScenes:
    render = {"compile": True, "antialias": False, **settings.pop("render", {})}
    return dataset(**{"image_size": [48, 64], **settings, "device": device, "render": render})


@pytest.mark.parametrize("name", WORLDS)
def test_a_gpu_makes_the_images_and_labels_of_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.no_grad():
        expected = small("cpu", **WORLDS[name]).render(IDS)
        with ondr_on_a_gpu(monkeypatch) as (gpu, _):
            scenes = small(ON_GPU, **WORLDS[name])
            # The first step uploads what stays.
            scenes.render(IDS)
            gpu.waits.clear()
            found = scenes.render(IDS)
            waits = list(gpu.waits)
            found = found.to("cpu")
    assert waits
    assert [wait for wait in waits if not (wait.startswith(RASTERIZER) or POINTS in wait)] == []
    # Its rasterizer rounds no vertices: some pixels along edges see something else.
    images, drawn = (as_floats(batch.images) for batch in (found, expected))
    assert ((images - drawn).abs().amax(1) <= 2 / 255).double().mean() > 0.995
    for field in expected.targets.names():
        there, here = (getattr(batch.targets, field).double() for batch in (found, expected))
        close = (there - here).abs() <= 0.02 * (1 + here.abs())
        assert (~close).sum() <= 0.01 * close.numel(), field


@pytest.mark.parametrize("camera", [{}, LENS])
def test_edges_on_a_gpu_are_as_smooth_as_on_the_cpu(camera: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"image_size": [96, 128], "camera": camera, "outputs": ["boxes"]}
    with torch.no_grad():
        jagged, smooth = (small("cpu", **settings, render={"antialias": a}).render(IDS).images for a in (False, True))
        with ondr_on_a_gpu(monkeypatch):
            found = small(ON_GPU, **settings, render={"antialias": True}).render(IDS).images.to("cpu")
    # Samples lie elsewhere in the pixel: of four, one more or one less is covered along an edge.
    assert (found - smooth).abs().mean() < 0.55 * (jagged - smooth).abs().mean()
    # Inside of surfaces nothing differs.
    assert ((found - smooth).abs().amax(1) > 2 / 255).double().mean() < 0.07


@pytest.mark.parametrize(
    "settings",
    [
        {"photometric": JPEG},
        {"objects": {"rotation": {"views": {"subdivisions": 1, "in_plane": 2, "cycle": True}}}},
    ],
)
def test_waits_that_only_a_few_settings_would_bring_are_not_there(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.no_grad(), ondr_on_a_gpu(monkeypatch) as (gpu, _):
        scenes = small(ON_GPU, **settings)
        scenes.render(IDS)
        gpu.waits.clear()
        scenes.render(IDS)
    assert [wait for wait in gpu.waits if not (wait.startswith(RASTERIZER) or POINTS in wait)] == []


def test_a_stream_on_a_gpu_waits_for_the_triangles_and_points_of_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    with ondr_on_a_gpu(monkeypatch) as (gpu, calls):
        stream = iter(small(ON_GPU, batch_size=3, render={"antialias": True}))
        next(stream)
        gpu.waits.clear()
        calls.clear()
        for _ in range(3):
            next(stream)
    # Antialiasing draws twice; the triangles that are counted for the one are known for the other.
    assert len(gpu.waits) == 9
    assert all(wait.startswith(RASTERIZER) for wait in gpu.waits[::3])
    assert all(POINTS in wait for wait in gpu.waits[1::3] + gpu.waits[2::3])
    assert {function.__name__ for function, _ in calls} == {
        *("depth_reach", "clip_triangles", "seen_ids", "seen_samples", "group_samples"),
        *("shade_points", "compose_points", "compose_and_expose", "expose_fused"),
        *("visible_extents", "amodal_boxes", "instance_ids"),
    }


@pytest.mark.parametrize("compile", [True, False])
def test_what_is_done_for_every_pixel_or_triangle_is_compiled(compile: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    render = {"antialias": True, "compile": compile}
    with torch.no_grad(), ondr_on_a_gpu(monkeypatch) as (gpu, _):
        scenes = small(ON_GPU, image_size=[192, 256], outputs=["boxes", "labels", "instances"], render=render)
        scenes.render(IDS)
        gpu.written.clear()
        scenes.render(IDS)
    on_pixels = sum(number >= len(IDS) * 192 * 256 for number in gpu.written)
    # Operation by operation, memory is the limit. Left is what puts shaded points into their pixels.
    assert on_pixels < 8 if compile else on_pixels > 200


def test_points_that_see_nothing_stay_inside_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    # Triangle 0 is of the first mesh, the instance of the second, whose vertices come last.
    bank = bank_from_meshes([trimesh.creation.uv_sphere(), trimesh.creation.box()])
    k = pinhole(10.0, 8, 8)
    tables = surface_tables(bank, place(bank, [[1]], torch.eye(3, 4)[None, None]), invert(k))
    with ondr_on_a_gpu(monkeypatch):
        there = map_leaves(tables, lambda table: table.to(ON_GPU))
        nothing = torch.zeros(5, dtype=torch.int32, device=ON_GPU)
        rows = torch.stack(corners_of(there, nothing, nothing).rows)
        assert rows.max().item() < len(bank.vertices)


def test_what_would_fail_or_wait_on_a_gpu_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with ondr_on_a_gpu(monkeypatch) as (gpu, _):
        values = torch.arange(6.0, device=ON_GPU)
        with pytest.raises(RuntimeError, match="same device"):
            values + torch.ones(6)
        assert (values + torch.tensor(1.0)).is_cuda
        assert not gpu.waits
        steps = (
            lambda: values.sum().item(),
            lambda: values[values > 2],
            lambda: values.nonzero(),
            lambda: values[[0, 2]],
            lambda: torch.ones(3).to(ON_GPU),
            lambda: torch.tensor([1.0, 2.0], device=ON_GPU),
            lambda: values.repeat_interleave(torch.ones(6, dtype=torch.int64, device=ON_GPU)),
            lambda: values.cpu(),
        )
        for number, step in enumerate(steps):
            gpu.waits.clear()
            step()
            assert gpu.waits, number
        gpu.waits.clear()
        assert torch.ones(3).pin_memory().to(ON_GPU, non_blocking=True).is_cuda
        assert not gpu.waits
