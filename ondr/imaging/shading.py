"""Linear light that reaches the camera from the surface each pixel sees, on planes of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ondr.assets.bank import Bank
from ondr.geometry import invert
from ondr.imaging.appearance import AppearanceTables, albedo_at, appearance_tables
from ondr.imaging.environment import environment_tables
from ondr.imaging.lighting import LightTables, illuminate, light_tables
from ondr.imaging.shadows import ShadowTables, lit_share
from ondr.planes import Image, Vector
from ondr.scene import Instances, Scene
from ondr.surface import SurfaceTables, facets_at, meet, normals_at, surface_tables


@dataclass(frozen=True)
class ShadingTables:
    """Inputs of a batch's colours: tensors only, so that one compiled function serves every batch."""

    PER_IMAGE: ClassVar[tuple[str, ...]] = ("inverse_intrinsics", "distortion")

    surface: SurfaceTables
    appearance: AppearanceTables
    light: LightTables
    inverse_intrinsics: Float[Tensor, "batch 3 3"]
    shadow: ShadowTables | None = None
    """None: no image has shadows."""
    distortion: Float[Tensor, "batch 5"] | None = None
    """`Camera.distortion`."""


def shading_tables(bank: Bank, scene: Scene, instances: Instances, shadow: ShadowTables | None = None) -> ShadingTables:
    """Derives the tables of a batch from its scene, once per batch."""
    inverse_intrinsics = invert(scene.camera.intrinsics)
    return ShadingTables(
        surface=surface_tables(bank, instances, inverse_intrinsics),
        appearance=appearance_tables(bank, scene.materials),
        light=light_tables(scene.lights, scene.camera, scene.materials, environment_tables(bank, scene)),
        inverse_intrinsics=inverse_intrinsics,
        shadow=shadow,
        distortion=scene.camera.distortion,
    )


def shade(
    tables: ShadingTables,
    triangle: Tensor,
    instance: Tensor,
    image: Image,
    x: Tensor,
    y: Tensor,
    *,
    trilinear: bool = False,
) -> Vector:
    """Shades the surfaces that pixels see.

    Args:
        tables: The batch's.
        triangle: Rows of the bank's triangles, int32, any shape; none negative.
        instance: image * S + slot, int32, same shape.
        image: Row of the batch, int32, same shape; None: there is one image.
        x: Rays (x, y, 1) in the camera frame, same shape.
        y: Likewise.
        trilinear: Blend two mip levels rather than take the nearest.

    Returns:
        Three planes of linear RGB, not bounded above.
    """
    met = meet(tables.surface, triangle, instance, x, y)
    corners, frame, hit = met.corners, met.frame, met.hit
    albedo = albedo_at(tables.appearance, corners, hit, instance, trilinear)
    normal = normals_at(corners, hit, frame)
    position = (hit.depth * x, hit.depth * y, hit.depth)
    lit = None
    if tables.shadow is not None:
        lit = lit_share(tables.shadow, facets_at(corners, frame, position), position, image)
    return illuminate(tables.light, albedo, normal, position, instance, image, lit)
