"""Writes docs/randomization.md: every quantity that can vary, from the settings' own descriptions.

Run it after a change of settings or presets: `python docs/make_randomization.py`. A test compares the file with this.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ondr.config import GROUPS
from ondr.laws import Law
from ondr.laws.reading import MAPPING_READERS, VALUE_READERS
from ondr.presets import preset_names, read_preset
from ondr.quantity import Spec
from ondr.settings import Section, Settings
from ondr.settings.writing import flow, plain

FILE = Path(__file__).parent / "randomization.md"
HEAD = """# What can vary

Written by `docs/make_randomization.py` from the settings themselves. Every line is a random quantity: its name is its
path in a config, its random stream, its place in `batch.draws` and its address for overrides;
`ds.parameters["NAME.PARAMETER"]` moves its law. A quantity that cannot leave its *neutral* value is not computed.
*each*: drawn for every thing or light, not once per image. *layouts*: those that use it, where not all do.

How laws are written:

| written | law |
|---|---|
| `3` | always the same |
| `[1, 2]` | uniform; over whole numbers, ends included, where something is counted |
| `{log_uniform: [0.1, 10]}`, `{normal: {mean: 0, std: 1}}` | as named |
| `{truncated_normal: {mean: 0, std: 1, low: -2, high: 2}}` | as named |
| `{elevation: [0, 90]}` | degrees above the horizon, uniform on the sphere between two latitudes |
| `{integers: [1, 6]}`, `{bernoulli: 0.3}`, `true` | whole numbers; yes or no |
| `uniform`, `[a, b]`, `{choice: [a, b], weights: [3, 1]}` | one of what there is, or of a list |
| `cycle`, `{cycle: [a, b, c]}` | one of them, each equally often: all come, in random order, before any comes again |
| `{probability: 0.2, law: [0.5, 2]}` | a law now and then, else the neutral value |
| `{from: [0, 1], to: [0, 5], samples: 100000}` | a law whose parameters move with the sample index: a curriculum |
| `so3`, `yaw`, `resting`, `{views: {subdivisions: 2, in_plane: 12, cycle: true}}` | rotations |

The world's z points up: `yaw`, `upright`, views and leaning are about it. What points up in the mesh files is brought
there as `objects.up` says (also `context.up`, `occluders.up`, `clutter.up`). `auto` takes what the format says, file by
file: y for `.glb` and `.gltf`; z for all others, which say nothing. An axis (`x`, `-x`, `y`, `-y`, `z` or `-z`) holds
for all files: `y` for OBJ as Blender writes it unless told otherwise, `z` for a `.glb` that was written without turning
things (trimesh does not turn them). A preview on a table shows it: `-o layout=tabletop -o objects.rotation=yaw`. Poses
stay those of the file's own axes, and `objects.stretch` is along them. Objects that rest need no such word, unless they
are flat.
"""
TABLE = "| name | what | unit | default | set by presets | varied by |\n|---|---|---|---|---|---|\n"
LAW_WORDS = {*VALUE_READERS, *MAPPING_READERS}
EACH = (*GROUPS, "lights")


def main() -> None:
    """Writes the file."""
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE}: {text().count(chr(10))} lines")


def text() -> str:
    """Returns what the file should hold."""
    presets = {name: set(_leaves(read_preset(name)[0])) for name in preset_names()}
    parts = [HEAD]
    for names, section in _distinct(Settings()):
        keys = [name for name in type(section).model_fields if section.spec(name) is not None]
        rows = [_row(names, section, key, presets) for key in keys]
        if rows:
            heading = ", ".join(names) if len(names) > 1 else names[0]
            parts.append(f"\n## {heading}\n\n{_about(section)}\n\n{TABLE}" + "".join(rows))
    return "".join(parts)


def _distinct(settings: Settings) -> list[tuple[list[str], Section]]:
    """Returns the sections, those that are alike together, with their dotted names."""
    found: list[tuple[list[str], Section]] = []
    for name, section in _sections(settings):
        alike = next((names for names, other in found if type(other) is type(section) and other == section), None)
        if alike is None:
            found.append(([name], section))
        else:
            alike.append(name)
    return found


def _sections(settings: Section, prefix: str = "") -> Iterator[tuple[str, Section]]:
    """Yields every section below the root with its dotted name."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Section):
            yield f"{prefix}{name}", value
            yield from _sections(value, f"{prefix}{name}.")


def _about(section: Section) -> str:
    return (type(section).__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def _row(names: list[str], section: Section, key: str, presets: dict[str, set[str]]) -> str:
    spec, value = section.spec(key), getattr(section, key)
    assert spec is not None
    notes = "; ".join(_notes(spec, names[0].split(".")[0] in EACH))
    description = type(section).model_fields[key].description
    full = {f"{name}.{key}" for name in names}
    users = [f"`{preset}`" for preset, keys in presets.items() if any(_sets(k, name) for k in keys for name in full)]
    cells = [
        f"`{names[0]}.{key}`" if len(names) == 1 else f"`...{key}`",
        f"{description} ({notes})" if notes else description,
        spec.unit,
        f"`{flow(plain(value)) if isinstance(value, Law) else value}`",
        ", ".join(users),
        spec.paper,
    ]
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |\n"


def _notes(spec: Spec, in_group: bool) -> Iterator[str]:
    if spec.neutral is not None:
        yield f"neutral {spec.neutral:g}"
    if spec.each and in_group:
        yield "each"
    if spec.layouts is not None:
        yield f"layouts: {', '.join(spec.layouts)}"


def _sets(key: str, name: str) -> bool:
    """Returns whether a key that a preset sets is a quantity, or a section that holds it."""
    return name == key or name.startswith(f"{key}.")


def _leaves(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yields the dotted names that a preset sets; the keys of a law are part of its value."""
    for name, value in settings.items():
        if isinstance(value, dict) and not set(value) & LAW_WORDS:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


if __name__ == "__main__":
    main()
