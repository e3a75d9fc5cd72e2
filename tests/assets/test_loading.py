"""`load_assets`: what the lists mean, what becomes of bad files, splits and classes, the progress bar."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ondr.assets import load_assets
from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.errors import AssetError, ConfigError
from ondr.leaves import leaves_of
from ondr.settings import SHAPES

from .makers import QUAD_OBJ, Gltf, bomb_png, cube_obj, encoded, four_corners, ply_text, unpack_words

GRID = [(x, y) for y in (0, 0.5, 1) for x in (0, 0.5, 1)]
FINE_QUAD = "".join(
    [f"v {x} {y} 0\n" for x, y in GRID]
    + [f"vt {x} {y}\n" for x, y in GRID]
    + ["f " + " ".join(f"{k}/{k}" for k in (i, i + 1, i + 4, i + 3)) + "\n" for i in (1, 2, 4, 5)]
)
"""The quad as 2 x 2 quads, so that each lies in one quarter of its texture."""


@pytest.fixture
def root(tmp_path):
    """Two classes with two files each, all different."""
    folder = tmp_path / "meshes"
    for label in ("mug", "bolt"):
        (folder / label).mkdir(parents=True)
        for i in range(2):
            (folder / label / f"{label}{i}.obj").write_text(f"# {label} {i}\n" + cube_obj())
    return folder


def load(root, **settings) -> Assets:
    objects = {"meshes": root, **settings.pop("objects", {})}
    return load_assets(Config(objects=objects, **{"materials": {"textures": None}, **settings}))


def texture(assets: Assets, row: int, level: int = 0) -> np.ndarray:
    first, n = assets.bank.textures[row].tolist()
    start = first + (4 ** (n + 1) - 4 ** (n + 1 - level)) // 3
    side = 1 << (n - level)
    return unpack_words(assets.bank.texels[start : start + side * side].numpy()).reshape(side, side, 3)


def seen(assets: Assets, point: tuple[float, float, float]) -> np.ndarray:
    """The colour of the nearest corner to a point in the file's coordinates, texture included."""
    bank = assets.bank
    corners = bank.vertices[bank.triangles[: bank.triangle_count[0], :3].long()]
    distance = (corners[..., :3].mean(dim=1) + bank.center[0] - torch.tensor(point)).norm(dim=-1)
    triangle = int(distance.argmin())
    u, v = corners[triangle, :, 6:].mean(dim=0).tolist()
    material = int(bank.triangles[triangle, 3])
    image = texture(assets, int(bank.material_texture[material]))
    side = len(image)
    return image[int(v * side) % side, int(u * side) % side] * bank.material_color[material].numpy()


def test_lists_say_what_the_rows_are(root):
    assets = load(root)
    assert assets.class_names == ("bolt", "mug")
    assert assets.mesh_files == ("bolt/bolt0.obj", "bolt/bolt1.obj", "mug/mug0.obj", "mug/mug1.obj")
    assert assets.mesh_paths == tuple(str(root / name) for name in assets.mesh_files)
    assert assets.mesh_labels == (0, 0, 1, 1)
    assert assets.distractors == {name: 4 + i for i, name in enumerate(SHAPES)}
    assert assets.surfaces == {"plane": 4 + len(SHAPES), "box": 5 + len(SHAPES)}
    assert len(assets.bank.closed) == 6 + len(SHAPES)
    assert len(assets.noise_textures) == 6
    assert not assets.foreign_textures
    assert not assets.photos


def test_chosen_distractors_have_unit_size_and_are_closed(root):
    assets = load(root, distractors={"shapes": ("torus", "cube")})
    assert assets.distractors == {"torus": 4, "cube": 5}
    np.testing.assert_allclose(assets.bank.extent[4:6].max(dim=1).values, 1, atol=1e-6)
    assert assets.bank.closed[4:6].all()


def test_classes_fix_order_and_subset(root):
    assert load(root, classes=("mug", "bolt")).mesh_labels == (1, 1, 0, 0)
    only = load(root, classes=("mug",))
    assert only.class_names == ("mug",)
    assert only.mesh_files == ("mug/mug0.obj", "mug/mug1.obj")


