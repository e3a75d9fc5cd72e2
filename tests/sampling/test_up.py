"""Which axis of a file points up: meshes that lie on their side in the file stand in the world, and poses say so.

What formats say of it is in test_up_in_files.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.geometry import RAISED, raised
from tests.sampling.measured import ROUNDING, corners, furnished, sampled
from tests.worlds import bank_from_meshes

AXES = {
    "x": (1.0, 0.0, 0.0),
    "-x": (-1.0, 0.0, 0.0),
    "y": (0.0, 1.0, 0.0),
    "-y": (0.0, -1.0, 0.0),
    "z": (0.0, 0.0, 1.0),
    "-z": (0.0, 0.0, -1.0),
}
MANY = ("objects.count=2", "context.count=2", "occluders.count=2", "clutter.count=4")


def cones(up: tuple[float, float, float] | None = None) -> Assets:
    """Returns assets whose every mesh is a cone along z, or along another axis of its file."""
    cone = trimesh.creation.cone(radius=0.3, height=1)
    if up is not None:
        cone.apply_transform(trimesh.geometry.align_vectors((0, 0, 1), up))
    known = furnished()
    bank = bank_from_meshes([cone] * len(known.bank.extent))
    return replace(known, bank=replace(bank, textures=known.bank.textures))


def tips(poses_rotation: Tensor, up: str) -> Tensor:
    return poses_rotation @ torch.tensor(AXES[up])


@pytest.mark.parametrize("up", AXES)
@pytest.mark.parametrize("law", ["yaw", "upright"])
def test_the_axis_points_up_in_the_world(up: str, law: str) -> None:
    groups = ("objects", "context", "occluders", "clutter")
    laws = [f"{group}.rotation={law}" for group in groups] + [f"{group}.up={up}" for group in groups]
    cfg, scene = sampled(furnished(), "layout=clutter", *MANY, *laws, number=8)
    rotation = torch.cat([scene.poses.rotation[:, cfg.groups[group]] for group in groups], dim=1)
    torch.testing.assert_close(tips(rotation, up), torch.tensor(AXES["z"]).expand(8, 10, 3), rtol=0, atol=ROUNDING)
    assert (torch.linalg.det(rotation) > 0.999).all(), "nothing is mirrored"


@pytest.mark.parametrize("up", AXES)
@pytest.mark.parametrize("layout", ["tabletop", "hemisphere", "structured"])
def test_cones_stand_on_their_base(up: str, layout: str) -> None:
    """Of a cone that stands, one corner is at the top and all others are on the ground."""
    assets = cones(AXES[up])
    cfg, scene = sampled(assets, f"layout={layout}", f"objects.up={up}", "objects.count=2", number=8)
    seen = scene.poses.mesh[:, cfg.groups["objects"]] >= 0
    height = corners(scene, assets, cfg.groups["objects"])[..., 2][seen]
    longest = assets.bank.extent[0].max() * scene.poses.scale[:, cfg.groups["objects"], 0][seen]
    above = height - height.amin(dim=1, keepdim=True)
    torch.testing.assert_close(above.amax(dim=1), longest, rtol=0, atol=ROUNDING)
    # The hull is padded with its first point: either all copies are the tip's, or all are of the base.
    low, high = above < ROUNDING, (above - longest[:, None]).abs() < ROUNDING
    assert (low | high).all()
    assert low.sum() > high.sum()


def test_leaning_is_away_from_the_world_s_vertical() -> None:
    lean = ("layout=tabletop", "objects.up=-y", "objects.tilt_degrees=30", "objects.count=1")
    cfg, scene = sampled(furnished(), *lean, number=8)
    cosine = tips(scene.poses.rotation[:, cfg.groups["objects"]], "-y")[..., 2]
    torch.testing.assert_close(torch.rad2deg(torch.acos(cosine)), torch.full_like(cosine, 30), rtol=0, atol=0.01)


@pytest.mark.parametrize("up", RAISED)
def test_a_turn_is_the_shortest_one(up: str) -> None:
    """Against scipy's alignment of two vectors, which for opposite ones may turn about any axis."""
    ours = raised(torch.eye(3).expand(1, 1, 3, 3), up)[0, 0].numpy()
    angle = Rotation.from_matrix(ours).magnitude()
    assert angle == pytest.approx(Rotation.align_vectors([AXES["z"]], [AXES[up]])[0].magnitude(), abs=1e-6)


def test_resting_poses_are_found_in_the_file_s_own_axes() -> None:
    """They come from the hull, which knows no up: the setting changes nothing."""
    assets = furnished()
    quarter = torch.tensor(Rotation.from_euler("x", 90, degrees=True).as_matrix(), dtype=torch.float32)
    rows = len(assets.bank.extent)
    bank = replace(assets.bank, resting=quarter.expand(rows, 1, 3, 3), resting_share=torch.ones(rows, 1))
    assets = replace(assets, bank=bank)
    one, two = (
        sampled(assets, "layout=tabletop", "objects.rotation=resting", f"objects.up={up}", number=8)[1].poses.rotation
        for up in ("z", "y")
    )
    assert torch.equal(one, two)


def test_the_rest_of_a_scene_does_not_depend_on_it() -> None:
    (_, plain), (_, other) = (sampled(furnished(), f"objects.up={up}", number=8) for up in ("z", "y"))
    assert torch.equal(plain.draws.packed, other.draws.packed)
    assert torch.equal(plain.camera.camera_from_world, other.camera.camera_from_world)
