"""Solid textures of two colours: gradient, checker, stripes, noise, wood, marble; and a mixture for each part.

They are computed from the position in the mesh, so that they need no uv map, show no seams and take no memory. Each
fades into its mean as its period shrinks towards a pixel, so that nothing flickers.

Source: Perlin 1985, "An image synthesizer": patterns in the solid, wood and marble from noise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from ondr.imaging.gradient_noise import WORD, noise, scramble
from ondr.planes import Vector, add_product, dot, in_one_loop, mix, take, take_one
from ondr.scene import Materials
from ondr.settings.material import PATTERNS
from ondr.surface import Corners, Hit, with_changes

GRADIENT, CHECKER, STRIPES, NOISE, WOOD, MARBLE, PARTS = range(1, len(PATTERNS) + 1)

OCTAVES = 3
LACUNARITY = 2.4
"""How much finer each octave of the noise is than the one before: not an integer, so that their lattices differ."""
TURN = (0.8, 0.6)
"""Cosine and sine of the rotation between octaves, so that no lattice shows through."""
SHIFT = (17.3, 31.7, 5.1)
"""Offset between octaves in cells: gradient noise is 0 at its origin, and the octaves should not share one."""
PERSISTENCE = 0.5
"""Amplitude of an octave relative to the one before."""

VEIN_MEAN, RING_MEAN = 0.2, 0.3638
"""Means of `veins` and `rings` over a period."""
LATE = 0.86
"""Share of a year's growth after which wood falls back from dark to light."""
FINENESS = 3.0
"""How much narrower than their period veins and rings are, and how much earlier they fade."""


@dataclass(frozen=True)
class PatternTables:
    """A batch's patterns. An instance's row is image * S + slot."""

    kind: Int32[Tensor, "instance"]
    """`Materials.pattern`."""
    from_object: Float[Tensor, "instance 12"]
    """Rows of `Materials.pattern_from_object`."""
    color2: Float[Tensor, "instance 3"]
    """`Materials.color2`."""
    noise_stretch: Float[Tensor, "instance 3"] | None
    """`Materials.noise_stretch`."""
    part_word: Int32[Tensor, "instance"] | None
    """`Materials.part_word`."""


def pattern_tables(materials: Materials) -> PatternTables | None:
    """Derives the tables of a batch, once per batch; None without patterns."""
    if materials.pattern is None or materials.pattern_from_object is None or materials.color2 is None:
        return None
    stretch = materials.noise_stretch
    return PatternTables(
        kind=materials.pattern.flatten(),
        from_object=materials.pattern_from_object.flatten(0, 1).flatten(1),
        color2=materials.color2.flatten(0, 1),
        noise_stretch=None if stretch is None else stretch.flatten(0, 1),
        part_word=None if materials.part_word is None else materials.part_word.flatten(),
    )


@dataclass(frozen=True)
class Spot:
    """Position and size of each pixel in its pattern's space, as planes."""

    position: Vector
    """In periods."""
    width: Vector
    """Width of the pixel along each axis, in periods."""


def paint(tables: PatternTables, color: Vector, corners: Corners, hit: Hit, instance: Tensor) -> Vector:
    """Mixes colours with the patterns' second colours; unchanged where there is no pattern.

    Args:
        tables: The batch's.
        color: The first colours, linear.
        corners: Corners of the pixels' triangles.
        hit: Where on them.
        instance: image * S + slot, int32.
    """
    share = shares(tables, corners.positions, hit, instance)
    if tables.part_word is not None:
        of_part = part_shares(corners.material, take_one(tables.part_word, instance))
        share = torch.where(take_one(tables.kind, instance) == PARTS, of_part.to(share.dtype), share)
    return tuple(mix(a, b, share) for a, b in zip(color, take(tables.color2, instance), strict=True))


def part_shares(material: Tensor, word: Tensor) -> Tensor:
    """Returns the second colour's share in each material, 0..1, pseudorandom in material and word.

    Args:
        material: Rows of the bank's materials, int32.
        word: `Materials.part_word` at the pixels' instances.
    """
    # With one scramble less, half of all words would relate two materials in the same way.
    return scramble(scramble(scramble(material & WORD) ^ word)).to(torch.float32) / WORD


def shares(tables: PatternTables, positions: tuple[Vector, ...], hit: Hit, instance: Tensor) -> Tensor:
    """Returns the second colour's share at hits; 0 where there is no pattern. See `share_at`."""
    if in_one_loop(instance):
        return share_at(tables, positions, hit, instance)
    # Run operation by operation, only pixels with a pattern should pay for it.
    chosen = take_one(tables.kind, instance).flatten().nonzero()[:, 0]
    some = Hit(**{f.name: _some(getattr(hit, f.name), chosen) for f in fields(hit)})
    share = share_at(tables, _some(positions, chosen), some, _some(instance, chosen))
    return share.new_zeros(instance.numel()).index_copy(0, chosen, share).view(instance.shape)


def _some(planes: Any, chosen: Tensor) -> Any:
    if isinstance(planes, tuple):
        return tuple(_some(plane, chosen) for plane in planes)
    return planes.reshape(-1)[chosen]


