"""From ids to images: shading, background, antialiasing, blur and exposure in their order.

What is seen comes as fragments on the CPU, as grids of ids (one sample per pixel, or 2 x 2) on a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ondr import raster
from ondr.assets.bank import Bank
from ondr.config import Config
from ondr.imaging import row_effects
from ondr.imaging.background import BackgroundTables, background_tables
from ondr.imaging.blur import blur
from ondr.imaging.compiled import compiled, wants_compile
from ondr.imaging.compose import compose
from ondr.imaging.fragments import fragments_of, fragments_of_samples, shade_fragments
from ondr.imaging.grid import QUARTERS, Grid, develop_grid, grid_of_samples, shade_grid
from ondr.imaging.lens_view import see_through_lens
from ondr.imaging.noise import normal_table
from ondr.imaging.photometric import expose, expose_fused
from ondr.imaging.shading import ShadingTables, shading_tables
from ondr.imaging.shadow_maps import shadow_tables
from ondr.leaves import leaves_of
from ondr.raster.visibility import Fragments, Visibility
from ondr.scene import Instances, Scene
from ondr.scratch import scratch
from ondr.timing import stage

BLUR = "photometric.blur_sigma"


@dataclass(frozen=True)
class Sight:
    """What a batch's images see: for the labels at pixel centres, for the colours as fragments or as a grid."""

    visibility: Visibility
    seen: Fragments | Grid
    """Fragments on the CPU, a grid on a GPU."""


def see(bank: Bank, instances: Instances, scene: Scene, cfg: Config) -> Sight:
    """Finds what each pixel and each of its samples sees.

    Args:
        bank: Meshes.
        instances: Of the scene.
        scene: Its camera is read.
        cfg: `image_size` and `render.antialias` are read.

    Raises:
        BackendError: The device's renderer is missing.
    """
    if scene.camera.distortion is not None:
        return _see_through_lens(bank, instances, scene, cfg)
    what = (bank, instances, scene.camera.intrinsics.detach().float(), cfg.image_size)
    if bank.device.type == "cpu":
        if cfg.render.antialias:
            return Sight(*raster.fragments(*what))
        visibility = raster.visible(*what)
        return Sight(visibility, fragments_of(visibility))
    visibility = raster.visible(*what)
    grid = raster.supersampled(*what) if cfg.render.antialias else (visibility.triangle, visibility.slot)
    return Sight(visibility, Grid(*grid))


def _see_through_lens(bank: Bank, instances: Instances, scene: Scene, cfg: Config) -> Sight:
    on_cpu, antialias = bank.device.type == "cpu", bool(cfg.render.antialias)
    points = () if not antialias else raster.SAMPLES if on_cpu else QUARTERS
    from_center = [(x - 0.5, y - 0.5) for x, y in points]
    visibility, samples = see_through_lens(bank, instances, scene.camera, cfg.image_size, from_center)
    if on_cpu:
        parts = (samples.triangle, samples.slot, bank.patches)
        return Sight(visibility, fragments_of_samples(visibility, *parts) if antialias else fragments_of(visibility))
    if antialias:
        return Sight(visibility, grid_of_samples(samples.triangle, samples.slot))
    return Sight(visibility, Grid(visibility.triangle, visibility.slot))


