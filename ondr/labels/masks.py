"""Fields with an id or a bit per pixel: instance, class, stencil number, amodal masks."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int16, Int32
from torch import Tensor

from ondr import raster
from ondr.errors import ConfigError
from ondr.labels.facts import Facts
from ondr.labels.objects import labels
from ondr.leaves import map_leaves
from ondr.lens_view import see_through_lens


def instances(facts: Facts) -> Int16[Tensor, "batch height width"]:
    """Returns `Targets.instances`."""
    return facts.instance_ids


def semantic(facts: Facts) -> Int16[Tensor, "batch height width"]:
    """Returns `Targets.semantic`."""
    return facts.of_pixels(labels(facts).to(torch.int16), elsewhere=-1)


def stencil(facts: Facts) -> Int32[Tensor, "batch height width"]:
    """Returns `Targets.stencil`.

    Raises:
        ConfigError: The assets were loaded without stencil numbers.
    """
    of_triangle = facts.assets.annotations.stencil
    if of_triangle is None:
        raise not_loaded("stencil")
    return torch.where(facts.instance_ids >= 0, of_triangle[facts.seen.triangle.clamp_min(0)], -1)


def amodal_masks(facts: Facts) -> Bool[Tensor, "batch object height width"]:
    """Returns `Targets.amodal_masks`: every object is drawn again, alone."""
    masks = [alone(facts, slot) for slot in range(facts.count)]
    shape = (len(facts.mesh), 0, *facts.size)
    stacked = torch.stack(masks, dim=1) if masks else torch.zeros(shape, dtype=torch.bool, device=facts.mesh.device)
    return stacked & facts.labelled[:, :, None, None]


def alone(facts: Facts, slot: int) -> Bool[Tensor, "batch height width"]:
    """Returns the pixels whose centres would see an object if nothing else were there.

    Args:
        facts: The batch's.
        slot: The object's, in all images.
    """
    bank, camera = facts.assets.bank, facts.scene.camera
    one = map_leaves(facts.placed, lambda field: field[:, slot : slot + 1])
    if camera.distortion is not None:
        return see_through_lens(bank, one, camera, facts.size, (), compile=facts.compile)[0].slot >= 0
    intrinsics = camera.intrinsics.detach().float()
    return raster.visible_ids(bank, one, intrinsics, facts.size, compile=facts.compile)[1] >= 0


def not_loaded(name: str) -> ConfigError:
    """Returns the error for an output whose annotations were not loaded with the meshes."""
    return ConfigError(
        f"assets must be loaded with {name!r} among cfg.outputs, got assets without. Load them with this config."
    )


FIELDS = (instances, semantic, stencil, amodal_masks)
