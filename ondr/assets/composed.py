"""Meshes made at random: unions of primitives, each part with a colour of its own.

The parts overlap and keep their inner faces: each is closed, so no inner face is ever seen.

Source: Tobin et al. 2018, "Domain randomization and generative models for robotic grasping", section IV-A.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ondr.assets.parts import Part, Surface
from ondr.assets.primitives import PrimitiveMesh, distractor_shapes

SMALLEST, LARGEST = 0.35, 1.0
"""Longest side of a part, in those of the largest possible one."""
SQUEEZE = 0.4
"""The least factor on a part's sides; the others keep theirs."""


def compose(number: int, seed: int, least: int, most: int) -> list[Part]:
    """Returns one random union of primitives.

    Args:
        number: Which one; each is a function of this and the seed.
        seed: Of the generator.
        least: The smallest number of parts.
        most: The largest number of parts.
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
    """Returns a corner of what is there so far: the next part begins on its surface, so that all hang together."""
    every = np.concatenate(corners).reshape(-1, 3)
    return every[int(random.integers(len(every)))]
