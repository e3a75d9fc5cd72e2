"""From visibility to images: shading, composition over the background, exposure and development.

What the camera does to light is left to `exposure`. Where no effect on whole images comes between, composition and
exposure are fused: on a GPU over all pixels, on the CPU image by image.
"""

from __future__ import annotations

from jaxtyping import Num
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.config import Config
from ondr.imaging.background import BackgroundTables, background_tables
from ondr.imaging.compose import compose
from ondr.imaging.exposure import (
    OutputPlan,
    acts_on_light,
    blurred_rows,
    developed,
    exposed,
    exposed_buffer,
    exposed_format,
)
from ondr.imaging.fragments import shade_fragments
from ondr.imaging.points import ShadingPoints
from ondr.imaging.shade_points import encoded_images, linear_images
from ondr.imaging.shading import ShadingTables, shading_tables
from ondr.imaging.shadow_maps import shadow_tables
from ondr.imaging.sight import Sight
from ondr.leaves import needs_grad
from ondr.noise import normal_table
from ondr.raster.visibility import Fragments
from ondr.runtime.compiled import wants_compile
from ondr.runtime.scratch import growing_scratch, scratch
from ondr.runtime.timing import stage
from ondr.scene import Instances, Scene


def develop(
    bank: Bank,
    instances: Instances,
    scene: Scene,
    sight: Sight,
    cfg: Config,
    out: Num[Tensor, "batch 3 height width"] | None = None,
) -> Num[Tensor, "batch 3 height width"]:
    """Makes the images of a batch.

    Args:
        bank: Meshes, materials and textures.
        instances: The scene's.
        scene: Its materials, lights, camera, background and effects are read.
        sight: What `see` returned.
        cfg: `image_size`, `images_dtype`, `channels_last`, `render` and `photometric` are read.
        out: Images of that format on the CPU to write into, without gradients; None: new ones.

    Returns:
        sRGB-encoded images, differentiable where gradients are enabled and a tensor of the scene requires one.
    """
    differentiable = scene_needs_grad(bank, scene)
    fast = wants_compile(cfg.render.compile, bank.device) and not differentiable
    plan = OutputPlan(differentiable, fast, out_buffer(bank, scene, cfg) if out is None else out)
    with stage("shade"):
        shadow = shadow_tables(bank, scene, instances, cfg.groups["occluders"].stop, fast)
        tables = shading_tables(bank, scene, instances, shadow)
        background = background_tables(bank, scene.background, scene.camera)
    if isinstance(sight.seen, ShadingPoints):
        encoded = _exposed_points(tables, background, sight.seen, scene, cfg, plan)
    else:
        encoded = _exposed_fragments(tables, background, sight.seen, scene, cfg, plan)
    with stage("expose"):
        return developed(encoded, scene, cfg, plan)


def out_buffer(bank: Bank, scene: Scene, cfg: Config) -> Num[Tensor, "batch 3 height width"] | None:
    """Returns memory to write images into, on the CPU without gradients; None elsewhere."""
    if bank.device.type != "cpu" or scene_needs_grad(bank, scene):
        return None
    return cfg.pixel_format.new_images(len(scene.sample_ids), cfg.image_size)


def scene_needs_grad(bank: Bank, scene: Scene) -> bool:
    """Returns whether the images need gradients."""
    groups = (bank, scene.poses, scene.materials, scene.lights, scene.camera, scene.background, scene.effects)
    return needs_grad(*groups)


def _exposed_points(
    tables: ShadingTables,
    background: BackgroundTables,
    points: ShadingPoints,
    scene: Scene,
    cfg: Config,
    plan: OutputPlan,
) -> Num[Tensor, "batch 3 height width"]:
    what = (tables, background, points, cfg.image_size, cfg.render.texture_filter == "trilinear")
    with stage("shade"):
        if plan.fast and cfg.photometric.engine == "fused" and not (acts_on_light(scene) or blurred_rows(scene)):
            exposure = (scene.effects, normal_table(points.pixel.device), scene.seed, scene.device_ids)
            return encoded_images(*what, exposure, exposed_format(scene, cfg), compile=True)
        linear = linear_images(*what, compile=plan.fast)
    with stage("expose"):
        return exposed(linear, scene, cfg, plan)


def _exposed_fragments(
    tables: ShadingTables, background: BackgroundTables, seen: Fragments, scene: Scene, cfg: Config, plan: OutputPlan
) -> Num[Tensor, "batch 3 height width"]:
    with stage("shade"):
        trilinear = cfg.render.texture_filter == "trilinear"
        lent = growing_scratch("picture.colors", 3, len(seen.pixel)) if plan.fast else None
        colors = shade_fragments(tables, seen, cfg.image_size, trilinear=trilinear, compile=plan.fast, out=lent)
    with stage("expose"):
        if plan.out is None:
            return exposed(compose(seen, colors, background, cfg.image_size), scene, cfg, plan)
        if cfg.photometric.engine == "fused" and not acts_on_light(scene):
            from ondr.imaging.finish_numba import finish

            buffer = exposed_buffer(scene, cfg, plan.out)
            finish(seen, colors, background, scene, blurred_rows(scene), buffer)
            return buffer
        from ondr.imaging import compose_numba

        linear = scratch("picture.linear", *plan.out.shape)
        return exposed(compose_numba.compose(seen, colors, background, cfg.image_size, linear), scene, cfg, plan)
