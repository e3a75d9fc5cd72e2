"""Sizes, rotations and, by the layout, positions of everything that has a mesh."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from ondr.assets.bank import Assets, Bank
from ondr.config import Config
from ondr.draws import Draws
from ondr.errors import say_once
from ondr.geometry import product, raised, rotation_about, rotation_from_quaternion
from ondr.laws import Law, Resting, middle
from ondr.raster.limits import NEAR_METRES
from ondr.sampling.active import Active
from ondr.sampling.camera import to_camera
from ondr.sampling.layouts import Placement, Things, arrange
from ondr.sampling.layouts.free_places import say_left_out
from ondr.sampling.layouts.ground import STANDING
from ondr.scene import Camera, Poses
from ondr.settings.section import Up

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
IN_UNITS = ("distractors", "context")
"""Groups whose sizes are drawn in units of the objects' median size."""
TURNED = ("objects", "distractors", "context", "occluders", "clutter")
"""Groups with a law of rotation, in the order of their slots."""
FROM_FILES = ("objects", "context", "occluders", "clutter")
"""Those of them whose meshes come from files, with an axis that points up."""
DERIVED_GROUPS = ("objects", "distractors")
"""Groups whose distance, and whose screen size unless it is drawn, are added to the draws."""


class Sizes:
    """Sizes of the meshes, and the objects' median size, the unit of many lengths."""

    def __init__(self, cfg: Config, assets: Assets) -> None:
        """Measures the meshes once."""
        self.longest: Float[Tensor, "mesh"] = assets.bank.extent.amax(dim=1)
        """Longest side of each mesh of the bank, file units."""
        self.unit = cfg.objects.unit
        law = cfg.objects.size
        self.from_file = not isinstance(law, Law)
        files = self.in_metres(self.longest[: len(assets.mesh_files)])
        self.median_metres = middle(law) if isinstance(law, Law) else float(files.median())
        _say_tiny(law.support[0] if isinstance(law, Law) else float(files.min()))

    def in_metres(self, longest: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Converts longest sides from file units to metres, as `objects.unit` says."""
        return torch.ones_like(longest) if self.unit == "unit" else longest * METRES[self.unit]

    def sample(
        self, draws: Draws, longest: Float[Tensor, "batch slot"], groups: dict[str, slice]
    ) -> Float[Tensor, "batch slot"]:
        """Returns the longest side of each thing in metres; 1 where the layout or the surfaces decide.

        Args:
            draws: Everything drawn.
            longest: Longest side of each slot's mesh in file units.
            groups: `cfg.groups`.
        """
        mine = longest[:, groups["objects"]]
        objects = self.in_metres(mine) if self.from_file else draws["objects.size"]
        drawn = [draws[f"{group}.size"] * self.median_metres for group in IN_UNITS]
        rest = torch.ones_like(longest[:, groups[IN_UNITS[-1]].stop :])
        return torch.cat([objects, *drawn, rest], dim=1)


def _say_tiny(smallest_metres: float) -> None:
    """Says that objects may be missing from images, as those of a wrong unit are, without which nothing would."""
    if smallest_metres < NEAR_METRES:
        say_once(
            f"the smallest object is {smallest_metres:.2g} m large, and nothing nearer to the camera than "
            f"{NEAR_METRES:g} m is drawn: images may lack it. Set objects.unit to the files' unit, or objects.size."
        )


def derived_names(cfg: Config) -> frozenset[str]:
    """Returns the names of the draws that follow from others."""
    follow = [f"{group}.distance" for group in DERIVED_GROUPS] + [f"{group}.placed" for group in STANDING]
    follow += [f"{group}.screen_size" for group in DERIVED_GROUPS if f"{group}.screen_size" not in cfg.quantities()]
    return frozenset(follow) | ({"objects.size"} if not isinstance(cfg.objects.size, Law) else set())


def sample_poses(
    draws: Draws, mesh: Int32[Tensor, "batch slot"], cfg: Config, assets: Assets, sizes: Sizes, active: Active
) -> tuple[Poses, Camera, Float[Tensor, "batch slot"], Draws]:
    """Returns poses, cameras, longest sides in metres, and the draws with the derived ones added.

    Args:
        draws: Everything drawn.
        mesh: Row of the bank's meshes, -1 for an empty slot, on the draws' device.
        cfg: The settings.
        assets: The meshes.
        sizes: Their sizes.
        active: Which quantities may differ from neutral.
    """
    longest = sizes.longest[mesh.clamp_min(0)]
    size = sizes.sample(draws, longest, cfg.groups)
    scale = stretched((size / longest)[..., None].expand(*size.shape, 3), draws, active)
    rotation = rotations(draws, mesh, cfg, assets.bank, active)
    things = Things(draws, active, cfg, mesh, size, scale, rotation, assets.bank.support, sizes.median_metres)
    placement = arrange(things)
    present = things.present & placement.placed
    standing = slice(0, cfg.groups["context"].stop)
    if present.device.type == "cpu":
        say_left_out(things.present[:, standing], present[:, standing])
    poses = Poses(
        mesh=torch.where(present, mesh, -1),
        rotation=placement.rotation,
        scale=scale * placement.enlarged,
        translation=placement.position,
    )
    size = size * placement.enlarged.amax(dim=-1)
    return poses, placement.camera, size, draws.extended(derive(placement, size, present, cfg), derived=True)


def stretched(scale: Float[Tensor, "batch slot 3"], draws: Draws, active: Active) -> Float[Tensor, "batch slot 3"]:
    """Returns the scales, with those of objects multiplied by their stretch."""
    names = [f"objects.stretch.{axis}" for axis in "xyz"]
    if not active.any(names):
        return scale
    factors = torch.stack([draws[name] for name in names], dim=-1)
    return torch.cat([scale[:, : factors.shape[1]] * factors, scale[:, factors.shape[1] :]], dim=1)


def rotations(
    draws: Draws, mesh: Int32[Tensor, "batch slot"], cfg: Config, bank: Bank, active: Active
) -> Float[Tensor, "batch slot 3 3"]:
    """Returns world_from_object of every slot; the identity for floor, table and room.

    Things from files are first brought upright, or to rest; then objects are tilted; then all are turned by their law.
    """
    groups = [group for group in TURNED if f"{group}.rotation" in draws]
    drawn = {group: rotation_from_quaternion(draws[f"{group}.rotation"]) for group in groups}
    if "objects.tilt_degrees" in active:
        drawn["objects"] = product(drawn["objects"], leaning(draws))
    for group in (name for name in FROM_FILES if name in drawn):
        if group == "objects" and isinstance(cfg.objects.rotation, Resting):
            at_rest = rests(bank, mesh[:, cfg.groups[group]], draws["objects.resting_pose"])
            drawn[group] = product(drawn[group], at_rest)
        else:
            drawn[group] = stood(drawn[group], bank, mesh[:, cfg.groups[group]], getattr(cfg, group).up)
    turned = torch.cat(list(drawn.values()), dim=1)
    level = torch.eye(3, device=turned.device).expand(len(turned), cfg.groups["room"].stop - turned.shape[1], 3, 3)
    return torch.cat([turned, level], dim=1)


def stood(
    rotation: Float[Tensor, "batch some 3 3"], bank: Bank, mesh: Int32[Tensor, "batch some"], up: Up
) -> Float[Tensor, "batch some 3 3"]:
    """Returns rotations that first bring up what is to be up in each mesh.

    Args:
        rotation: Of meshes that stand upright.
        bank: Says what their formats say.
        mesh: Its rows; -1 for none.
        up: An axis of all of them, or auto.
    """
    if up != "auto":
        return raised(rotation, up)
    return rotation if bank.upright is None else product(rotation, bank.upright[mesh.clamp_min(0).long()])


def leaning(draws: Draws) -> Float[Tensor, "batch object 3 3"]:
    """Returns the tilts of objects: rotations about horizontal axes."""
    direction = draws["objects.tilt_direction_degrees"]
    forth, back = rotation_about("z", direction), rotation_about("z", -direction)
    return product(forth, product(rotation_about("x", draws["objects.tilt_degrees"]), back))


def rests(
    bank: Bank, mesh: Int32[Tensor, "batch object"], pose: Float[Tensor, "batch object"]
) -> Float[Tensor, "batch object 3 3"]:
    """Returns rotations into resting poses.

    Args:
        bank: One with resting poses.
        mesh: Rows of its meshes; -1 for none.
        pose: 0..1, looked up in the cumulative shares of a mesh's resting poses.
    """
    if bank.resting is None or bank.resting_share is None:
        raise ValueError("bank must have resting poses, got one without. Load it with a config that asks for them.")
    row = mesh.clamp_min(0).long()
    index = (pose[..., None] > bank.resting_share[row]).sum(-1).clamp_max(bank.resting_share.shape[1] - 1)
    return bank.resting[row, index]


def derive(
    placement: Placement, size: Float[Tensor, "batch slot"], present: Bool[Tensor, "batch slot"], cfg: Config
) -> dict[str, Tensor]:
    """Returns the derived draws: distances in metres along the optical axis, screen sizes as shares of the image's
    shorter side, sizes in metres, and whether a thing was placed.

    Args:
        placement: The placement of all things.
        size: Longest sides, metres.
        present: False for empty slots and for things that found no free place.
        cfg: `image_size` and the layout are read.
    """
    depth = to_camera(placement.camera, placement.position)[..., 2]
    focal = placement.camera.intrinsics[:, None, 0, 0].abs() / min(cfg.image_size)
    values = {
        "distance": depth,
        "screen_size": size * focal / depth.clamp_min(1e-6),
        "size": size,
        "placed": present.to(size.dtype),
    }
    parts = (name.split(".") for name in sorted(derived_names(cfg)))
    return {f"{group}.{what}": values[what][:, cfg.groups[group]] for group, what in parts}
