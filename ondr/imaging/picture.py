"""From what is seen to images: shading over the background, antialiased.

What the camera does to the light is left to `exposure`; on a GPU both are one function where no effect needs the light
of whole images.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Num
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.config import Config
from ondr.imaging.background import BackgroundTables, background_tables
from ondr.imaging.compiled import compiled, wants_compile
from ondr.imaging.compose import compose
from ondr.imaging.exposure import Making, acts_on_light, developed, exposed, exposed_format
from ondr.imaging.fragments import shade_fragments
from ondr.imaging.grid import Grid, develop_grid, shade_grid
from ondr.imaging.noise import normal_table
from ondr.imaging.shading import ShadingTables, shading_tables
from ondr.imaging.shadow_maps import shadow_tables
from ondr.imaging.sight import Sight
from ondr.leaves import leaves_of
from ondr.raster.visibility import Fragments
from ondr.scene import Instances, Scene
from ondr.scratch import growing_scratch, scratch
from ondr.timing import stage


def develop(
    bank: Bank,
    instances: Instances,
    scene: Scene,
    sight: Sight,
    cfg: Config,
    out: Num[Tensor, "batch 3 height width"] | None = None,
) -> Num[Tensor, "batch 3 height width"]:
    """Makes the images of what is seen.

    Args:
        bank: Meshes, materials and textures.
        instances: Of the scene.
        scene: Materials, lights, background and effects.
        sight: What `see` found.
        cfg: `image_size`, `images_dtype`, `channels_last`, `render` and `photometric` are read.
        out: Images of that format on the CPU to write into, without gradients; None: new ones.

    Returns:
        sRGB-encoded images, differentiable where gradients are enabled and a tensor of the scene requires one.
    """
    making = _making(bank, scene, cfg, out)
    with stage("shade"):
        shadow = shadow_tables(bank, scene, instances, cfg.groups["occluders"].stop, making.fast)
        tables = shading_tables(bank, scene, instances, shadow)
        background = background_tables(bank, scene.background, scene.camera)
        at_once = making.fast and cfg.photometric.engine == "fused" and not acts_on_light(scene)
        if at_once and isinstance(sight.seen, Grid):
            encoded = _at_once(tables, background, sight.seen, scene, cfg)
        else:
            at_once, linear = False, _linear(tables, background, sight.seen, cfg, making.fast)
    with stage("expose"):
        return developed(encoded if at_once else exposed(linear, scene, cfg, making), scene, cfg, making)


def _making(bank: Bank, scene: Scene, cfg: Config, out: Tensor | None) -> Making:
    graded, on_cpu = needs_grad(bank, scene), bank.device.type == "cpu"
    if out is None and on_cpu and not graded:
        out = cfg.pixel_format.room(len(scene.sample_ids), cfg.image_size)
    return Making(graded, wants_compile(cfg.render.compile, bank.device) and not graded, out)


def needs_grad(bank: Bank, scene: Scene) -> bool:
    """Returns whether autograd has to see how the images are made."""
    groups = (bank, scene.poses, scene.materials, scene.lights, scene.camera, scene.background, scene.effects)
    return torch.is_grad_enabled() and any(leaf.requires_grad for group in groups for leaf in leaves_of(group))


def _at_once(
    tables: ShadingTables, background: BackgroundTables, grid: Grid, scene: Scene, cfg: Config
) -> Num[Tensor, "batch 3 height width"]:
    """Makes images by one compiled function."""
    device = grid.triangle.device
    what = (tables, background, grid, cfg.image_size, cfg.render.texture_filter == "trilinear")
    exposure = (scene.effects, normal_table(device), scene.seed, scene.device_ids)
    return compiled(develop_grid)(*what, *exposure, exposed_format(scene, cfg))


def _linear(
    tables: ShadingTables, background: BackgroundTables, seen: Fragments | Grid, cfg: Config, fast: bool
) -> Float[Tensor, "batch 3 height width"]:
    trilinear = cfg.render.texture_filter == "trilinear"
    if isinstance(seen, Grid):
        function = compiled(shade_grid) if fast else shade_grid
        return function(tables, background, seen, cfg.image_size, trilinear)
    room = growing_scratch("picture.colors", 3, len(seen.pixel)) if fast else None
    colors = shade_fragments(tables, seen, cfg.image_size, trilinear=trilinear, compile=fast, out=room)
    if torch.is_grad_enabled() and (colors.requires_grad or background.requires_grad):
        return compose(seen, colors, background, cfg.image_size)
    from ondr.imaging import compose_numba

    out = scratch("picture.linear", len(background.color), 3, *cfg.image_size)
    return compose_numba.compose(seen, colors, background, cfg.image_size, out)
