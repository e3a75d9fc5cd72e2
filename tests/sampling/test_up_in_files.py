"""Which way is up by default: y in glTF files, whose format says so, z in all others, mesh by mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

import ondr
from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.scene import Scene
from ondr.stats import upright_meshes
from tests.sampling.measured import ROUNDING, corners, sampled

Z, Y = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)
UP = {".obj": Z, ".ply": Z, ".stl": Z, ".off": Z, ".glb": Y, ".gltf": Y}
QUIET = ("assets.progress=false", "assets.cache=false", "materials.textures=null", "distractors.count=0")
GROUPS = ("objects", "context", "occluders", "clutter")


def write_cone(path: Path, up: tuple[float, float, float] | None = None) -> Path:
    """Writes a cone with its tip where the format has up, or along another axis."""
    cone = trimesh.creation.cone(radius=0.3, height=1)
    cone.apply_transform(trimesh.geometry.align_vectors(Z, UP[path.suffix] if up is None else up))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gltf":
        for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene(cone)).items():
            (path if name == "model.gltf" else path.parent / name).write_bytes(data)
    else:
        cone.export(path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders of cones in every format, in one of them as variants of one subject."""
    for suffix in UP:
        write_cone(tmp_path / "one" / "cone" / f"of_{suffix[1:]}{suffix}")
        write_cone(tmp_path / "two" / "spike" / "subject" / f"of_{suffix[1:]}{suffix}")
    return [tmp_path / "one", tmp_path / "two"]


def loaded(*overrides: str) -> Assets:
    return ondr.load_assets(Config().with_overrides([*QUIET, *overrides]))


def tips(scene: Scene, assets: Assets, slots: slice) -> Tensor:
    """Returns where the tips of things that are there point in the world, from the files' names."""
    mesh = scene.poses.mesh[:, slots]
    axes = torch.tensor([UP[Path(name).suffix] for name in assets.mesh_files])
    return (scene.poses.rotation[:, slots] @ axes[mesh.clamp_min(0).long(), :, None])[mesh >= 0][..., 0]


def places(roots: list[Path]) -> str:
    return f"[{', '.join(map(str, roots))}]"


@pytest.mark.parametrize("layout", ["tabletop", "hemisphere", "structured"])
def test_every_file_stands_as_its_format_says(folders: list[Path], layout: str) -> None:
    """Of a cone that stands on its base, one corner is at the top and all others are on the ground."""
    settings = (f"layout={layout}", f"objects.meshes={places(folders)}", "objects.count=3")
    assets = loaded(*settings)
    cfg, scene = sampled(assets, *QUIET, *settings, number=32)
    seen = scene.poses.mesh[:, cfg.groups["objects"]] >= 0
    assert len(scene.poses.mesh[:, cfg.groups["objects"]][seen].unique()) == 2 * len(UP)
    height = corners(scene, assets, cfg.groups["objects"])[..., 2][seen]
    above = height - height.amin(dim=1, keepdim=True)
    low, high = above < ROUNDING, (above - 1).abs() < ROUNDING
    assert (low | high).all()
    assert low.sum() > high.sum()


