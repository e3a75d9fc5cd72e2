"""Composition, blur and exposure on the CPU, image by image; each of them is defined in its own file.

So an image's linear light stays in the cache of one core. Run stage by stage, a whole batch would go through memory.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from numba import njit, prange
from torch import Tensor

from ondr.imaging.background import BackgroundTables
from ondr.imaging.blur import reach_of
from ondr.imaging.blur_numba import blur_image, half_kernels
from ondr.imaging.compose_numba import compose_image, layers_of
from ondr.imaging.photometric_numba import expose_image, exposure_of
from ondr.imaging.store_numba import out_buffer_of
from ondr.raster.turns_numba import next_turn
from ondr.raster.visibility import Fragments
from ondr.runtime.scratch import scratch
from ondr.runtime.threads_numba import numba_threads
from ondr.scene import Scene


def finish(
    fragments: Fragments,
    colors: Float[Tensor, "3 fragment"],
    background: BackgroundTables,
    scene: Scene,
    blurred: Sequence[int],
    out: Num[Tensor, "batch 3 height width"],
) -> None:
    """Writes exposed images.

    Args:
        fragments: The batch's.
        colors: Linear RGB of each fragment.
        background: The batch's.
        scene: Its effects, its seed and its sample ids are read.
        blurred: Rows of the images that are blurred.
        out: Images of any format.
    """
    size = (out.shape[2], out.shape[3])
    reach = reach_of(scene.effects.blur_sigma, blurred, size)
    weights = half_kernels(scene.effects.blur_sigma, reach)
    layers = layers_of(fragments, colors, background, size)
    exposure = exposure_of(scene.effects, scene.seed, scene.sample_ids)
    with numba_threads() as threads:
        light = scratch("finish.light", min(threads, len(out)), 3, *size)
        _finish(*layers, reach.numpy(), weights.numpy(), exposure, *out_buffer_of(out), light.numpy())


@typing.no_type_check
@njit(parallel=True, error_model="numpy", cache=True)
def _finish(front, behind, reach, weights, exposure, out, channels_last, is_bfloat16, light):
    turn = np.zeros(1, np.int64)
    for thread in prange(len(light)):
        linear = light[thread]
        i = next_turn(turn)
        while i < len(reach):
            compose_image(front, behind, i, linear)
            if reach[i] > 0:
                blur_image(linear, weights[i], reach[i], linear)
            expose_image(linear, exposure, i, out[i], channels_last, is_bfloat16)
            i = next_turn(turn)
