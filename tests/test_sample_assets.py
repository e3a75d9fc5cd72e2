"""The sample meshes and textures: enough of them, closed, outward, in metres, seamless, and what their scripts make."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

ROOT = Path(__file__).parent.parent
MESHES, TEXTURES = ROOT / "meshes", ROOT / "textures"
MESH_FILES = sorted(path for path in MESHES.glob("*/*") if path.suffix in (".obj", ".glb", ".ply"))
TEXTURE_FILES = sorted(path for path in TEXTURES.iterdir() if path.suffix in (".jpg", ".png"))
each_mesh = pytest.mark.parametrize("path", MESH_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
each_texture = pytest.mark.parametrize("path", TEXTURE_FILES, ids=lambda path: path.name)


def solid(path: Path) -> trimesh.Trimesh:
    """A file's surface, merged by position."""
    scene = trimesh.load_scene(path, process=False)
    loaded = scene.to_geometry()
    mesh = trimesh.Trimesh(loaded.vertices, loaded.faces, process=False)
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    return mesh


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both asset folders, made anew by their scripts."""
    folder = tmp_path_factory.mktemp("remade")
    for name in ("meshes", "textures"):
        # -B: the asset folders are packed as they are, without compiled scripts.
        subprocess.run([sys.executable, "-B", str(ROOT / name / "make.py"), str(folder / name)], check=True)
    return folder


def test_there_are_enough_classes_and_instances() -> None:
    instances = Counter(path.parent.name for path in MESH_FILES)
    assert len(instances) >= 8
    assert min(instances.values()) >= 4


def test_every_folder_beside_the_scripts_is_a_class() -> None:
    folders = {path.name for path in MESHES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {path.parent.name for path in MESH_FILES}


def test_everything_together_is_small() -> None:
    files = [path for folder in (MESHES, TEXTURES) for path in folder.rglob("*") if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 10e6


@each_mesh
def test_a_mesh_is_closed_and_outward(path: Path) -> None:
    mesh = solid(path)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert all(piece.volume > 0 for piece in mesh.split(only_watertight=True))


@each_mesh
def test_a_mesh_is_light_and_of_real_size(path: Path) -> None:
    mesh = solid(path)
    assert 300 <= len(mesh.faces) <= 4000
    # From a small bolt to a bar stool, metres.
    assert 0.02 < mesh.extents.max() < 1.1


@pytest.mark.parametrize("path", [path for path in MESH_FILES if path.suffix == ".glb"], ids=lambda path: path.name)
def test_gltf_files_have_y_up(path: Path) -> None:
    """As the format says. What is modelled there stands on the ground, at 0; planes are above it."""
    low, high = solid(path).bounds
    assert 0 <= low[1] < 0.03
    # The ground is no side of the box along the others: things stand about in the middle of it.
    assert (np.abs(low + high)[[0, 2]] < (high - low)[[0, 2]] * 0.5).all()


def test_the_meshes_wear_images_vertex_colours_and_plain_materials() -> None:
    kinds: Counter[str] = Counter()
    for path in MESH_FILES:
        for geometry in trimesh.load_scene(path, process=False).geometry.values():
            material = getattr(geometry.visual, "material", None)
            image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
            kinds["vertex colours" if material is None else "image" if image else "plain"] += 1
    assert set(kinds) == {"vertex colours", "image", "plain"}
    assert min(kinds.values()) >= 8


def test_plain_materials_are_linear_light() -> None:
    """The classic mug is #c23b2e outside: 0.5395, 0.0437, 0.0273 in linear light."""
    lines = (MESHES / "mug" / "classic.mtl").read_text().splitlines()
    red = [float(number) for number in next(line for line in lines if line.startswith("Kd")).split()[1:]]
    # Four decimals are written.
    np.testing.assert_allclose(red, [0.5395, 0.0437, 0.0273], atol=1e-4)


def test_gltf_materials_are_linear_light() -> None:
    """The tall teapot's trim is #30343a: 0.0296, 0.0343, 0.0423 in linear light."""
    scene = trimesh.load_scene(MESHES / "teapot" / "tall.glb", process=False)
    factors = [geometry.visual.material.baseColorFactor[:3] / 255 for geometry in scene.geometry.values()]
    # trimesh keeps factors in 8 bits.
    assert any(np.allclose(factor, [0.0296, 0.0343, 0.0423], atol=0.5 / 255 + 1e-4) for factor in factors)


