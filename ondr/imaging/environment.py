"""Light from all directions, on planes: a gradient from below to above, spherical harmonics, and panoramas to mirror.

How surfaces reflect it is left to `lighting`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import product, rotation_about
from ondr.harmonics import quadratic_forms
from ondr.imaging.texture import LINEAR_FROM_SQUARE, fetch_level
from ondr.planes import Image, Vector, add_product, along, rotated, take
from ondr.scene import Scene


@dataclass(frozen=True)
class MirrorTables:
    """A batch's panoramas, as reflected by shiny surfaces."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("texture", "frame")

    texels: Int32[Tensor, "texel"]
    """`Bank.texels`."""
    texture: Int32[Tensor, "batch 2"]
    """First texel and log2 of the side."""
    frame: Float[Tensor, "batch 10"]
    """panorama_from_camera (9) and the linear radiance of a full texel (1)."""


@dataclass(frozen=True)
class EnvironmentTables:
    """A batch's light from all directions, except `Lights.ambient`, which is the same from all of them."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("hemisphere", "harmonics")

    hemisphere: Float[Tensor, "batch 6"] | None = None
    """The world's z axis in the camera frame (3) and `Lights.upward` (3)."""
    harmonics: Float[Tensor, "batch 27"] | None = None
    """For each channel, the coefficients of the irradiance in x^2, y^2, xy, yz, zx, x, y, z and 1 of the unit normal in
    the camera frame."""
    mirror: MirrorTables | None = None


def environment_tables(bank: Bank, scene: Scene) -> EnvironmentTables | None:
    """Derives the tables of a batch, once per batch; None if no light depends on direction."""
    lights, rotation = scene.lights, scene.camera.camera_from_world[:, :3, :3]
    hemisphere = harmonics = mirror = None
    if lights.upward is not None:
        hemisphere = torch.cat([rotation[:, :, 2], lights.upward], dim=1)
    if lights.harmonics is not None:
        harmonics = in_camera(lights.harmonics, rotation)
    row, radiance, yaw = lights.environment, lights.environment_radiance, lights.environment_yaw_degrees
    if row is not None and radiance is not None and yaw is not None:
        frame = product(rotation_about("z", -yaw), rotation.mT).flatten(1)
        texture = bank.textures.index_select(0, row)
        mirror = MirrorTables(bank.texels, texture, torch.cat([frame, radiance[:, None]], dim=1))
    if hemisphere is None and harmonics is None and mirror is None:
        return None
    return EnvironmentTables(hemisphere, harmonics, mirror)


def in_camera(harmonics: Float[Tensor, "batch 9 3"], rotation: Float[Tensor, "batch 3 3"]) -> Float[Tensor, "batch 27"]:
    """Returns `EnvironmentTables.harmonics`.

    Args:
        harmonics: `Lights.harmonics`.
        rotation: camera_from_world.
    """
    form = quadratic_forms(harmonics)
    squares = product(product(rotation[:, None], form[..., :3, :3]), rotation.mT[:, None])
    linear = product(rotation[:, None], form[..., :3, 3:])[..., 0]
    # For a unit normal, z^2 = 1 - x^2 - y^2.
    last = squares[..., 2, 2]
    columns = [squares[..., i, i] - last for i in (0, 1)]
    columns += [2 * squares[..., i, j] for i, j in ((0, 1), (1, 2), (2, 0))]
    return torch.cat([torch.stack(columns, -1), 2 * linear, (form[..., 3, 3] + last)[..., None]], -1).flatten(1)


def irradiance(harmonics: Vector, normal: Vector) -> Vector:
    """Returns the irradiance of surfaces, for each channel.

    Args:
        harmonics: Columns of `EnvironmentTables.harmonics`.
        normal: Unit, camera frame.
    """
    x, y, z = normal
    terms = (x * x, y * y, x * y, y * z, z * x, x, y, z)
    totals = []
    for channel in range(0, 27, 9):
        total = harmonics[channel + 8]
        for factor, term in zip(harmonics[channel : channel + 8], terms, strict=True):
            total = add_product(total, factor, term)
        # Harmonics of order 2 ring: opposite a small bright light they are negative.
        totals.append(total.clamp_min(0))
    return tuple(totals)


def mirrored(normal: Vector, to_viewer: Vector, cosine: Tensor) -> Vector:
    """Returns the directions that a mirror would show to the viewer.

    Args:
        normal: Unit.
        to_viewer: Unit.
        cosine: Between the two.
    """
    return along(tuple(-v for v in to_viewer), normal, 2 * cosine)


def reflection_of(tables: MirrorTables, direction: Vector, alpha2: Tensor, image: Image) -> Vector:
    """Returns the radiance that a surface's specular lobe gathers from a panorama, three planes.

    Args:
        tables: The batch's.
        direction: Unit vector along the lobe's axis, camera frame.
        alpha2: GGX's alpha^2 of the surface.
        image: Row of the batch, int32; None: there is one image.

    Source: Colbert and Krivanek 2007, "GPU-based importance sampling", GPU Gems 3, chapter 20: the mip level whose
        texels have the solid angle of a sample. Here it is one sample along the lobe's axis, 4 pi alpha^2, which is a
        side of alpha in uv; half of that is taken, since bilinear filtering widens a texel to two.
    """
    *frame, radiance = take(tables.frame, image)
    first, log2_side = take(tables.texture, image)
    u, v = panorama_uv(rotated(tuple(frame), direction))
    detail = add_product(log2_side.to(u.dtype), torch.log2(alpha2), torch.full_like(u, 0.5)) - 1
    level = torch.minimum((detail + 0.5).floor().int().clamp_min(0), log2_side - 1)
    root = fetch_level(tables.texels, first, log2_side, level, u, between_poles(v, log2_side, level))
    return tuple(r * r * (radiance * LINEAR_FROM_SQUARE) for r in root)


def panorama_uv(direction: Vector) -> tuple[Tensor, Tensor]:
    """Returns u and v of directions in an equirectangular image: the middle column is +x, right is clockwise seen from
    above, the top row is up.

    Args:
        direction: Unit, in the panorama's frame, z up.
    """
    x, y, z = direction
    return 0.5 - torch.atan2(y, x) * (0.5 / math.pi), torch.acos(z.clamp(-1, 1)) * (1 / math.pi)


def between_poles(v: Tensor, log2_side: Tensor, level: Tensor) -> Tensor:
    """Returns v clamped to the centres of a panorama's top and bottom row.

    Textures wrap: bilinear filtering would blend the ground into the zenith.

    Args:
        v: v coordinate in panoramas, any shape.
        log2_side: log2 of their textures' side, same shape.
        level: Mip level in use, same shape.
    """
    pole = 0.5 * torch.exp2((level - log2_side).to(v.dtype))
    return torch.minimum(torch.maximum(v, pole), 1 - pole)


def mirrored_shares(f0s: Vector, cosine: Tensor, alpha2: Tensor) -> Vector:
    """Returns the share of the light around the mirrored direction that a surface reflects, summed over its lobe.

    Args:
        f0s: Reflectance at normal incidence, for each channel.
        cosine: Between normal and viewer.
        alpha2: GGX's alpha^2 of the surface.

    Source: Schlick 1994, evaluated at the surface's normal; Lagarde 2011, "Adopting a physically based shading model"
        (less gain at grazing angles for rough surfaces). No energy is lost to masking: a white metal is white.
    """
    smooth, away = 1 - alpha2.sqrt().sqrt(), 1 - cosine
    fifth = away * (away * away).square()
    return tuple(add_product(f0, (smooth - f0).clamp_min(0), fifth) for f0 in f0s)
