"""Light reflected by surfaces: Lambert plus GGX from point and directional lights, and ambient light.

A light of colour 1 that meets a white diffuse surface frontally at the scene's centre gives radiance 1: irradiance is
counted in units of pi, and a specular lobe, whose distribution divides by pi, loses that factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import product
from ondr.imaging.environment import EnvironmentTables, irradiance, mirrored, mirrored_shares, reflection_of
from ondr.planes import Image, Vector, add_product, along, dot, mix, scaled, take, take_one
from ondr.scene import Camera, Lights, Materials

LARGEST_FALLOFF = 4.0
"""Largest gain near a point light, reached halfway between it and the scene's centre. Without a bound it would burn out
whatever comes close."""
SMALLEST_ROUGHNESS = 0.1
"""On smoother surfaces the highlight of a point light would be much smaller than a pixel, and flicker."""
SMALLEST_LOBE = 1e-5
"""A tenth of the least denominator of GGX, alpha^2 at the smallest roughness. For a light behind the surface the
computed denominator can be exactly 0; the bound avoids 0 / 0."""
SMALLEST_COSINE = 1e-3
"""Least cosine between normal and viewer: near silhouettes, interpolated normals of visible surfaces point away."""


@dataclass(frozen=True)
class LightTables:
    """A batch's lights and how its surfaces reflect them."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("lights", "ambient")

    lights: Float[Tensor, "batch light 9"]
    """In the camera frame: position or direction (3), 1 for a point light, 0 for a directional one (1), squared length
    of the first three (1), squared reference distance, 1 for a directional light (1), linear RGB (3)."""
    ambient: Float[Tensor, "batch 3"]
    reflection: Float[Tensor, "instance 4"]
    """GGX's alpha^2, (alpha^2 - 1) / 2, Schlick's k, reflectance at normal incidence."""
    diffuse: Float[Tensor, "instance"] | None = None
    """`Materials.diffuse`."""
    metallic: Float[Tensor, "instance"] | None = None
    """`Materials.metallic`."""
    emission: Float[Tensor, "instance"] | None = None
    """`Materials.emission`."""
    environment: EnvironmentTables | None = None
    """Light that depends on direction; None: there is none beside `ambient`."""


def light_tables(
    lights: Lights, camera: Camera, materials: Materials, environment: EnvironmentTables | None = None
) -> LightTables:
    """Derives the tables of a batch, once per batch."""
    position, w = lights.position.split((3, 1), dim=-1)
    rotation, translation = camera.camera_from_world[:, None, :3, :3], camera.camera_from_world[:, None, :3, 3]
    seen = product(rotation, position[..., None])[..., 0] + w * translation
    squared = (seen * seen).sum(-1, keepdim=True)
    reference = torch.where(w > 0, lights.reference_distance[..., None] ** 2, 1)
    # A direction must have unit length for the falloff to be 1.
    length = torch.where(w > 0, 1, squared.clamp_min(1e-20).rsqrt())
    rows = torch.cat([seen * length, w, squared * length**2, reference, lights.color], dim=-1)
    roughness = materials.roughness.clamp(SMALLEST_ROUGHNESS, 1)
    alpha2, k = roughness**4, (roughness + 1) ** 2 / 8
    reflection = torch.stack([alpha2, (alpha2 - 1) / 2, k, materials.specular], dim=-1)
    reflection = reflection.flatten(0, 1)
    return LightTables(
        lights=rows, ambient=lights.ambient, reflection=reflection, environment=environment, **finishes(materials)
    )


def finishes(materials: Materials) -> dict[str, Tensor]:
    """Returns the fields of `LightTables` for surfaces that are not plain dielectrics."""
    drawn = {"diffuse": materials.diffuse, "metallic": materials.metallic, "emission": materials.emission}
    return {name: value.flatten() for name, value in drawn.items() if value is not None}


@dataclass(frozen=True)
class Facing:
    """Each pixel's surface relative to the viewer, and its reflection parameters, as planes."""

    normal: Vector
    """Unit, camera frame, towards the viewer."""
    to_viewer: Vector
    """Unit, camera frame."""
    cosine: Tensor
    """Between the two."""
    distance: Tensor
    """Metres from the camera."""
    gloss: Tensor
    """The factors of the specular lobe that do not depend on the light: alpha^2 / 4 x the viewer's masking."""
    slope: Tensor
    """(alpha^2 - 1) / 2."""
    k: Tensor
    """Parameter of Schlick's masking."""
    f0: Vector
    """Reflectance at normal incidence: one plane for all channels, or one for each where there may be metals."""


