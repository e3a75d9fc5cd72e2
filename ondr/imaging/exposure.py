"""From linear light to final images: all photometric effects in their order, and the pixel format.

The effects themselves are defined in `row_effects`, `blur` and `photometric`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Num
from torch import Tensor

from ondr.config import Config
from ondr.imaging import row_effects
from ondr.imaging.blur import blur
from ondr.imaging.photometric import expose, expose_fused
from ondr.noise import normal_table
from ondr.pixel_format import FLOATS, PixelFormat
from ondr.runtime.compiled import compiled
from ondr.runtime.scratch import scratch
from ondr.scene import Scene

BLUR = "photometric.blur_sigma"
Images = Float[Tensor, "batch 3 height width"]


@dataclass(frozen=True)
class OutputPlan:
    """How a batch's images are made."""

    needs_grad: bool
    """Whether gradients are recorded."""
    fast: bool
    """Whether compiled functions run, which record no gradients."""
    out: Num[Tensor, "batch 3 height width"] | None
    """Images on the CPU to write into, without gradients; None: new ones are made."""


def acts_on_light(scene: Scene) -> bool:
    """Returns whether any image has an effect on linear light other than Gaussian blur."""
    return row_effects.needed((row_effects.LENS, row_effects.SENSOR), scene.structure.rows)


def blurred_rows(scene: Scene) -> Sequence[int]:
    """Returns which images have a Gaussian blur."""
    return scene.structure.rows.get(BLUR, ())


def exposed_format(scene: Scene, cfg: Config) -> PixelFormat:
    """Returns the format in which exposure leaves images: floats if any of them is developed afterwards."""
    developed = row_effects.needed((row_effects.DEVELOPMENT,), scene.structure.rows)
    return FLOATS if developed else cfg.pixel_format


def exposed(linear: Images, scene: Scene, cfg: Config, plan: OutputPlan) -> Num[Tensor, "batch 3 height width"]:
    """Exposes linear light, which may be overwritten, into the format of `exposed_format`."""
    linear = _on_rows(row_effects.LENS, linear, scene, plan)
    largest = scene.structure.largest.get(BLUR, 0.0)
    linear = blur(linear, scene.effects.blur_sigma, blurred_rows(scene), largest, in_place=True)
    linear = _on_rows(row_effects.SENSOR, linear, scene, plan)
    ids, pixels, engine = scene.device_ids, exposed_format(scene, cfg), cfg.photometric.engine
    if plan.fast and engine == "fused" and linear.device.type != "cpu":
        return compiled(expose_fused)(linear, scene.effects, normal_table(linear.device), scene.seed, ids, pixels)
    out = None if plan.out is None else exposed_buffer(scene, cfg, plan.out)
    return pixels.of(expose(linear, scene.effects, seed=scene.seed, sample_ids=ids, engine=engine, out=out))


def exposed_buffer(
    scene: Scene, cfg: Config, out: Num[Tensor, "batch 3 height width"]
) -> Num[Tensor, "batch 3 height width"]:
    """Returns where exposure writes on the CPU: the final images or, if development follows, scratch."""
    return out if exposed_format(scene, cfg) == cfg.pixel_format else scratch("exposure.exposed", *out.shape)


def developed(
    encoded: Num[Tensor, "batch 3 height width"], scene: Scene, cfg: Config, plan: OutputPlan
) -> Num[Tensor, "batch 3 height width"]:
    """Develops encoded images, which may be overwritten, and converts them to the final format."""
    encoded = _on_rows(row_effects.DEVELOPMENT, encoded, scene, plan)
    if exposed_format(scene, cfg) == cfg.pixel_format:
        return encoded
    if plan.out is None:
        return (compiled(PixelFormat.of) if plan.fast else PixelFormat.of)(cfg.pixel_format, encoded)
    from ondr.imaging import store_numba

    store_numba.write(encoded, plan.out)
    return plan.out


def _on_rows(table: Mapping[str, row_effects.Effect], images: Tensor, scene: Scene, plan: OutputPlan) -> Tensor:
    return row_effects.apply(table, images, scene, in_place=not plan.needs_grad)
