"""The look of surfaces: the file's own, a foreign texture, a plain colour or a pattern; and their finish."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.color import linear_from_srgb
from ondr.draws import Draws, vector
from ondr.sampling.active import Active
from ondr.scene import Materials, Poses
from ondr.settings.material import PATTERNS, SOURCES

OWN, TEXTURE = SOURCES.index("own"), SOURCES.index("texture")
BEFORE_PATTERNS = SOURCES.index(PATTERNS[0]) - 1
"""Source minus this is the number of the pattern, from 1; not positive: no pattern."""
GRADIENT, WOOD, MARBLE = (PATTERNS.index(name) + 1 for name in ("gradient", "wood", "marble"))
NOISY = ("noise", "wood", "marble")
"""Patterns that contain noise."""
RINGS = 3.0
"""Rings of wood per repeat."""
FIBRES = (0.12, 0.6, 0.6)
"""Noise cells per period of wood, along the grain and across it: fibres are five times as long as wide."""
CRACKS = 0.6
"""Noise cells per period of marble: coarse, so that veins run through the solid instead of closing to rings."""
OFFSET_PERIODS = (61.0, 97.0, 113.0)
"""Periods that an offset of 1 moves a pattern along each axis. Without common factors, so that offsets from 0 to 1
reach all combinations of phases, and so many that no two pieces look alike."""
PITH = 4.0
"""Width, in periods, of the region around the mesh's centre that holds the pith of wood: near enough to show rings."""
PART_WORDS = 65535.0
"""Number of ways to colour the parts of a mesh, minus one."""
THINNEST = 1e-6
"""Least extent of a mesh along a gradient, as a share of its longest side: a flat mesh has none across."""
OFFSET = ("texture_offset.u", "texture_offset.v")
OWN_SHIFT = ("own_hue_degrees", "own_saturation", "own_value")

Every = Callable[[str], Tensor]
"""`every(name)` returns a quantity of `material` for all slots, `[B, S]`."""


def color_of(draws: Draws, name: str) -> Tensor:
    """Returns a drawn sRGB colour as linear RGB, `[B, 3]` or `[B, slot, 3]`."""
    srgb = vector(draws, name, "rgb")
    # In float32, powers of vectorised and of single elements differ in the last bit, so an image would depend on its
    # place in the batch.
    return linear_from_srgb(srgb.double()).to(srgb)


def sample_materials(
    draws: Draws, assets: Assets, groups: Mapping[str, slice], active: Active, poses: Poses
) -> Materials:
    """Returns the surfaces of all slots.

    Args:
        draws: Everything drawn.
        assets: Rows of foreign textures, and the extents of meshes.
        groups: `cfg.groups`.
        active: Which quantities may differ from neutral.
        poses: Meshes and their scales: the size of a pattern is relative to the longest side.
    """
    # Every look-up per group and quantity takes time: groups without slots are left out.
    filled = [group for group, slots in groups.items() if slots.stop > slots.start] or list(groups)

    def every(name: str) -> Tensor:
        return torch.cat([draws[f"{group}.material.{name}"] for group in filled], dim=1)

    def colors(name: str) -> Tensor:
        return torch.cat([color_of(draws, f"{group}.material.{name}") for group in filled], dim=1)

    def stacked(*names: str) -> Tensor:
        return torch.stack([every(name) for name in names], dim=-1)

    def on(*names: str) -> bool:
        return active.any(f"{group}.material.{name}" for name in names for group in filled)

    def may_be(*options: str) -> bool:
        return any(active.may_be(f"{group}.material.source", option) for group in filled for option in options)

    source = every("source")
    textured = source == TEXTURE
    row = every("texture").to(torch.int32) + assets.foreign_textures.start
    patterns: dict[str, Tensor | None] = {}
    if may_be(*PATTERNS):
        patterns = _patterns(every, source, poses, assets.bank.extent, may_be(*NOISY)) | {"color2": colors("color2")}
    if may_be("parts"):
        patterns["part_word"] = (every("pattern_offset") * PART_WORDS).to(torch.int32)
    return Materials(
        own=source == OWN,
        texture=torch.where(textured, row, 0),
        color=torch.where(textured[..., None], every("tint")[..., None], colors("color")),
        texture_scale=every("texture_scale"),
        roughness=every("roughness"),
        specular=every("specular"),
        texture_radians=_if(on("texture_rotation_degrees"), lambda: every("texture_rotation_degrees").deg2rad()),
        texture_offset=_if(on(*OFFSET), lambda: stacked(*OFFSET)),
        own_shift=_if(on(*OWN_SHIFT), lambda: stacked(*OWN_SHIFT)),
        diffuse=_if(on("diffuse"), lambda: every("diffuse")),
        metallic=_if(on("metallic"), lambda: every("metallic")),
        emission=_if(on("emission"), lambda: every("emission")),
        **patterns,
    )


def _if(condition: bool, value: Callable[[], Tensor]) -> Tensor | None:
    return value() if condition else None


def _patterns(
    every: Every, source: Tensor, poses: Poses, extent: Float[Tensor, "mesh 3"], noisy: bool
) -> dict[str, Tensor | None]:
    """Returns the fields of `Materials` that describe patterns, except their colours.

    Args:
        every: The draws.
        source: Index into `SOURCES`, for each slot.
        poses: Meshes and their scales.
        extent: `Bank.extent`.
        noisy: Whether any pattern may contain noise.
    """
    pattern = (source - BEFORE_PATTERNS).clamp_min(0).to(torch.int32)
    sides = extent[poses.mesh.clamp_min(0)] * poses.scale
    longest = sides.amax(-1)
    turn = _turn(every("pattern_turn_degrees").deg2rad(), every("pattern_tilt_degrees").deg2rad())
    # A gradient spans the box around the mesh once along its direction, from -1/2 to 1/2.
    gradient, wood = pattern == GRADIENT, pattern == WOOD
    reach = torch.maximum((turn[..., 0, :].abs() * sides).sum(-1), longest * THINNEST)
    repeats = every("pattern_scale") * torch.where(wood, RINGS, 1.0)
    per_metre = torch.where(gradient, 1 / reach, repeats / longest)
    from_metres = turn * per_metre[..., None, None]
    offset = torch.where(gradient[..., None], 0, _offset(every("pattern_offset"), wood))
    plain = torch.where(pattern == MARBLE, CRACKS, 1.0)
    stretch = [torch.where(wood, cells, plain) for cells in FIBRES]
    return {
        "pattern": pattern,
        "pattern_from_object": torch.cat([from_metres * poses.scale[..., None, :], offset[..., None]], dim=-1),
        "noise_stretch": torch.stack(stretch, dim=-1) if noisy else None,
    }


def _turn(turn: Tensor, tilt: Tensor) -> Float[Tensor, "batch slot 3 3"]:
    """Returns rotations whose first row, the pattern's direction, has azimuth `turn` and elevation `tilt` (radians)."""
    (c, s), (d, t) = (turn.cos(), turn.sin()), (tilt.cos(), tilt.sin())
    rows = [d * c, d * s, t, -s, c, torch.zeros_like(c), -t * c, -t * s, d]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def _offset(share: Tensor, wood: Tensor) -> Float[Tensor, "batch slot 3"]:
    """Returns the offsets of patterns, in periods.

    Args:
        share: `pattern_offset`, 0..1.
        wood: Which patterns are wood.
    """
    along, *across = (share * periods for periods in OFFSET_PERIODS)
    near = [torch.where(wood, PITH * (torch.remainder(a, 1) - 0.5), a) for a in across]
    return torch.stack([along, *near], dim=-1)