@pytest.mark.parametrize(
    ("classes", "got"), [(("mug", "cup"), "'cup'"), (("mug", "mug"), r"\['mug', 'mug'\]"), ((), r"\[\]")]
)
def test_unknown_class_names_the_folders(root, classes, got):
    with pytest.raises(
        ConfigError, match=rf"classes must name folders of meshes, each once, got {got}. Found: bolt, mug"
    ):
        load(root, classes=classes)


def test_split_is_a_partition_with_the_same_classes(root):
    train, test = (load(root, split={"part": part}) for part in ("train", "test"))
    assert train.class_names == test.class_names == ("bolt", "mug")
    assert sorted(train.mesh_files + test.mesh_files) == sorted(load(root).mesh_files)
    assert set(train.mesh_labels) == set(test.mesh_labels) == {0, 1}


def test_split_needs_two_different_files(root):
    (root / "mug" / "mug1.obj").write_bytes((root / "mug" / "mug0.obj").read_bytes())
    assert len(load(root, split={"part": "train"}).mesh_files) == 3
    with pytest.raises(AssetError, match=r"split must leave each class a mesh, got none for 'mug' in the test part"):
        load(root, split={"part": "test"})


def test_split_holds_out_textures_and_photos(root, tmp_path):
    for i in range(8):
        for folder in ("tiles", "photos"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{i}.png").write_bytes(encoded(np.full((8, 8, 3), 10 * i, np.uint8)))
    settings = {"materials": {"textures": tmp_path / "tiles"}, "background": {"photos": tmp_path / "photos"}}
    counts = {}
    for part in ("train", "test"):
        assets = load(root, split={"part": part, "share": 0.3}, **settings)
        counts[part] = {tuple(texture(assets, r)[0, 0]) for r in assets.foreign_textures}
        assert {tuple(texture(assets, r)[0, 0]) for r in assets.photos} == counts[part]
        assert counts[part]
    assert not counts["train"] & counts["test"]
    assert len(counts["train"] | counts["test"]) == 8


@pytest.mark.parametrize("form", ["obj", "ply", "glb"])
def test_texture_is_not_mirrored(tmp_path, form):
    """The image's top left corner lies where the file says, however the format counts v."""
    image = encoded(four_corners(16))
    if form == "obj":
        (tmp_path / "quad.obj").write_text("mtllib quad.mtl\nusemtl m\n" + FINE_QUAD)
        (tmp_path / "quad.mtl").write_text("newmtl m\nKd 1 1 1\nmap_Kd quad.png\n")
        (tmp_path / "quad.png").write_bytes(image)
    elif form == "ply":
        lines = [line.split()[1:] for line in FINE_QUAD.splitlines()]
        rows = [" ".join(v + t) for v, t in zip(lines[:9], lines[9:18], strict=True)]
        faces = ["4 " + " ".join(str(int(w.split("/")[0]) - 1) for w in line) for line in lines[18:]]
        text = ply_text(
            vertices="\n".join(rows) + "\n",
            faces="\n".join(faces) + "\n",
            extra="property float s\nproperty float t\n",
            count=9,
        )
        (tmp_path / "quad.ply").write_text(
            text.replace("element vertex", "comment TextureFile quad.png\nelement vertex")
        )
        (tmp_path / "quad.png").write_bytes(image)
    else:
        gltf = Gltf()
        grid = np.array([[x, y, 0] for y in (0, 0.5, 1) for x in (0, 0.5, 1)], np.float32)
        quads = [(i, i + 1, i + 4, i + 3) for i in (0, 1, 3, 4)]
        faces = np.array([f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))], np.uint16)
        gltf.tree["images"] = [{"bufferView": gltf.view(image), "mimeType": "image/png"}]
        gltf.tree["textures"] = [{"source": 0}]
        gltf.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        uvs = np.stack([grid[:, 0], 1 - grid[:, 1]], axis=-1)
        attributes = {"POSITION": gltf.accessor(grid), "TEXCOORD_0": gltf.accessor(uvs)}
        gltf.mesh({"attributes": attributes, "indices": gltf.accessor(faces.reshape(-1)), "material": 0})
        gltf.save_glb(tmp_path / "quad.glb")
    assets = load(tmp_path)
    # Seen with y upwards.
    np.testing.assert_array_equal(seen(assets, (0.25, 0.75, 0)), [1, 0, 0])
    np.testing.assert_array_equal(seen(assets, (0.75, 0.75, 0)), [0, 1, 0])
    np.testing.assert_array_equal(seen(assets, (0.25, 0.25, 0)), [0, 0, 1])
    np.testing.assert_array_equal(seen(assets, (0.75, 0.25, 0)), [1, 1, 1])


