"""What light makes of a surface: Lambert plus GGX from point and directional lights, and ambient light.

A light of colour 1 that meets a white diffuse surface frontally at the scene's centre gives radiance 1: irradiance is
counted in units of pi, and a specular lobe, whose distribution divides by pi, loses that factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.geometry import product
from ondr.imaging.planes import Vector, add_product, dot, take
from ondr.scene import Camera, Lights, Materials

LARGEST_FALLOFF = 4.0
"""Bounds the gain near a point light: half way from its scene's centre. It would burn out whatever comes close."""
SMALLEST_ROUGHNESS = 0.1
"""A smoother surface would show a point light as a highlight much smaller than a pixel, which flickers."""
SMALLEST_COSINE = 1e-3
"""Between normal and viewer. Near a silhouette the interpolated normal of a visible surface may point away."""


@dataclass(frozen=True)
class LightTables:
    """A batch's lights and how its surfaces reflect them."""

    lights: Float[Tensor, "batch light 9"]
    """In the camera frame: position or direction (3), 1 for a point (1), squared length of the first (1), squared
    reference distance (1; 1 for a direction), linear RGB (3)."""
    ambient: Float[Tensor, "batch 3"]
    reflection: Float[Tensor, "instance 4"]
    """GGX's alpha^2, (alpha^2 - 1) / 2, Schlick's k, reflectance at normal incidence."""


def light_tables(lights: Lights, camera: Camera, materials: Materials) -> LightTables:
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
    return LightTables(lights=rows, ambient=lights.ambient, reflection=reflection.flatten(0, 1))


@dataclass(frozen=True)
class Facing:
    """How each pixel's surface lies to the viewer and how it reflects, as planes."""

    normal: Vector
    """Unit, camera frame, towards the viewer."""
    to_viewer: Vector
    """Unit, camera frame."""
    cosine: Tensor
    """Between the two."""
    distance: Tensor
    """Metres from the camera."""
    gloss: Tensor
    """All factors of the specular lobe that no light changes: alpha^2 / 4 x the viewer's share of masking."""
    slope: Tensor
    """(alpha^2 - 1) / 2."""
    k: Tensor
    """Of Schlick's masking."""
    f0: Tensor
    """Reflectance at normal incidence."""


def one_minus_share(cosine: Tensor, k: Tensor) -> Tensor:
    """Returns cosine * (1 - k) + k, the denominator of Schlick's masking."""
    return add_product(cosine, 1 - cosine, k)


def face(normal: Vector, position: Vector, reflection: Vector) -> Facing:
    """Prepares what all lights share; bends normals that point away from the viewer until they do not.

    Args:
        normal: Unit, camera frame.
        position: Camera frame, metres.
        reflection: Columns of `LightTables.reflection`.
    """
    alpha2, slope, k, f0 = reflection
    distance2 = dot(position, position).clamp_min(1e-20)
    inverse = torch.rsqrt(distance2)
    to_viewer = tuple(p * -inverse for p in position)
    raw = dot(normal, to_viewer)
    held = raw.clamp_min(SMALLEST_COSINE)
    bend, length = held - raw, torch.rsqrt(add_product(1 - raw * raw, held, held))
    bent = tuple(add_product(n, v, bend) * length for n, v in zip(normal, to_viewer, strict=True))
    cosine = held * length
    gloss = alpha2 / (4 * one_minus_share(cosine, k))
    return Facing(bent, to_viewer, cosine, distance2 * inverse, gloss, slope, k, f0)


def reflect(light: Vector, facing: Facing) -> tuple[Tensor, Tensor]:
    """Returns how much of a light a surface reflects diffusely (before its colour) and specularly.

    No direction to the light is ever formed: with the viewer at the origin and the surface at -distance * to_viewer,
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
    fresnel = add_product(facing.f0, 1 - facing.f0, grazing * (grazing * grazing).square())
    lobe = (n_l + facing.cosine).square() / half * facing.slope + 1
    irradiance = n_l * (reference * inverse * inverse).clamp_max(LARGEST_FALLOFF)
    reflected = irradiance * fresnel
    return irradiance - reflected, reflected * facing.gloss / (one_minus_share(n_l, facing.k) * lobe * lobe)


def illuminate(
    tables: LightTables, albedo: Vector, normal: Vector, position: Vector, instance: Tensor, image: Tensor
) -> Vector:
    """Returns the linear radiance that reaches the camera.

    Args:
        tables: Of the batch.
        albedo: Linear colour of the surfaces.
        normal: Unit, camera frame.
        position: Camera frame, metres.
        instance: image * S + slot, int32.
        image: Row of the batch, int32.
    """
    facing = face(normal, position, take(tables.reflection, instance))
    ambient = take(tables.ambient, image)
    # Ambient light comes from everywhere, so the specular lobe gathers it whole, whatever its width.
    total = [add_product(a, 1 - a, facing.f0) * e for a, e in zip(albedo, ambient, strict=True)]
    for row in tables.lights.unbind(1):
        light = take(row, image)
        diffuse, specular = reflect(light, facing)
        total = [
            add_product(t, add_product(specular, a, diffuse), c)
            for t, a, c in zip(total, albedo, light[6:], strict=True)
        ]
    return tuple(total)
