"""How surfaces look: their own textures and colours, a foreign texture, or one plain colour."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.color import linear_from_srgb
from ondr.draws import Draws
from ondr.sampling.active import Active
from ondr.scene import Materials
from ondr.settings import SOURCES

OWN, TEXTURE = SOURCES.index("own"), SOURCES.index("texture")


def color_of(draws: Draws, name: str) -> Tensor:
    """Returns a drawn sRGB colour as linear RGB, `[B, 3]` or `[B, slot, 3]`."""
    return linear_from_srgb(torch.stack([draws[f"{name}.{c}"] for c in "rgb"], dim=-1))


def sample_materials(draws: Draws, assets: Assets, groups: Iterable[str], active: Active) -> Materials:
    """Returns the surfaces of all slots.

    Args:
        draws: Everything drawn.
        assets: Where foreign textures lie in the bank.
        groups: The groups of things, in the order of the slots.
        active: What may differ from neutral.
    """

    def every(name: str) -> Tensor:
        return torch.cat([draws[f"{group}.material.{name}"] for group in groups], dim=1)

    source = every("source")
    plain = torch.cat([color_of(draws, f"{group}.material.color") for group in groups], dim=1)
    textured = source == TEXTURE
    row = every("texture").to(torch.int32) + assets.foreign_textures.start
    return Materials(
        own=source == OWN,
        texture=torch.where(textured, row, 0),
        color=torch.where(textured[..., None], every("tint")[..., None], plain),
        texture_scale=every("texture_scale"),
        roughness=every("roughness"),
        specular=every("specular"),
    )
