"""What the command lines of all examples have in common, and how it becomes the settings of a stream."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import ondr


def make_parser(description: str | None, preset: str, size: int) -> ArgumentParser:
    """Returns a parser of what to render and for how long to train."""
    parser = ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("config", nargs="?", default=preset, help=f"preset or YAML file ({preset})")
    parser.add_argument("-o", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="a setting")
    parser.add_argument("--size", type=int, default=size, help=f"pixels a side ({size})")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="stop after this many steps")
    parser.add_argument("--minutes", type=float, default=2.0, help="stop after so long (2)")
    return parser


def together(parser: ArgumentParser, options: Namespace) -> None:
    """Ends the program where there are photos without labels, or labels without photos."""
    if (options.photos is None) != (options.labels is None):
        parser.error("--photos and --labels must be given together")


def settings(options: Namespace, outputs: Sequence[str]) -> ondr.Config:
    """Returns what to render: the preset or file, what this example needs of it, and the user's changes."""
    size, named = f"[{options.size},{options.size}]", ",".join(outputs)
    own = [f"image_size={size}", f"seed={options.seed}", f"device={options.device}", f"outputs=[{named}]"]
    changes = [*own, *options.overrides]
    is_file = Path(options.config).suffix in (".yaml", ".yml")
    return ondr.Config.load(options.config, changes) if is_file else ondr.preset(options.config, changes)


def held_out(cfg: ondr.Config, batches: int, scenes: ondr.RandomizedScenes) -> ondr.RandomizedScenes:
    """Returns a fixed set of other worlds with the same meshes: another seed, the same images in every pass."""
    unseen = cfg.with_overrides([f"seed={cfg.seed + 1_000_003}", f"batches_per_epoch={batches}"])
    return ondr.RandomizedScenes(unseen, fixed=True, assets=scenes.assets)