def one_minus_share(cosine: Tensor, k: Tensor) -> Tensor:
    """Returns cosine * (1 - k) + k, the denominator of Schlick's masking."""
    return add_product(cosine, 1 - cosine, k)


def face(normal: Vector, position: Vector, reflection: Vector) -> Facing:
    """Prepares what all lights share; normals that point away from the viewer are bent towards it.

    Args:
        normal: Unit, camera frame.
        position: Camera frame, metres.
        reflection: Columns of `LightTables.reflection`; for metals the last for each channel.
    """
    alpha2, slope, k, *f0 = reflection
    distance2 = dot(position, position).clamp_min(1e-20)
    inverse = torch.rsqrt(distance2)
    to_viewer = tuple(p * -inverse for p in position)
    raw = dot(normal, to_viewer)
    held = raw.clamp_min(SMALLEST_COSINE)
    bend, length = held - raw, torch.rsqrt(add_product(1 - raw * raw, held, held))
    bent = tuple(add_product(n, v, bend) * length for n, v in zip(normal, to_viewer, strict=True))
    cosine = held * length
    gloss = alpha2 / (4 * one_minus_share(cosine, k))
    return Facing(bent, to_viewer, cosine, distance2 * inverse, gloss, slope, k, tuple(f0))


def reflect(light: Vector, facing: Facing) -> tuple[Vector, Vector]:
    """Returns how much of a light a surface reflects diffusely (before its colour) and specularly: like `Facing.f0`,
    one plane for all channels or one for each.

    The direction to the light is never formed: with the viewer at the origin and the surface at -distance * to_viewer,
    all cosines follow from the light's scalar products with `normal` and `to_viewer`.

    Args:
        light: Columns of `LightTables.lights` for one light.
        facing: The surface.

    Source: Walter et al. 2007, "Microfacet models for refraction", eq. 33 (GGX); Schlick 1994 (Fresnel); Karis 2013,
        "Real shading in Unreal Engine 4", eq. 4 (Smith visibility with k = (roughness + 1)^2 / 8).
    """
    position, point, squared, reference = light[:3], light[3], light[4], light[5]
    reach, along_view = point * facing.distance, dot(position, facing.to_viewer)
    distance2 = add_product(squared, reach, torch.add(reach, along_view, alpha=2)).clamp_min(1e-12)
    inverse = torch.rsqrt(distance2)
    n_l = (add_product(dot(position, facing.normal), reach, facing.cosine) * inverse).clamp(0, 1)
    # Half of |l + v|^2: the half vector's cosines with the normal and with the light follow from it.
    half = ((along_view + reach) * inverse + 1).clamp_min(1e-4)
    grazing = 1 - (half * 0.5).sqrt()
    fifth = grazing * (grazing * grazing).square()
    lobe = ((n_l + facing.cosine).square() / half * facing.slope + 1).clamp_min(SMALLEST_LOBE)
    irradiance = n_l * (reference * inverse * inverse).clamp_max(LARGEST_FALLOFF)
    masked = one_minus_share(n_l, facing.k) * lobe * lobe
    reflected = tuple(irradiance * add_product(f0, 1 - f0, fifth) for f0 in facing.f0)
    return tuple(irradiance - r for r in reflected), tuple(r * facing.gloss / masked for r in reflected)


def finish(tables: LightTables, albedo: Vector, instance: Tensor) -> tuple[Vector, Vector]:
    """Returns the diffuse colour and the columns of `LightTables.reflection`; if there may be metals, the last column
    comes three times, once for each channel.

    Args:
        tables: The batch's.
        albedo: Linear colour of the surfaces.
        instance: image * S + slot, int32.

    Source: Karis 2013, "Real shading in Unreal Engine 4", the metallic parameter.
    """
    *shape, f0 = take(tables.reflection, instance)
    color, f0s = albedo, [f0]
    if tables.metallic is not None:
        metallic = take_one(tables.metallic, instance)
        color, f0s = scaled(albedo, 1 - metallic), [mix(f0, a, metallic) for a in albedo]
    if tables.diffuse is not None:
        color = scaled(color, take_one(tables.diffuse, instance))
    return color, (*shape, *f0s)