def test_pictures_are_not_upside_down() -> None:
    """Nor mirrored, on the wine bottle's label."""
    scene = trimesh.load_scene(MESHES / "bottle" / "wine.glb", process=False)
    label = next(g for g in scene.geometry.values() if g.visual.material.baseColorTexture is not None)
    # trimesh's uv runs from the lower left corner, so the label's upper edge (larger y) has the larger v.
    assert np.corrcoef(label.vertices[:, 1], label.visual.uv[:, 1])[0, 1] > 0.99
    # Seen from outside, u grows to the right: with the angle about y.
    inside = label.visual.uv[:, 0] < 0.9
    angle = np.arctan2(-label.vertices[:, 2], label.vertices[:, 0]) % (2 * np.pi)
    assert np.corrcoef(angle[inside], label.visual.uv[inside, 0])[0, 1] > 0.99


def test_instances_of_a_class_differ_in_shape() -> None:
    sides = {path: np.sort(solid(path).extents) for path in MESH_FILES}
    for a, b in pairwise(MESH_FILES):
        if a.parent == b.parent:
            assert np.abs(sides[a] / sides[b] - 1).max() > 0.03, f"{a.name} and {b.name} are alike"


def test_there_are_enough_textures() -> None:
    assert len(TEXTURE_FILES) >= 24


@each_texture
def test_a_texture_is_a_square_power_of_two(path: Path) -> None:
    height, width, _ = pixels(path).shape
    assert height == width
    assert height in (128, 256)


@each_texture
@pytest.mark.parametrize("axis", [0, 1])
def test_a_texture_has_no_seam(path: Path, axis: int) -> None:
    """The step from the last row to the first is no larger than the steps between neighbouring rows."""
    tile = np.moveaxis(pixels(path), axis, 0)
    inside = np.abs(np.diff(tile, axis=0)).mean(axis=(1, 2))
    seam = np.abs(tile[0] - tile[-1]).mean()
    # JPEG adds a level or two at the borders of its blocks, which smooth tiles have little else than.
    assert seam <= inside.max() * 1.1 + 2


def test_no_two_textures_are_alike() -> None:
    tiles = np.stack([pixels(path) for path in TEXTURE_FILES]).reshape(len(TEXTURE_FILES), -1)
    for row, tile in enumerate(tiles):
        assert (np.abs(tiles[:row] - tile).mean(axis=1) > 10).all(), TEXTURE_FILES[row].name


# The scripts give the same numbers, not the same bytes: numpy's sines differ in their last bits between
# processors, and the bytes of PNG, JPEG and GLB depend on the versions of zlib, libjpeg and trimesh.


def test_the_scripts_make_exactly_these_files(remade: Path) -> None:
    for folder in (MESHES, TEXTURES):
        written = {path.relative_to(remade / folder.name) for path in (remade / folder.name).rglob("*.*")}
        sources = {Path(name.name) for name in folder.iterdir() if name.suffix in (".py", ".md")}
        here = {path.relative_to(folder) for path in folder.rglob("*.*") if "__pycache__" not in path.parts}
        assert here - sources == written


@each_mesh
def test_a_script_makes_the_same_mesh(path: Path, remade: Path) -> None:
    again = trimesh.load_scene(remade / path.relative_to(ROOT), process=False)
    here = trimesh.load_scene(path, process=False)
    assert list(again.geometry) == list(here.geometry)
    for name, geometry in here.geometry.items():
        np.testing.assert_array_equal(again.geometry[name].faces, geometry.faces)
        # Files are rounded to 1e-7 m.
        np.testing.assert_allclose(again.geometry[name].vertices, geometry.vertices, atol=3e-7)


@pytest.mark.parametrize("path", [*TEXTURE_FILES, *MESHES.glob("*/*.png")], ids=lambda path: path.name)
def test_a_script_makes_the_same_picture(path: Path, remade: Path) -> None:
    # Another last bit can move single pixels across a threshold, and another JPEG decoder rounds differently.
    assert np.abs(pixels(remade / path.relative_to(ROOT)) - pixels(path)).mean() < 0.5
