"""Settings: what can be written, where it is resolved, and that every mistake is one clear line."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
import yaml

from ondr import laws
from ondr.config import Config
from ondr.errors import ConfigError
from ondr.presets import preset


def test_all_keys_round_trip_through_yaml(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(Config(objects={"size": [0.1, 0.2]}, classes=["a", "b c"]).to_yaml())
    assert Config.load(path) == Config(objects={"size": [0.1, 0.2]}, classes=["a", "b c"])


def test_the_keys_that_others_build_on() -> None:
    text = """
    image_size: [256, 256]
    batch_size: 32
    seed: 0
    device: auto
    batches_per_epoch: null
    outputs: [boxes, labels, mesh_ids, visibility]
    classes: null
    objects: {meshes: sample, count: [1, 6], screen_size: [0.1, 0.6], size: file, unit: m}
    distractors: {count: [0, 10]}
    materials: {textures: sample}
    background: {photos: null}
    lights: {count: [1, 4], intensity: {log_uniform: [0.3, 3]}}
    camera: {fov_degrees: [40, 70]}
    photometric: {brightness: [0.8, 1.2], noise_std: [0, 0.03]}
    labels: {min_visibility: 0.1, min_pixels: 16, max_truncation: 0.9}
    render: {antialias: auto, compile: auto, micro_batch: auto}
    """
    assert Config(**yaml.safe_load(text)) == Config()


@pytest.mark.parametrize(
    ("written", "law"),
    [
        (50, laws.Constant(50.0)),
        ([40, 70], laws.Uniform(40.0, 70.0)),
        ({"log_uniform": [10, 100]}, laws.LogUniform(10.0, 100.0)),
        ({"truncated_normal": {"mean": 50, "std": 5, "low": 30, "high": 70}}, laws.TruncatedNormal(50, 5, 30, 70)),
        ({"choice": [40, 60], "weights": [1, 3]}, laws.Choice((40, 60), (1.0, 3.0))),
        ({"integers": [40, 60]}, laws.Integers(40, 60)),
        ({"cycle": [40, 50, 60]}, laws.Cycle((40, 50, 60))),
        (
            {"from": [40, 50], "to": [60, 70], "samples": 1000},
            laws.Schedule(laws.Uniform(40.0, 50.0), laws.Uniform(60.0, 70.0), 1000),
        ),
    ],
)
def test_how_laws_are_written(written: object, law: laws.Law) -> None:
    assert Config(camera={"fov_degrees": written}).camera.fov_degrees == law


def test_a_law_may_hold_sometimes_where_there_is_a_neutral_value() -> None:
    law = Config(photometric={"hue_degrees": {"probability": 0.2, "law": [-8, 8]}}).photometric.hue_degrees
    assert law == laws.Sometimes(laws.Uniform(-8.0, 8.0), 0.2, 0.0)


def test_rotations_are_named() -> None:
    views = Config(objects={"rotation": {"views": {"subdivisions": 1, "cycle": True}}}).objects.rotation
    assert views == laws.Views(1, 12, True)
    assert Config(objects={"rotation": "resting"}).objects.rotation == laws.Resting()


def test_every_law_reads_what_it_writes() -> None:
    texts = {
        "camera.fov_degrees": ["50", "[40, 70]", "{cycle: [40, 50]}", "{from: 50, to: 60, samples: 9}"],
        "photometric.hue_degrees": ["{probability: 0.2, law: [-8, 8]}", "{elevation: [-80, 80]}"],
        "objects.rotation": ["so3", "yaw", "resting", "{views: {subdivisions: 1, in_plane: 4, cycle: true}}"],
        "objects.label": ["uniform", "cycle", "{choice: [a, b], weights: [1, 2]}"],
        "objects.count": ["3", "[0, 4]", "{from: [1, 1], to: [1, 6], samples: 100}"],
    }
    for name, written in texts.items():
        for text in written:
            cfg = Config().with_overrides([f"{name}={text}"])
            assert Config(**cfg.to_dict()) == cfg


def test_an_interval_of_a_count_is_over_whole_numbers() -> None:
    assert Config(objects={"count": [0, 3]}).objects.count == laws.Integers(0, 3)


def test_colours_are_hex_or_components() -> None:
    color = Config(background={"color": "#ff8000"}).background.color
    assert (color.r, color.g, color.b) == (laws.Constant(1.0), laws.Constant(128 / 255), laws.Constant(0.0))
    assert Config(background={"color": {"r": 0.5}}).background.color.r == laws.Constant(0.5)


MISTAKES = [
    ({"bacth_size": 4}, "bacth_size must be a known setting, got 4. Did you mean 'batch_size'?"),
    ({"camera": {"fov": 4}}, "Did you mean 'camera.fov_degrees'?"),
    ({"split": {"prt": "train"}}, "Did you mean 'split.part'?"),
    ({"camera": {"fov_degrees": [70, 40]}}, "camera.fov_degrees must have low <= high, got [70.0, 40.0]."),
    ({"camera": {"fov_degrees": 500}}, "camera.fov_degrees must lie within 1 and 170 degrees, got 500.0."),
    ({"camera": {"fov_degrees": {"normal": {"mean": 50, "std": 5}}}}, "must lie within 1 and 170 degrees"),
    ({"camera": {"fov_degrees": {"gamma": 1}}}, "must be one law of bernoulli, choice"),
    ({"camera": {"fov_degrees": {"normal": {"mean": 50}}}}, "must name mean, std"),
    ({"camera": {"fov_degrees": [1, 2, 3]}}, "must be a number, [low, high] or a named law"),
    ({"camera": {"fov_degrees": float("nan")}}, "must consist of finite numbers"),
    ({"camera": {"fov_degrees": {"uniform": 3}}}, "must be [low, high], got 3"),
    ({"camera": {"fov_degrees": {"choice": [1], "wieghts": [1]}}}, "must be {choice: [...], weights: [...]}"),
    ({"camera": {"fov_degrees": {"choice": [1], "weights": 3}}}, "must have a list of weights"),
    ({"camera": {"fov_degrees": {"probability": 0.5, "law": [40, 50]}}}, "must have a neutral value"),
    ({"camera": {"fov_degrees": {"from": 40, "to": 50}}}, "must be {from: ..., to: ..., samples: 100000}"),
    (
        {"camera": {"fov_degrees": {"from": 40, "to": [40, 50], "samples": 10}}},
        "must have from and to of the same kind",
    ),
    ({"camera": {"fov_degrees": {"from": [40, 50], "to": [40, 500], "samples": 10}}}, "must lie within 1 and 170"),
    ({"camera": {"fov_degrees": {"cycle": []}}}, "must be {cycle: [...]}"),
    ({"objects": {"rotation": {"views": {"in_plan": 4}}}}, "must be {views: {subdivisions: 2"),
    ({"clutter": {"count": 30}}, "clutter.count must not be set with layout flying"),
    ({"layout": "tabletop", "objects": {"screen_size": 0.2}}, "Set those."),
    ({"objects": {"count": [1, 2.5]}}, "objects.count must be whole numbers"),
    ({"objects": {"count": 2.5}}, "objects.count must be a whole number"),
    ({"objects": {"rotation": 3}}, "objects.rotation must be so3, yaw"),
    ({"objects": {"material": {"source": ["own", "lava"]}}}, "must choose from own, texture, color"),
    ({"objects": {"material": {"color": "red"}}}, "objects.material.color must be '#rrggbb'"),
    ({"objects": {"distance": 3}}, "Set objects.screen_size and objects.size, from which it follows."),
    ({"distractors": {"count": {"normal": {"mean": 1, "std": 1}}}}, "distractors.count must be a whole number"),
    ({"device": "gpu"}, "device must be auto, cpu, cuda or cuda:N, got 'gpu'."),
    ({"outputs": ["boxen"]}, "outputs must be 'boxes'"),
    ({"image_size": 256}, "image_size must be"),
    ({"seed": -1}, "seed must be greater than or equal to 0"),
    ({"distractors": {"shapes": []}}, "distractors.shapes must have 1 entries or more, got []."),
    ({"objects": None}, "objects must hold settings of its own or be left out, got None."),
]


@pytest.mark.parametrize(("settings", "message"), MISTAKES)
def test_a_mistake_is_one_line_that_names_the_setting(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        Config(**settings)
    assert len(str(error.value).splitlines()) == 1


def test_paths_are_relative_to_the_file_and_overrides_to_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text("objects: {meshes: cad}\nbackground: {photos: ../photos}\nmaterials: {textures: sample}\n")
    cfg = Config.load(path)
    assert cfg.objects.meshes == tmp_path / "cad"
    assert cfg.background.photos == tmp_path / ".." / "photos"
    assert cfg.materials.textures == "sample"
    assert Config.load(path, ["objects.meshes=here"]).objects.meshes == Path("here")


def test_a_path_in_a_file_may_begin_at_home_and_a_list_hold_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    path = tmp_path / "task.yaml"
    path.write_text("objects: {meshes: [~/cad, 2024, ~nobody-of-this-name/cad]}\nbackground: {photos: ~/photos}\n")
    cfg = Config.load(path)
    assert cfg.objects.meshes == (Path("/home/ann/cad"), tmp_path / "2024", tmp_path / "~nobody-of-this-name/cad")
    assert cfg.background.photos == Path("/home/ann/photos")


def test_overrides_are_yaml_and_replace_laws() -> None:
    cfg = Config().with_overrides(
        ["lights.intensity=[1, 2]", "background.color='#ffffff'", "seed=7", "split.share=0.5"]
    )
    assert cfg.lights.intensity == laws.Uniform(1.0, 2.0)
    assert cfg.background.color.r == laws.Constant(1.0)
    assert cfg.seed == 7
    assert cfg.split is not None
    assert cfg.split.share == 0.5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "must be key=value"),
        ("lihgts.count=3", "Did you mean 'lights"),
        ("seed=[", "must be given a YAML value"),
    ],
)
def test_a_wrong_override_is_an_error(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config().with_overrides([override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: ]", "must be valid YAML, got line 1: .+ Mend that line"),
        ("just text", "must hold settings"),
        ("- 1", "must hold settings"),
    ],
)
def test_a_file_that_is_no_config_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        Config.load(path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("image_size=64", r"image_size must be a list, got 64\. It means: height, width"),
        ("image_size=[64]", r"image_size must have more entries than 1, got \[64\]\. It means: height, width"),
        ("image_size=[64, 64, 3]", r"image_size must have no more entries than 2, got \[64, 64, 3\]\. It means"),
        ("outputs=[boxs]", r"outputs must be 'boxes', .* got 'boxs'\. Did you mean 'boxes'\? It means"),
        ("layout=strange", r"layout must be 'flying', .* got 'strange'\. It means"),
    ],
)
def test_a_wrong_value_is_told_in_the_words_of_yaml(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config().with_overrides([override])


def test_a_missing_file_is_named_with_its_absolute_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'no.yaml'} must be a readable YAML file")):
        Config.load(tmp_path / "no.yaml")


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="preset must be one of .*got 'tremblay'"):
        preset("tremblay")


def test_a_config_is_immutable_and_pickles() -> None:
    cfg = Config(seed=3)
    assert pickle.loads(pickle.dumps(cfg)) == cfg
    with pytest.raises(ValueError, match="frozen"):
        cfg.seed = 4  # type: ignore[misc]


def test_every_setting_is_described() -> None:
    missing = [line for line in Config().to_yaml().splitlines() if not line.rpartition("#")[2].strip()]
    assert not missing