def channels(planes: Vector) -> Vector:
    """Returns three planes, repeating a single one that stands for all channels."""
    return planes * 3 if len(planes) == 1 else planes


def from_environment(tables: EnvironmentTables, color: Vector, facing: Facing, image: Image) -> Vector:
    """Returns the reflected light of the environment.

    Args:
        tables: The batch's.
        color: Linear, diffuse.
        facing: The surface.
        image: Row of the batch, int32; None: there is one image.
    """
    total: Vector = (torch.zeros_like(facing.cosine),) * 3
    if tables.hemisphere is not None:
        total = from_hemisphere(tables.hemisphere, color, facing, image)
    if tables.harmonics is None:
        return total
    harmonics, f0s = take(tables.harmonics, image), channels(facing.f0)
    shown = arriving = irradiance(harmonics, facing.normal)
    if tables.mirror is not None:
        direction, alpha2 = mirrored(facing.normal, facing.to_viewer, facing.cosine), 1 + 2 * facing.slope
        f0s = mirrored_shares(f0s, facing.cosine, alpha2)
        sharp, soft = reflection_of(tables.mirror, direction, alpha2, image), irradiance(harmonics, direction)
        # The widest lobes blend into irradiance: the few texels that they cover would show their corners and the poles.
        rough = (2 * alpha2.sqrt().sqrt() - 1).clamp(0, 1)
        shown = tuple(mix(a, b, rough) for a, b in zip(sharp, soft, strict=True))
    return tuple(
        add_product(add_product(t, a * (1 - f0), e), f0, m)
        for t, a, f0, e, m in zip(total, color, f0s, arriving, shown, strict=True)
    )


def from_hemisphere(table: Tensor, color: Vector, facing: Facing, image: Image) -> Vector:
    """Returns the reflected light of `Lights.upward`, which is linear in the direction; the specular lobe gathers it
    about the mirrored direction.

    Args:
        table: `EnvironmentTables.hemisphere`.
        color: Linear, diffuse.
        facing: The surface.
        image: Row of the batch, int32; None: there is one image.
    """
    *up, red, green, blue = take(table, image)
    faces_up = dot(facing.normal, tuple(up))
    mirrors_up = 2 * facing.cosine * faces_up - dot(facing.to_viewer, tuple(up))
    return tuple(
        add_product(a * (1 - f0) * faces_up, f0, mirrors_up) * light
        for a, f0, light in zip(color, channels(facing.f0), (red, green, blue), strict=True)
    )


def illuminate(
    tables: LightTables,
    albedo: Vector,
    normal: Vector,
    position: Vector,
    instance: Tensor,
    image: Image,
    lit: Tensor | None = None,
) -> Vector:
    """Returns the linear radiance that reaches the camera.

    Args:
        tables: The batch's.
        albedo: Linear colour of the surfaces.
        normal: Unit, camera frame.
        position: Camera frame, metres.
        instance: image * S + slot, int32.
        image: Row of the batch, int32; None: there is one image.
        lit: Share of the first light that reaches the surface through shadows; None: all of it.
    """
    color, reflection = finish(tables, albedo, instance)
    facing = face(normal, position, reflection)
    ambient = take(tables.ambient, image)
    # Ambient light is the same from all directions, so the lobe's width does not matter.
    f0s = channels(facing.f0)
    total = [add_product(a, 1 - a, f0) * e for a, f0, e in zip(color, f0s, ambient, strict=True)]
    if tables.environment is not None:
        more = from_environment(tables.environment, color, facing, image)
        total = [t + m for t, m in zip(total, more, strict=True)]
    for number, row in enumerate(tables.lights.unbind(1)):
        light = take(row, image)
        if number == 0 and lit is not None:
            light = *light[:6], *scaled(light[6:], lit)
        diffuse, specular = (channels(part) for part in reflect(light, facing))
        total = [
            add_product(t, add_product(s, a, d), c)
            for t, a, d, s, c in zip(total, color, diffuse, specular, light[6:], strict=True)
        ]
    if tables.emission is None:
        return tuple(total)
    return along(tuple(total), albedo, take_one(tables.emission, instance))
