"""numba kernels that decode an image's keys: what its centres see, and a fragment for each surface its samples see."""

from __future__ import annotations

import typing
from typing import NamedTuple

import numpy as np
from numba import njit

from .lanes_numba import LANES

_ID = (1 << 32) - 1
_ALL = (1 << LANES) - 1


class Decoder(NamedTuple):
    """Decodes an id into an instance and a triangle of the bank."""

    shift: int
    """An id is slot << shift | number of the triangle within the instance."""
    first_triangle: np.ndarray
    """int32 [slot]: first triangle of each of the image's instances."""


class Lists(NamedTuple):
    """The fields of `Fragments` as arrays [batch, capacity] that are being filled."""

    pixel: np.ndarray
    triangle: np.ndarray
    instance: np.ndarray
    mask: np.ndarray


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def read_centers(layers, decoder, triangle, slot):
    """Writes what the centres see to triangle and slot [H, W], and empties the centres for the next image."""
    height, width = triangle.shape
    pitch = layers.cover.shape[1] * LANES
    for y in range(height):
        for x in range(width):
            key = layers.centers[y * pitch + x]
            layers.centers[y * pitch + x] = 0
            k, t = _decode(decoder, key)
            triangle[y, x] = t if key != 0 else -1
            slot[y, x] = k if key != 0 else -1


@typing.no_type_check
@njit(cache=True, error_model="numpy")
def group_samples(layers, decoder, patches, step, b, lists):
    """Writes the fragments of one image, empties its samples for the next, and leaves the centres as they are.

    Args:
        layers: The drawn image.
        decoder: The image's.
        patches: int32 [F], the bank's.
        step: Relative difference of 1/z above which a silhouette lies between two samples.
        b: The image's index in the batch.
        lists: Receives the fragments in its row `b`.

    Returns:
        The number of fragments.
    """
    height, width, slots = layers.cover.shape[0], layers.width, len(decoder.first_triangle)
    pitch = layers.cover.shape[1] * LANES
    keys = layers.samples
    count = 0
    for y in range(height):
        for x in range(width):
            at = (y * pitch + x) * LANES
            k0, k1, k2, k3 = keys[at], keys[at + 1], keys[at + 2], keys[at + 3]
            if k0 | k1 | k2 | k3 == 0:
                continue
            keys[at], keys[at + 1], keys[at + 2], keys[at + 3] = 0, 0, 0, 0
            center = layers.centers[y * pitch + x]
            pixel = (b * height + y) * width + x
            # Most pixels see one surface.
            if _are_one(decoder, patches, step, k0, k1, k2, k3):
                k, t = _decode(decoder, center if _is_alike(decoder, patches, step, k0, center) else k0)
                _note(lists, b, count, pixel, t, b * slots + k, _ALL)
                count += 1
                continue
            rest = (k0 != 0) | (k1 != 0) << 1 | (k2 != 0) << 2 | (k3 != 0) << 3
            while rest != 0:
                key = k0 if rest & 1 else (k1 if rest & 2 else (k2 if rest & 4 else k3))
                mask = _is_alike(decoder, patches, step, key, k0)
                mask |= _is_alike(decoder, patches, step, key, k1) << 1
                mask |= _is_alike(decoder, patches, step, key, k2) << 2
                mask |= _is_alike(decoder, patches, step, key, k3) << 3
                mask &= rest
                rest &= ~mask
                k, t = _decode(decoder, key)
                _note(lists, b, count, pixel, t, b * slots + k, mask)
                count += 1
    return count


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _note(lists, b, count, pixel, triangle, instance, mask):
    """Writes a fragment."""
    lists.pixel[b, count] = pixel
    lists.triangle[b, count] = triangle
    lists.instance[b, count] = instance
    lists.mask[b, count] = mask


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _are_one(decoder, patches, step, k0, k1, k2, k3):
    """Returns whether four samples see one smooth surface."""
    if (k0 == 0) | (k1 == 0) | (k2 == 0) | (k3 == 0):
        return False
    different = ((k0 ^ k1) | (k0 ^ k2) | (k0 ^ k3)) & _ID
    # Equal triangles, or different instances, can be told without looking up patches.
    if different == 0:
        return True
    if different >> decoder.shift != 0:
        return False
    alike = _is_alike(decoder, patches, step, k0, k1) & _is_alike(decoder, patches, step, k0, k2)
    return alike & _is_alike(decoder, patches, step, k0, k3)


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _decode(decoder, key):
    """Returns the instance and the triangle of a key."""
    low = key & _ID
    k = low >> decoder.shift
    return k, decoder.first_triangle[k] + (low - (k << decoder.shift))


@typing.no_type_check
@njit(cache=True, error_model="numpy", forceinline=True)
def _is_alike(decoder, patches, step, key, other):
    """Returns whether two samples see one smooth surface; `key` is not 0."""
    # Without branches, which would be mispredicted: neighbouring pixels differ.
    (k, t), (j, u) = _decode(decoder, key), _decode(decoder, other if other != 0 else key)
    w, v = np.int32(key >> 32).view(np.float32), np.int32(other >> 32).view(np.float32)
    smooth = (patches[t] == patches[u]) & (abs(w - v) <= step * w)
    return (other != 0) & (k == j) & ((t == u) | smooth)
