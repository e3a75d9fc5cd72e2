"""From scenes to images and targets: all stages in order, for each micro-batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Num
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.imaging.pipeline import develop, out_buffer
from ondr.imaging.sight import see
from ondr.labels import label
from ondr.lens_view import FINER
from ondr.place import place
from ondr.runtime.isolation import isolated
from ondr.runtime.memory import in_parts_that_fit, known_to_fit, out_of_memory
from ondr.runtime.timing import stage
from ondr.scene import Scene

PIXELS_AT_ONCE = {"cpu": 2**22, "cuda": 2**25}
"""Pixels that `render.micro_batch: auto` renders at once. On the CPU, intermediates take some 300 MB and every core has
several images; with half as many, rendering took 4 % longer, with a quarter 10 to 20 %. On CUDA, 256 images of 512 x
256, which is also the most that nvdiffrast takes in one call."""
MOST_PIXELS = 2**29
"""Upper bound, whatever `render.micro_batch` says: the four samples of each pixel are numbered in 32 bits."""


def render(scene: Scene, assets: Assets, cfg: Config) -> tuple[Num[Tensor, "batch 3 height width"], Targets]:
    """Renders a batch of scenes.

    Differentiable in the scene's tensors where gradients are enabled and one of them requires it.

    Args:
        scene: What `sample_scene` returned, perhaps changed.
        assets: The meshes and textures that it refers to, on the same device.
        cfg: `image_size`, `images_dtype`, `channels_last`, `outputs`, `labels`, `render` and `photometric` are read.

    Returns:
        Images, 0..1 or 0..255 as `cfg.images_dtype` says, and the targets that `cfg.outputs` names.

    Raises:
        ConfigError: A tensor requires a gradient, and `images_dtype` is uint8.
        BackendError: The device's renderer is missing.
        torch.OutOfMemoryError: An image, or a `render.micro_batch` that is set, does not fit the device; on the CPU a
            MemoryError or a RuntimeError, whichever is raised there.
    """
    with isolated(assets.bank.device):
        out = out_buffer(assets.bank, scene, cfg)
        parts = _render_parts(scene, assets, cfg, out)
    images, targets = parts[0]
    if len(parts) > 1:
        images = torch.cat([images for images, _ in parts]) if out is None else out
        targets = Targets.join([targets for _, targets in parts])
    # The images may be a view made under no_grad, which autograd would not let a caller change in place.
    return images if images.requires_grad else images.detach(), targets


def micro_batches(scene: Scene, cfg: Config) -> Iterator[Scene]:
    """Splits a batch into the parts that are rendered at once, as equal as possible."""
    total, setting = len(scene.sample_ids), cfg.render.micro_batch
    pixels = cfg.image_size[0] * cfg.image_size[1]
    if scene.camera.distortion is not None:
        pixels = math.ceil(pixels * FINER**2)
    device = scene.poses.mesh.device
    wanted = PIXELS_AT_ONCE[device.type] // pixels if setting == "auto" else setting
    if setting == "auto":
        wanted = known_to_fit((device, cfg.image_size), wanted)
    most = max(1, min(wanted, (MOST_PIXELS - 1) // pixels))
    parts = max(1, -(-total // most))
    for i in range(parts):
        yield scene if parts == 1 else scene.rows(slice(total * i // parts, total * (i + 1) // parts))


def _render_parts(scene: Scene, assets: Assets, cfg: Config, out: Tensor | None) -> list[tuple[Tensor, Targets]]:
    """Renders the parts one by one; with `render.micro_batch: auto`, in smaller parts if memory runs out."""
    done = 0

    def run(part: Scene) -> tuple[Tensor, Targets]:
        nonlocal done
        after = done + len(part.sample_ids)
        found = _render(part, assets, cfg, None if out is None else out[done:after])
        done = after
        return found

    device, setting = assets.bank.device, cfg.render.micro_batch
    if setting == "auto":
        return in_parts_that_fit(run, micro_batches(scene, cfg), (device, cfg.image_size))
    try:
        return [run(part) for part in micro_batches(scene, cfg)]
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error):
            error.add_note(
                f"render.micro_batch must be small enough for its images to fit the memory of {device}, got {setting}. "
                "Set render.micro_batch to auto."
            )
        raise


def _render(scene: Scene, assets: Assets, cfg: Config, out: Tensor | None) -> tuple[Tensor, Targets]:
    with stage("place"):
        instances = place(scene, assets.bank, cfg.render.detail_pixels)
    with stage("see"):
        sight = see(assets.bank, instances, scene, cfg)
    images = develop(assets.bank, instances, scene, sight, cfg, out)
    with stage("label"):
        targets = label(scene, assets, instances, sight.visibility, cfg)
    return images, targets