def share_at(tables: PatternTables, positions: tuple[Vector, ...], hit: Hit, instance: Tensor) -> Tensor:
    """Returns the second colour's share at every hit, whether it has a pattern or not.

    Args:
        tables: The batch's.
        positions: Positions of the triangles' corners.
        hit: Where on the triangles.
        instance: image * S + slot, int32.
    """
    kind = take_one(tables.kind, instance)
    spot = spot_at(take(tables.from_object, instance), positions, hit)
    x, y, z = (square_wave(p, w) for p, w in zip(spot.position, spot.width, strict=True))
    share = {
        GRADIENT: (spot.position[0] + 0.5).clamp(0, 1),
        CHECKER: 0.5 - 0.5 * (x * y * z),
        STRIPES: 0.5 - 0.5 * x,
    }
    if tables.noise_stretch is not None:
        octaves = octaves_at(spot, take(tables.noise_stretch, instance))
        share |= {NOISE: cloud(octaves), WOOD: wood(spot, octaves), MARBLE: marble(spot, octaves)}
    result = torch.zeros_like(x)
    for pattern, value in share.items():
        result = torch.where(kind == pattern, value, result)
    return result


def spot_at(matrix: Vector, positions: tuple[Vector, ...], hit: Hit) -> Spot:
    """Returns the pixels' positions and sizes in pattern space.

    Args:
        matrix: Columns of `PatternTables.from_object`, taken at the pixels' instances.
        positions: Positions of the triangles' corners.
        hit: Where on the triangles.
    """
    point, right, lower = zip(*(with_changes(tuple(p[i] for p in positions), hit) for i in range(3)), strict=True)
    rows = [matrix[i : i + 3] for i in (0, 4, 8)]
    changes = ((dot(row, right), dot(row, lower)) for row in rows)
    return Spot(
        position=tuple(dot(row, point) + matrix[i] for row, i in zip(rows, (3, 7, 11), strict=True)),
        # The width of a slit that filters a wave about as the pixel, a parallelogram, does; never quite 0.
        width=tuple(add_product(a * a, b, b).clamp_min(1e-20).sqrt() for a, b in changes),
    )


def visible(width: Tensor) -> Tensor:
    """Returns the amplitude left of a wave at a pixel's width in periods: 1 up to a half, falling to 0 at 1."""
    return (2 - 2 * width).clamp(0, 1)


def square_wave(x: Tensor, width: Tensor) -> Tensor:
    """Returns 1 within a quarter of an integer and -1 elsewhere, averaged over a pixel.

    Args:
        x: In periods.
        width: The pixel's, in periods.
    """
    to_edge = (x - x.floor() - 0.5).abs() - 0.25
    return (2 * to_edge / width).clamp(-1, 1) * visible(width)


def smooth(t: Tensor) -> Tensor:
    """Returns smoothstep: 0 up to 0, 1 from 1 on, a cubic between."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


def together(octaves: Vector) -> Tensor:
    """Returns the sum of octaves, weighted by powers of `PERSISTENCE`."""
    total, *finer = octaves
    for k, octave in enumerate(finer, start=1):
        total = total + octave * PERSISTENCE**k
    return total


def cloud(octaves: Vector) -> Tensor:
    """Returns fractal noise from 0 to 1 with mean 0.5."""
    return smooth(0.5 + 0.9 * together(octaves))


def veins(phase: Tensor) -> Tensor:
    """Returns thin peaks of height 1 at every odd quarter."""
    from_vein = ((phase - phase.floor() - 0.5).abs() * 4 - 1).abs()
    return (1 - from_vein).square().square()


def marble(spot: Spot, octaves: Vector) -> Tensor:
    """Returns veins across x, bent and locally thinned by noise, on a cloudy ground."""
    phase = spot.position[0] + 0.9 * together(octaves)
    thin = faded(veins(phase), VEIN_MEAN, spot)
    return (thin * (0.6 + 0.6 * octaves[1]) + 0.25 * cloud(octaves)).clamp(0, 1)


def rings(radius: Tensor) -> Tensor:
    """Returns growth rings: within each period a slow rise from 0 to 1, then a fall back to 0."""
    year = radius - radius.floor()
    return year * year * (1 - smooth((year - LATE) / (1 - LATE))) / LATE**2


def wood(spot: Spot, octaves: Vector) -> Tensor:
    """Returns growth rings about the x axis, bent by noise, with fibres."""
    _, y, z = spot.position
    radius = add_product(y * y, z, z).clamp_min(1e-20).sqrt()
    grown = faded(rings(radius + 0.35 * octaves[0] + 0.08 * octaves[1]), RING_MEAN, spot)
    return (0.1 + 0.8 * grown + 0.18 * octaves[2]).clamp(0, 1)


def faded(value: Tensor, mean: float, spot: Spot) -> Tensor:
    """Fades a fine periodic pattern into its mean where pixels are too wide for it."""
    return mean + (value - mean) * visible(widest(spot.width) * FINENESS)


def widest(width: Vector) -> Tensor:
    """Returns the largest of three."""
    return torch.maximum(torch.maximum(width[0], width[1]), width[2])


def octaves_at(spot: Spot, stretch: Vector) -> Vector:
    """Returns octaves of noise, each with mean 0 and standard deviation 0.3, fading to 0 where pixels are too wide.

    Args:
        spot: The pixels' positions and sizes.
        stretch: Cells of the coarsest octave per period, along each axis.
    """
    cells = tuple(p * s for p, s in zip(spot.position, stretch, strict=True))
    width = widest(tuple(w * s for w, s in zip(spot.width, stretch, strict=True)))
    octaves = []
    for k in range(OCTAVES):
        octaves.append(noise(cells) * visible(width * LACUNARITY**k))
        x, y, z = cells
        turned = TURN[0] * x + TURN[1] * y, TURN[0] * y - TURN[1] * x, z
        cells = tuple(LACUNARITY * c + shift for c, shift in zip(turned, SHIFT, strict=True))
    return tuple(octaves)
