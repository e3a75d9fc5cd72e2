"""What a batch's images see, by the rasterizer, and through the lens if there is one.

The samples for colours come as fragments on the CPU, as points on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

from ondr import raster
from ondr.assets.bank import Bank
from ondr.config import Config
from ondr.imaging.fragments import fragments_of, fragments_of_samples
from ondr.imaging.points import SAMPLES_2X2, ShadingPoints, points_of_centers, points_of_samples
from ondr.lens_view import quarters_of, see_through_lens
from ondr.raster.visibility import Fragments, Visibility, silhouette_step
from ondr.runtime.compiled import wants_compile
from ondr.scene import Instances, Scene


@dataclass(frozen=True)
class Sight:
    """What a batch's images see: at pixel centres for labels, as fragments or points for colours."""

    visibility: Visibility
    seen: Fragments | ShadingPoints
    """Fragments on the CPU, points on a GPU."""


def see(bank: Bank, instances: Instances, scene: Scene, cfg: Config) -> Sight:
    """Finds what each pixel and each of its samples sees.

    Args:
        bank: The meshes.
        instances: The scene's.
        scene: Its camera is read.
        cfg: `image_size`, `render.antialias` and `render.compile` are read.

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
    compile = wants_compile(cfg.render.compile, bank.device)
    visibility = raster.visible(*what, compile=compile)
    if not cfg.render.antialias:
        return Sight(visibility, points_of_centers(visibility))
    samples, step = raster.supersampled(*what, compile=compile), silhouette_step(scene.camera.intrinsics)
    return Sight(visibility, points_of_samples(visibility, samples, bank.patches, step, compile=compile))


def _see_through_lens(bank: Bank, instances: Instances, scene: Scene, cfg: Config) -> Sight:
    on_cpu, antialias = bank.device.type == "cpu", bool(cfg.render.antialias)
    points = () if not antialias else raster.SAMPLES if on_cpu else SAMPLES_2X2
    from_center = [(x - 0.5, y - 0.5) for x, y in points]
    compile = wants_compile(cfg.render.compile, bank.device)
    visibility, samples = see_through_lens(bank, instances, scene.camera, cfg.image_size, from_center, compile=compile)
    if on_cpu:
        parts = (samples.triangle, samples.slot, bank.patches)
        return Sight(visibility, fragments_of_samples(visibility, *parts) if antialias else fragments_of(visibility))
    if not antialias:
        return Sight(visibility, points_of_centers(visibility))
    quarters, step = quarters_of(samples), silhouette_step(scene.camera.intrinsics)
    return Sight(visibility, points_of_samples(visibility, quarters, bank.patches, step, compile=compile))
