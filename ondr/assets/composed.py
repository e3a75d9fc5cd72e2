"""Random meshes: unions of primitives, each part with a colour of its own.

The parts overlap and keep their inner faces, which are never seen, since each part is closed.

Source: Tobin et al. 2018, "Domain randomization and generative models for robotic grasping", section IV-A.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ondr.assets.parts import Part, Surface
from ondr.assets.primitives import PrimitiveMesh, distractor_shapes

SMALLEST, LARGEST = 0.35, 1.0
"""Range of a part's size relative to the largest one."""
SQUEEZE = 0.4
"""Least factor on each side of a part."""


def compose(number: int, seed: int, least: int, most: int) -> list[Part]:
    """Returns one random union of primitives.

    Args:
        number: Number of the mesh, which is a function of this and the seed.
        seed: Seed of the generator.
        least: Least number of parts.
        most: Largest number of parts.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, number]))
    solids = list(distractor_shapes().values())
    corners: list[Float64[np.ndarray, "_triangle 3 3"]] = []
    parts = []
    for _ in range(int(random.integers(least, most, endpoint=True))):
        solid = solids[int(random.integers(len(solids)))]
        points = _turned_and_scaled(solid, random)
        if corners:
            points = points + _point_of(corners, random) - _point_of([points], random) * 0.5
        corners.append(points)
        color = tuple(float(c) for c in random.uniform(0.05, 0.9, size=3))
        parts.append(Part(points, solid.uvs[solid.triangles].astype(np.float64), None, Surface(color)))  # type: ignore[arg-type]
    return parts


def _turned_and_scaled(solid: PrimitiveMesh, random: np.random.Generator) -> Float64[np.ndarray, "triangle 3 3"]:
    from scipy.spatial.transform import Rotation

    sides = random.uniform(SMALLEST, LARGEST) * random.uniform(SQUEEZE, 1, size=3)
    points = solid.vertices * sides @ Rotation.random(rng=random).as_matrix().T
    return points[solid.triangles]


def _point_of(
    corners: list[Float64[np.ndarray, "_triangle 3 3"]], random: np.random.Generator
) -> Float64[np.ndarray, "3"]:
    """Returns a random corner of some parts: the next part is attached there, so that all are connected."""
    every = np.concatenate(corners).reshape(-1, 3)
    return every[int(random.integers(len(every)))]