def test_minified_palette_car_keeps_its_colours(tmp_path):
    """Plain colours are no texels: there is nothing that a mip level could mix."""
    (tmp_path / "car.mtl").write_text("newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 0 1\nnewmtl c\nmap_Kd c.png\n")
    (tmp_path / "c.png").write_bytes(encoded(np.full((64, 64, 3), (0, 255, 0), np.uint8)))
    (tmp_path / "car.obj").write_text("mtllib car.mtl\n" + cube_obj(("a", "b", "c")))
    assets = load(tmp_path)
    bank = assets.bank
    for material in bank.triangles[:12, 3].unique().tolist():
        row = int(bank.material_texture[material])
        colors = {
            tuple((texture(assets, row, level)[..., :] * bank.material_color[material].numpy()).reshape(-1, 3)[k])
            for level in range(int(bank.textures[row, 1]) + 1)
            for k in (0, -1)
        }
        assert len(colors) == 1
        assert colors < {(1, 0, 0), (0, 0, 1), (0, 1, 0)}


def test_tiles_and_photos_follow_each_other(root, tmp_path):
    for folder in ("tiles", "photos"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        (tmp_path / "tiles" / f"{i}.png").write_bytes(encoded(np.full((8, 8, 3), 80 * i, np.uint8)))
        (tmp_path / "photos" / f"{i}.jpg").write_bytes(encoded(np.full((20, 30 + i, 3), 90, np.uint8), "JPEG"))
    settings = {
        "materials": {"textures": tmp_path / "tiles"},
        "background": {"photos": tmp_path / "photos", "photo_size": 64},
    }
    assets = load(root, **settings)
    assert assets.photo_aspects == (1.5, 1.55, 1.6)
    assert [assets.bank.textures[r, 1].item() for r in assets.photos] == [6, 6, 6]
    levels = [texture(assets, r)[0, 0, 0] for r in assets.foreign_textures]
    assert levels == sorted(levels)
    assert len(assets.bank.textures) == 1 + 3 + 6 + 1 + 3


def test_too_many_photos(root, tmp_path, caplog):
    for i in range(7):
        (tmp_path / f"photo{i}.png").write_bytes(encoded(np.zeros((4, 4, 3), np.uint8)))
    assets = load(root, background={"photos": tmp_path, "max_photos": 3, "photo_size": 64})
    assert len(assets.photos) == 3
    assert any("3 of 7 photos are used (background.max_photos)" in r.message for r in caplog.records)


BAD = {
    "text.obj": b"Dear diary",
    "nan.obj": b"v 0 0 0\nv 1 0 nan\nv 0 1 0\nf 1 2 3\n",
    "range.ply": ply_text(faces="3 0 1 9\n").encode(),
    "empty.off": b"OFF\n0 0 0\n",
    "cut.glb": b"glTF\x02\0\0\0",
    "cut.stl": b"solid",
    "no_library.obj": b"mtllib gone.mtl\n" + QUAD_OBJ.encode(),
    "broken_texture.obj": b"mtllib broken.mtl\nusemtl m\n" + QUAD_OBJ.encode(),
    "bomb_texture.obj": b"mtllib bomb.mtl\nusemtl m\n" + QUAD_OBJ.encode(),
}
BESIDE = {
    "broken.mtl": b"newmtl m\nmap_Kd broken.png\n",
    "broken.png": b"?",
    "bomb.mtl": b"newmtl m\nmap_Kd bomb.png\n",
    "bomb.png": bomb_png(),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_named(root, name):
    for other, data in (BESIDE | {name: BAD[name]}).items():
        (root / "mug" / other).write_bytes(data)
    named = name if "texture" not in name else rf"{name.split('_')[0]}.png \(texture of {name}\)"
    with pytest.raises(AssetError, match=rf"{root}/mug/{named} (line \d+ )?must .+, got .+\. \w+"):
        load(root)


def test_bad_files_are_left_out_and_said_once(root, caplog):
    for name, data in (BESIDE | BAD).items():
        (root / "mug" / name).write_bytes(data)
    for _ in range(2):
        assets = load(root, assets={"on_bad": "skip"})
    assert assets.mesh_files == ("bolt/bolt0.obj", "bolt/bolt1.obj", "mug/mug0.obj", "mug/mug1.obj")
    said = [r.message for r in caplog.records if "left out (assets.on_bad: skip)" in r.message]
    assert len(said) == len(BAD)
    assert all(any(name in message for message in said) for name in BAD)


def test_bad_image_files_follow_the_same_rule(root, tmp_path):
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles" / "a.png").write_bytes(b"?")
    (tmp_path / "tiles" / "b.png").write_bytes(encoded(four_corners()))
    with pytest.raises(AssetError, match=r"tiles/a.png must be a readable image"):
        load(root, materials={"textures": tmp_path / "tiles"})
    assets = load(root, materials={"textures": tmp_path / "tiles"}, assets={"on_bad": "skip"})
    assert len(assets.foreign_textures) == 1


def test_nothing_left_is_an_error(tmp_path):
    for name, data in (BESIDE | BAD).items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(AssetError, match=r"objects.meshes must hold a file that can be used, got 9 that cannot"):
        load(tmp_path, assets={"on_bad": "skip"})


def test_class_without_a_good_file(root):
    for i in range(2):
        (root / "mug" / f"mug{i}.obj").write_text(f"no mesh {i}")
    skip = {"on_bad": "skip"}
    assert load(root, assets=skip).class_names == ("bolt",)
    with pytest.raises(AssetError, match=r"classes must have meshes that can be used, got none for 'mug'"):
        load(root, assets=skip, classes=("mug", "bolt"))


def test_progress_needs_a_terminal(root, capfd):
    load(root)
    assert capfd.readouterr() == ("", "")


def test_progress_on_a_terminal(root, capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    load(root)
    assert "Loading assets" in capfd.readouterr().err
    load(root, assets={"progress": False})
    assert capfd.readouterr() == ("", "")


def test_loading_twice_gives_the_same_bank(root):
    one, two = (list(leaves_of(load(root).bank)) for _ in range(2))
    assert len(one) == len(two) >= 20
    assert all(map(torch.equal, one, two))


def test_sample_assets():
    assets = load_assets(Config())
    bank = assets.bank
    assert len(assets.class_names) >= 8
    assert all(assets.mesh_labels.count(k) >= 4 for k in range(len(assets.class_names)))
    assert len(assets.foreign_textures) >= 24
    assert torch.isfinite(bank.vertices).all()
    assert bank.triangles[:, 3].max() < len(bank.material_color)
    assert bank.material_texture.max() < len(bank.textures)
    first, n = bank.textures[-1].tolist()
    assert first + (4 ** (n + 1) - 1) // 3 == len(bank.texels)


@pytest.mark.parametrize(
    ("folder", "unit", "files", "classes"),
    [("fruit", "m", 3, 3), ("household", "unit", 67, 6), ("parts", "mm", 10, 10)],
)
def test_real_folders(test_data, folder, unit, files, classes):
    assets = load(test_data / folder / "meshes", objects={"unit": unit})
    assert len(assets.mesh_files) == files
    assert len(assets.class_names) == classes
    assert torch.isfinite(assets.bank.vertices).all()


def test_real_photos_and_tiles(test_data, root):
    settings = {
        "materials": {"textures": test_data / "backgrounds" / "textures"},
        "split": {"part": "test", "share": 0.05},
    }
    assets = load(root, background={"photos": test_data / "backgrounds" / "photos", "photo_size": 128}, **settings)
    assert len(assets.foreign_textures) == pytest.approx(0.05 * 1491, rel=0.5)
    assert all(0.6 < aspect < 1.6 for aspect in assets.photo_aspects)