def develop(
    bank: Bank, instances: Instances, scene: Scene, sight: Sight, cfg: Config
) -> Float[Tensor, "batch 3 height width"]:
    """Makes the images of what is seen.

    Args:
        bank: Meshes, materials and textures.
        instances: Of the scene.
        scene: Materials, lights, background and effects.
        sight: What `see` found.
        cfg: `image_size`, `render` and `photometric` are read.

    Returns:
        sRGB-encoded images in 0..1, differentiable where gradients are enabled and a tensor of the scene requires one.
    """
    fast = wants_compile(cfg.render.compile, bank.device) and not needs_grad(bank, scene)
    with stage("shade"):
        shadow = shadow_tables(bank, scene, instances, cfg.groups["occluders"].stop, fast)
        tables = shading_tables(bank, scene, instances, shadow)
        background = background_tables(bank, scene.background, scene.camera)
        at_once = fast and cfg.photometric.engine == "fused" and not _on_light(scene)
        if isinstance(sight.seen, Grid) and at_once:
            images = _at_once(tables, background, sight.seen, scene, cfg)
        else:
            at_once, linear = False, _linear(tables, background, sight.seen, cfg, fast)
    with stage("expose"):
        if not at_once:
            images = _exposed(linear, scene, cfg, fast)
        return _on_rows(row_effects.DEVELOPMENT, images, scene)


def _on_light(scene: Scene) -> bool:
    """Returns whether an image has an effect on linear light, other than on single pixels of all images."""
    rows = scene.structure.rows
    return bool(rows.get(BLUR)) or row_effects.needed((row_effects.LENS, row_effects.SENSOR), rows)


def _exposed(
    linear: Float[Tensor, "batch 3 height width"], scene: Scene, cfg: Config, fast: bool
) -> Float[Tensor, "batch 3 height width"]:
    structure, device = scene.structure, linear.device
    linear = _on_rows(row_effects.LENS, linear, scene)
    rows, largest = structure.rows.get(BLUR, ()), structure.largest.get(BLUR, 0.0)
    linear = blur(linear, scene.effects.blur_sigma, rows, largest, in_place=True)
    linear = _on_rows(row_effects.SENSOR, linear, scene)
    ids = scene.device_ids
    if fast and device.type != "cpu" and cfg.photometric.engine == "fused":
        return compiled(expose_fused)(linear, scene.effects, scene.seed, ids)
    return expose(linear, scene.effects, seed=scene.seed, sample_ids=ids, engine=cfg.photometric.engine)


def _on_rows(
    table: Mapping[str, row_effects.Effect], images: Float[Tensor, "batch 3 height width"], scene: Scene
) -> Float[Tensor, "batch 3 height width"]:
    structure = scene.structure
    return row_effects.apply(
        table, images, scene.effects, structure.rows, structure.largest, scene.seed, scene.device_ids
    )


def needs_grad(bank: Bank, scene: Scene) -> bool:
    """Returns whether autograd has to see how the images are made."""
    groups = (bank, scene.poses, scene.materials, scene.lights, scene.camera, scene.background, scene.effects)
    return torch.is_grad_enabled() and any(leaf.requires_grad for group in groups for leaf in leaves_of(group))


def _at_once(
    tables: ShadingTables, background: BackgroundTables, grid: Grid, scene: Scene, cfg: Config
) -> Float[Tensor, "batch 3 height width"]:
    """Makes images by one compiled function, since no image's light has to lie in memory for a blur."""
    device = grid.triangle.device
    what = (tables, background, grid, cfg.image_size, cfg.render.texture_filter == "trilinear")
    return compiled(develop_grid)(*what, scene.effects, normal_table(device), scene.seed, scene.device_ids)


def _linear(
    tables: ShadingTables, background: BackgroundTables, seen: Fragments | Grid, cfg: Config, fast: bool
) -> Float[Tensor, "batch 3 height width"]:
    trilinear = cfg.render.texture_filter == "trilinear"
    if isinstance(seen, Grid):
        function = compiled(shade_grid) if fast else shade_grid
        return function(tables, background, seen, cfg.image_size, trilinear)
    colors = shade_fragments(tables, seen, cfg.image_size, trilinear=trilinear, compile=fast)
    if torch.is_grad_enabled() and (colors.requires_grad or background.requires_grad):
        return compose(seen, colors, background, cfg.image_size)
    from ondr.imaging import compose_numba

    out = scratch("picture.linear", len(background.color), 3, *cfg.image_size)
    return compose_numba.compose(seen, colors, background, cfg.image_size, out)
