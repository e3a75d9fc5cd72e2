"""The arms of a study: one network for each, the same but for one thing, and what they see in the same photos.

python -m benchmarks.transfer.study household --data DATA --json benchmarks/results/transfer/household.json

`studies.yaml` says what the arms are. Arms that the JSON has already are not trained again; several processes may each
train some of them. The test half of the photos
is only looked at with `--test`, which wants a clean checkout, so that the commit in the JSON is what was run.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.throughput import machine
from benchmarks.transfer import diets
from benchmarks.transfer.__main__ import TASKS
from benchmarks.transfer.halves import Half
from benchmarks.transfer.setup import Setup
from benchmarks.transfer.trial import Diet, Found, run
from ondr.assets.files import MESH_SUFFIXES

HERE = Path(__file__).parent


def main(words: list[str] | None = None) -> None:
    """Runs the arms that are missing and prints the table."""
    studies = yaml.safe_load((HERE / "studies.yaml").read_text())
    parser = ArgumentParser("benchmarks.transfer.study", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", choices=studies)
    parser.add_argument("--data", type=Path, default=os.environ.get("ONDR_TEST_DATA"), help="folder of all data sets")
    parser.add_argument("--arm", action="append", help="name of an arm; all if left out")
    parser.add_argument("--images", type=int, help="that each network is trained on, in place of what the study says")
    parser.add_argument("--seeds", type=int, default=1, help="networks for each arm (1)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--test", action="store_true", help="score the test half as well")
    parser.add_argument("--json", type=Path, required=True, help="what was found; goes on where it ended")
    options = parser.parse_args(words)
    if options.data is None:
        parser.error("--data must name the folder of the data sets, got nothing. Give it, or set ONDR_TEST_DATA.")
    study = studies[options.study]
    about = machine("cpu" if options.device == "auto" else options.device)
    if options.test and "dirty" in str(about["commit"]):
        parser.error(f"--test must be run on a clean checkout, got {about['commit']}. Commit first.")
    if unknown := set(options.arm or ()) - set(study["arms"]):
        parser.error(f"--arm must be one of {', '.join(study['arms'])}, got {sorted(unknown)}.")
    for name in options.arm or study["arms"]:
        for seed in range(len(found(options)["arms"].get(name, [])), options.seeds):
            print(f"{name}, seed {seed}", flush=True)
            result = train_arm(study, study["arms"][name] or {}, options, seed)
            add(options, about, name, {"commit": about["commit"], **asdict(result)})
            print(*result.scores, sep="\n", flush=True)


def found(options: Namespace) -> dict[str, Any]:
    """Returns what the JSON holds, with `arms`: results by their names."""
    return json.loads(options.json.read_text()) if options.json.exists() else {"study": options.study, "arms": {}}


def add(options: Namespace, about: Mapping[str, Any], arm: str, result: Mapping[str, Any]) -> None:
    """Writes a result into the JSON, which others that train other arms may have written meanwhile."""
    now = found(options)
    now["arms"].setdefault(arm, []).append(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    partial = options.json.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({**now, **about}, indent=1) + "\n")
    partial.replace(options.json)


def train_arm(study: Mapping[str, Any], arm: Mapping[str, Any], options: Namespace, seed: int) -> Found:
    """Trains and scores one network, or for photos one for each fold.

    Args:
        study: Of `studies.yaml`.
        arm: One of its arms. `config`: what is rendered in place of the study's; `changes`: settings; `images`;
            `instances`: meshes of each class; `diet`: of `diets`, with its argument.
        options: Of the command line.
        seed: Of everything random.
    """
    task = TASKS[study["task"]]
    with some_meshes(options.data / study["meshes"], arm.get("instances")) as meshes:
        setup = Setup.read(task, words_of(study, arm, options, meshes, seed))
        halves: list[Half] = ["dev", "test"] if options.test else ["dev"]
        return run(setup, diet_of(arm.get("diet", "stream")), halves)[0]


def words_of(
    study: Mapping[str, Any], arm: Mapping[str, Any], options: Namespace, meshes: Path, seed: int
) -> Namespace:
    """Returns what the command line of the task itself would say for an arm."""
    config = arm.get("config", study["config"])
    return Namespace(
        **{key: options.data / study[key] for key in ("photos", "labels", "poses") if key in study},
        **{key: HERE / value if key == "symmetries" else value for key, value in study.get("options", {}).items()},
        meshes=meshes,
        config=str(HERE / config) if config.endswith(".yaml") else config,
        overrides=[word.replace("DATA", str(options.data)) for word in [*study["facts"], *arm.get("changes", [])]],
        size=study["size"],
        images=arm.get("images", options.images or study["images"]),
        minutes=None,
        seed=seed,
        device=options.device,
    )


def diet_of(said: str | Mapping[str, int]) -> Diet:
    """Returns one of `diets`: by its name, or `{name: number}` where it takes one."""
    if isinstance(said, str):
        return getattr(diets, said)
    ((name, number),) = said.items()
    diet = getattr(diets, name)
    return lambda setup: diet(setup, number)


@contextmanager
def some_meshes(folder: Path, most: int | None) -> Iterator[Path]:
    """Yields a folder with the first meshes of each class; the folder itself if they are all wanted."""
    if most is None:
        yield folder
        return
    with TemporaryDirectory() as some:
        for class_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
            (Path(some) / class_folder.name).mkdir()
            files = sorted(path for path in class_folder.rglob("*") if path.is_file())
            meshes = [path for path in files if path.suffix.lower() in MESH_SUFFIXES]
            for path in set(files) - set(meshes[most:]):
                link = Path(some) / path.relative_to(folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
        yield Path(some)


if __name__ == "__main__":
    main(sys.argv[1:])
