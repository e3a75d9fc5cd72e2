"""What is decided on the host: counts, meshes, and which effects run on which images.

The same integer arithmetic for every device, so that all shapes are known without waiting for a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.laws import Cycle, First, Law, share
from ondr.parameters import Parameters
from ondr.rng import name_key
from ondr.sampling.overrides import Overrides, expand, host_override
from ondr.sampling.plan import Plan
from ondr.sampling.words import Draw, Words
from ondr.scene import Structure

Drawn = dict[str, Int64[Tensor, "batch *slot"]]
FROM_LIST = {"distractors": "shape", "context": "instance", "occluders": "instance", "clutter": "instance"}
"""Groups whose mesh comes from a list, and the draw that chooses it."""
JUMPS = ("photometric.motion_blur_length", "photometric.posterize_bits", "photometric.jpeg_quality")
"""Effects that have no gradient where they are neutral: a blur of no length has no direction, and
posterizing and JPEG lose something at every value. There they stay off."""


class MeshTable:
    """The meshes of the bank that each group of things chooses from."""

    def __init__(self, assets: Assets, cfg: Config) -> None:
        """Lists the subjects of each class and their meshes, and the meshes of each other group."""
        names = assets.mesh_subjects or assets.mesh_files
        subjects = [
            [
                [row for row, name in enumerate(names) if name == subject and assets.mesh_labels[row] == label]
                for subject in dict.fromkeys(n for n, c in zip(names, assets.mesh_labels, strict=True) if c == label)
            ]
            for label in range(len(assets.class_names))
        ]
        self.subjects = torch.tensor([len(of_class) for of_class in subjects])
        """Number of subjects of each class."""
        most, longest = int(self.subjects.max()), max(len(rows) for of_class in subjects for rows in of_class)
        self.variants = torch.ones(len(subjects), most, dtype=torch.int64)
        """Number of meshes of each subject of each class."""
        self.rows = torch.zeros(len(subjects), most, longest, dtype=torch.int64)
        for label, of_class in enumerate(subjects):
            for number, rows in enumerate(of_class):
                self.variants[label, number] = len(rows)
                self.rows[label, number, : len(rows)] = torch.tensor(rows)
        shapes = tuple(assets.distractors[s] for s in cfg.distractors.shapes)
        listed = {group: assets.others.get(group, ()) for group in FROM_LIST} | {"distractors": shapes}
        self.lists = {group: torch.tensor(rows, dtype=torch.int64) for group, rows in listed.items()}
        self.surfaces = assets.surfaces
        self.groups = cfg.groups
        self.bent, self.bends = assets.bent, len(cfg.objects.bends_degrees)

    def objects(self, drawn: Mapping[str, Tensor]) -> Int64[Tensor, "batch slot"]:
        """Returns the row of each object of interest."""
        rows = self.rows[drawn["objects.label"], drawn["objects.instance"], drawn["objects.variant"]]
        return self.bent.start + rows * self.bends + drawn["objects.bend"] if self.bends else rows


def draw_structure(plan: Plan, words: Words, parameters: Parameters, overrides: Overrides, meshes: MeshTable) -> Drawn:
    """Returns all discrete draws that are made on the host, on the CPU.

    Raises:
        ConfigError: An override of one of them is not possible.
    """
    drawn: Drawn = {}
    for draw in plan.draws.values():
        if not draw.structure:
            continue
        if draw.name in overrides:
            largest = _largest(draw.name, plan, drawn, meshes)
            shape = (len(words.all), *draw.shape)
            drawn[draw.name] = host_override(draw.name, overrides[draw.name], shape, largest)
        elif draw.name in ("objects.instance", "objects.variant"):
            drawn[draw.name] = _one_of(draw, words, drawn, meshes, plan)
        else:
            drawn[draw.name] = plan.draw(draw.name, words, parameters).to(torch.int64)
    return drawn


def _one_of(draw: Draw, words: Words, drawn: Drawn, meshes: MeshTable, plan: Plan) -> Int64[Tensor, "batch slot"]:
    """Returns for each object the index of its subject in the class, or of its mesh in the subject.

    The number to choose from depends on the drawn class, so the plan cannot know it.
    """
    mine, number = words.of(draw.words, name_key(draw.name)), _number(draw.name, drawn, meshes)
    if isinstance(draw.law, First):
        return torch.zeros_like(number)
    if not isinstance(draw.law, Cycle):
        return share(mine.first, number)
    # If the classes come in turn, each has been in this slot once per round so far; likewise subjects.
    turn = words.sample_ids[:, None] // _options_in_turn(plan.draws["objects.label"].law, len(meshes.subjects))
    if draw.name == "objects.variant" and isinstance(plan.draws["objects.instance"].law, Cycle):
        turn = turn // meshes.subjects[drawn["objects.label"]]
    return mine.in_turn(number, turn.expand_as(number))


def _options_in_turn(law: Law, available: int) -> int:
    """Returns how many options a law goes through before any comes again; 1 for a law that does not go round."""
    return (len(law.options) or available) if isinstance(law, Cycle) else 1


def _number(name: str, drawn: Drawn, meshes: MeshTable) -> Int64[Tensor, "batch slot"]:
    """Returns the number of subjects, or meshes, to choose from."""
    label = drawn["objects.label"]
    return meshes.subjects[label] if name == "objects.instance" else meshes.variants[label, drawn["objects.instance"]]


def _largest(name: str, plan: Plan, drawn: Drawn, meshes: MeshTable) -> Tensor:
    """Returns the largest value that a draw made on the host can take."""
    group, _, what = name.partition(".")
    if name in ("objects.instance", "objects.variant"):
        return _number(name, drawn, meshes) - 1
    if name == "objects.bend":
        return torch.tensor(max(meshes.bends - 1, 0))
    if name == "objects.label":
        return torch.tensor(len(meshes.subjects) - 1)
    if FROM_LIST.get(group) == what:
        return torch.tensor(len(meshes.lists[group]) - 1)
    return torch.tensor(int(plan.draws[name].law.support[1]) if what == "count" else 1)


def structure(
    drawn: Mapping[str, Tensor],
    meshes: MeshTable,
    rows: Mapping[str, tuple[int, ...]],
    largest: Mapping[str, float],
) -> Structure:
    """Turns the draws made on the host into mesh rows.

    Args:
        drawn: From `draw_structure`.
        meshes: The meshes to choose from.
        rows: From `gated_rows`.
        largest: From `largest_values`.
    """
    parts = [_present(meshes.objects(drawn), drawn["objects.count"])]
    for group, what in FROM_LIST.items():
        if f"{group}.count" in drawn:
            chosen = meshes.lists[group][drawn[f"{group}.{what}"]]
            parts.append(_present(chosen, drawn[f"{group}.count"]))
    for group, shape in (("floor", "plane"), ("table", "box"), ("room", "plane")):
        slots = meshes.groups[group].stop - meshes.groups[group].start
        if not slots:
            continue
        there = drawn[f"{group}.present"][:, None].expand(-1, slots)
        parts.append(torch.where(there > 0, meshes.surfaces.get(shape, 0), -1))
    return Structure(mesh=torch.cat(parts, dim=1).to(torch.int32), rows=rows, largest=largest)


def gated_rows(plan: Plan, words: Words, parameters: Parameters, overrides: Overrides) -> dict[str, tuple[int, ...]]:
    """Returns for each gated draw the images in which it is not neutral: those on which its effect runs."""
    rows = {}
    for draw in plan.draws.values():
        if draw.gated:
            there = plan.gates(draw.name, words, parameters)
            if draw.name in overrides:
                there = _overridden(draw, overrides[draw.name], len(there))
            rows[draw.name] = tuple(there.nonzero()[:, 0].tolist())
    return rows


def _overridden(draw: Draw, value: float | Tensor, batch: int) -> Tensor:
    tensor = expand(draw.name, value, (batch, *draw.shape))
    # Reading from a GPU would make the host wait. A gradient is wanted at the neutral value too.
    if tensor.device.type != "cpu" or (tensor.requires_grad and draw.name not in JUMPS):
        return torch.ones(batch, dtype=torch.bool)
    return tensor.detach().ne(draw.neutral or 0.0).reshape(batch, -1).any(dim=1)


def largest_values(plan: Plan, parameters: Parameters, overrides: Overrides) -> dict[str, float]:
    """Returns the largest possible value of each gated draw, from which the sizes of kernels follow without waiting for
    a device.
    """
    largest = {}
    for draw in plan.draws.values():
        if draw.gated:
            high = parameters.law(draw.name).support[1]
            given = overrides.get(draw.name)
            largest[draw.name] = high if given is None else max(high, float(torch.as_tensor(given).detach().max()))
    return largest


def _present(rows: Int64[Tensor, "batch slot"], count: Int64[Tensor, "batch"]) -> Int64[Tensor, "batch slot"]:
    return torch.where(torch.arange(rows.shape[1]) < count[:, None], rows, -1)
