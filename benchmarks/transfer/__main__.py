"""Trains a small network on the stream alone and scores it on labelled photos.

python -m benchmarks.transfer detect --meshes fruit/ --photos real/ --labels real.coco.json --minutes 15
python -m benchmarks.transfer classify --meshes household/ --photos real/ --labels labels.csv --grey --images 30000
python -m benchmarks.transfer pose --meshes parts/ --photos renders/ --poses poses.json --minutes 15
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import asdict
from pathlib import Path

from benchmarks.throughput import machine
from benchmarks.transfer import diets
from benchmarks.transfer.classify import Classify
from benchmarks.transfer.detect import Detect
from benchmarks.transfer.halves import places_of
from benchmarks.transfer.pose import Pose
from benchmarks.transfer.setup import Setup
from benchmarks.transfer.task import Task
from benchmarks.transfer.trial import run
from ondr.errors import ConfigError

TASKS: dict[str, Task] = {"detect": Detect(), "classify": Classify(), "pose": Pose()}
DRAWN = 60
"""Photos."""


def main(words: list[str] | None = None) -> None:
    """Runs one trial. The last line of what it prints is the figure."""
    options = read_options(words)
    task = TASKS[options.task]
    try:
        setup = Setup.read(task, options)
        places, *_ = (places_of(setup.photos.files, half) for half in options.half)
        found, seen = run(setup, diets.adapted if getattr(options, "adapt", False) else diets.stream, options.half)
    except (ConfigError, ValueError) as error:
        sys.exit(str(error))
    if options.json:
        about = {"task": options.task, "config": options.config or task.preset, "overrides": options.overrides}
        written = {**machine(str(setup.scenes.device.type)), **about, **asdict(found)}
        options.json.write_text(json.dumps(written, indent=2) + "\n")
    if options.picture:
        some = places[:: -(-len(places) // DRAWN)]
        task.draw(setup.photos, seen, some, setup.scenes.class_names).save(options.picture)
        print(options.picture)
    losses = " -> ".join(f"{loss:.3f}" for loss in found.losses)
    print(f"{found.parameters:,} parameters, {found.images:,} images in {found.minutes:.1f} min, loss {losses}")
    print(*found.scores, sep="\n")
    print(f"{found.figure} {found.scores[0].value:.3f}")


def read_options(words: list[str] | None) -> Namespace:
    """Reads the command line."""
    parser = ArgumentParser("benchmarks.transfer", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(dest="task", required=True)
    for name, task in TASKS.items():
        part = tasks.add_parser(name, help=(task.__doc__ or "").partition("\n")[0])
        part.add_argument("--meshes", type=Path, help="folder of meshes, one folder for each class")
        part.add_argument("--photos", type=Path, required=True, help="folder of photos")
        part.add_argument("--config", help=f"preset or YAML file ({task.preset})")
        part.add_argument("-o", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="a setting")
        part.add_argument("--size", type=int, help=f"pixels a side ({task.size}, or what the file says)")
        length = part.add_mutually_exclusive_group()
        length.add_argument("--images", type=int, help="images to train on (30000)")
        length.add_argument("--minutes", type=float, help="minutes to train for")
        part.add_argument(
            "--half",
            choices=("dev", "test", "all"),
            nargs="+",
            default=["all"],
            help="of the photos, by their names; the first is pictured and the figure",
        )
        part.add_argument("--seed", type=int, default=0)
        part.add_argument("--device", default="auto", help="auto, cpu or cuda")
        part.add_argument("--json", type=Path, help="where to write what was found")
        part.add_argument("--picture", type=Path, default=Path("transfer.png"), help="photos with what is seen in them")
        task.add_options(part)
    options = parser.parse_args(words)
    if options.images is None and options.minutes is None:
        options.images = 30_000
    return options


if __name__ == "__main__":
    main()