def test_other_groups_stand_too(folders: list[Path]) -> None:
    """Their meshes follow those of the objects and the shapes among the bank's rows."""
    others = [group for group in GROUPS if group != "objects"]
    settings = [f"objects.meshes={folders[0]}", "layout=clutter", "objects.count=1", "clutter.count=6"]
    settings += [f"{group}.meshes={folders[1]}" for group in others] + ["context.count=3", "occluders.count=1"]
    assets = loaded(*settings)
    axes = {row: UP[Path(file).suffix] for row, file in enumerate(assets.mesh_files)}
    # In the order in which files are found, which is that of their names.
    axes |= dict(zip(assets.others["clutter"], [UP[f".{end}"] for end in sorted(s[1:] for s in UP)], strict=True))
    for law in ("yaw", "upright"):
        cfg, scene = sampled(assets, *QUIET, *settings, *(f"{group}.rotation={law}" for group in GROUPS), number=16)
        for group in GROUPS:
            mesh = scene.poses.mesh[:, cfg.groups[group]]
            up = torch.tensor([axes.get(int(row), Z) for row in mesh.flatten()]).reshape(*mesh.shape, 3, 1)
            turned = (scene.poses.rotation[:, cfg.groups[group]] @ up)[..., 0]
            assert (mesh >= 0).any()
            torch.testing.assert_close(turned, torch.tensor(Z).expand_as(turned), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("up", ["z", "y", "-x"])
def test_an_axis_that_is_named_holds_for_all_files(folders: list[Path], up: str) -> None:
    settings = (f"objects.meshes={folders[0]}", f"objects.up={up}", "objects.rotation=yaw")
    cfg, scene = sampled(loaded(*settings), *QUIET, *settings, number=16)
    axis = torch.tensor({"z": Z, "y": Y, "-x": (-1.0, 0.0, 0.0)}[up])
    turned = scene.poses.rotation[:, cfg.groups["objects"]] @ axis
    torch.testing.assert_close(turned, torch.tensor(Z).expand_as(turned), rtol=0, atol=ROUNDING)


def test_bent_meshes_stand_as_their_files_do(folders: list[Path]) -> None:
    bank, bent = (assets := loaded(f"objects.meshes={folders[0]}", "objects.bends_degrees=[0, 30]")).bank, assets.bent
    files = len(assets.mesh_files)
    for row in bent:
        assert torch.equal(bank.upright[row], bank.upright[(row - bent.start) // 2])
    assert not torch.equal(bank.upright[:files], torch.eye(3).expand(files, 3, 3))


def test_what_is_made_here_has_z_up(folders: list[Path]) -> None:
    """Shapes, composed meshes and surfaces, beside files that have not."""
    assets = loaded(f"objects.meshes={folders[0]}", "context.meshes=composed", "context.count=1", "composed.number=4")
    rows = [*assets.distractors.values(), *assets.surfaces.values(), *assets.others["context"]]
    assert assets.others["context"]
    assert torch.equal(assets.bank.upright[rows], torch.eye(3).expand(len(rows), 3, 3))


def test_nothing_is_turned_where_all_have_z_up(tmp_path: Path) -> None:
    write_cone(tmp_path / "cone" / "one.obj")
    assert loaded(f"objects.meshes={tmp_path}").bank.upright is None


@pytest.mark.parametrize("suffix", [".glb", ".GLB", ".Gltf"])
def test_endings_may_be_in_capitals(tmp_path: Path, suffix: str) -> None:
    path = write_cone(tmp_path / f"cone{suffix.lower()}")
    path.rename(path.with_suffix(suffix))
    upright = loaded(f"objects.meshes={tmp_path}").bank.upright[0]
    torch.testing.assert_close(upright @ torch.tensor(Y), torch.tensor(Z))


def test_a_scene_does_not_depend_on_the_format(tmp_path: Path) -> None:
    """Cones are where they were, whichever axis is theirs; only their own axes differ."""
    scenes = []
    for suffix in (".obj", ".glb"):
        write_cone(tmp_path / suffix[1:] / f"cone{suffix}")
        settings = (f"objects.meshes={tmp_path / suffix[1:]}", "layout=tabletop", "objects.count=3")
        assets = loaded(*settings)
        cfg, scene = sampled(assets, *QUIET, *settings, number=16)
        scenes.append((scene, tips(scene, assets, cfg.groups["objects"])))
    (one, upward), (two, also) = scenes
    assert torch.equal(one.draws.packed, two.draws.packed)
    torch.testing.assert_close(one.poses.translation, two.poses.translation, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(upward, also, rtol=0, atol=ROUNDING)


def test_poses_are_those_of_the_file_s_own_axes(tmp_path: Path) -> None:
    """The file's corners as trimesh reads them, put where the labels say, lie in the labels' boxes."""
    path = write_cone(tmp_path / "cone.glb")
    outputs = ["boxes_amodal", "labels", "camera_from_object", "scale", "intrinsics", "boxes_3d"]
    settings = [*QUIET, f"objects.meshes={tmp_path}", "layout=tabletop", "objects.count=1", "image_size=[64, 64]"]
    cfg = Config(outputs=outputs, device="cpu", render={"compile": False}).with_overrides(settings)
    targets: Targets = ondr.RandomizedScenes(cfg).render(range(8)).targets
    kept = targets.valid[:, 0]
    assert kept.any()
    file = torch.tensor(np.asarray(trimesh.load_scene(path).to_geometry().vertices), dtype=torch.float32)
    pose, scale = targets.camera_from_object[kept, 0], targets.scale[kept, 0]
    points = (file * scale[:, None]) @ pose[:, :3, :3].mT + pose[:, None, :3, 3]
    pixels = points @ targets.intrinsics[kept].mT
    pixels = pixels[..., :2] / pixels[..., 2:]
    box = torch.cat([pixels.amin(dim=1), pixels.amax(dim=1)], dim=1)
    torch.testing.assert_close(box, targets.boxes_amodal[kept, 0], rtol=0, atol=0.01)
    # Corner 010 is on the file's high side along y alone: above corner 000, so higher in a level image.
    low, high = targets.boxes_3d[kept, 0, 0, 1], targets.boxes_3d[kept, 0, 2, 1]
    assert (high < low).all()


@pytest.mark.parametrize(("suffix", "up"), [(".obj", "auto"), (".glb", "auto"), (".obj", "y"), (".glb", "z")])
def test_a_flat_mesh_comes_to_rest_as_it_stands(tmp_path: Path, suffix: str, up: str) -> None:
    """Its normal points to the file's up, and so to the world's."""
    axis = UP[suffix] if up == "auto" else {"y": Y, "z": Z}[up]
    square = trimesh.Trimesh([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    square.apply_transform(trimesh.geometry.align_vectors(Z, axis))
    square.export(tmp_path / f"square{suffix}")
    settings = (f"objects.meshes={tmp_path}", "layout=tabletop", "objects.rotation=resting", f"objects.up={up}")
    cfg, scene = sampled(loaded(*settings), *QUIET, *settings, number=4)
    normal = scene.poses.rotation[:, cfg.groups["objects"]] @ torch.tensor(axis)
    torch.testing.assert_close(normal, torch.tensor(Z).expand_as(normal), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("up", ["auto", "-x"])
def test_statistics_know_what_is_up(folders: list[Path], up: str) -> None:
    assets = loaded(f"objects.meshes={folders[0]}")
    upright = upright_meshes(assets, up)
    axes = [UP[Path(name).suffix] if up == "auto" else (-1.0, 0.0, 0.0) for name in assets.mesh_files]
    raised = (upright @ torch.tensor(axes)[..., None])[..., 0]
    torch.testing.assert_close(raised, torch.tensor(Z).expand_as(raised))
