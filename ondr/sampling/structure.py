"""What is decided on the host: how much of everything, which meshes, which images are blurred.

One function of integers for every device, so that all shapes are known without asking a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.config import Config
from ondr.laws import share
from ondr.parameters import Parameters
from ondr.sampling.overrides import Overrides, host_override
from ondr.sampling.plan import Plan
from ondr.scene import Structure

Drawn = dict[str, Int64[Tensor, "batch *slot"]]


class MeshTable:
    """Which of the bank's meshes belong to which class."""

    def __init__(self, assets: Assets, cfg: Config) -> None:
        """Lists the files of each class."""
        files = [[row for row, c in enumerate(assets.mesh_labels) if c == k] for k in range(len(assets.class_names))]
        self.sizes = torch.tensor([len(f) for f in files], dtype=torch.int64)
        self.rows = torch.zeros(len(files), max(self.sizes.tolist()), dtype=torch.int64)
        for k, rows in enumerate(files):
            self.rows[k, : len(rows)] = torch.tensor(rows)
        self.shapes = torch.tensor([assets.distractors[s] for s in cfg.distractors.shapes], dtype=torch.int64)


def draw_structure(plan: Plan, words: Tensor, parameters: Parameters, overrides: Overrides, meshes: MeshTable) -> Drawn:
    """Returns every draw of structure, on the CPU.

    Raises:
        ConfigError: An override of a draw of structure is not possible.
    """
    drawn: Drawn = {}
    for draw in plan.draws.values():
        if not draw.structure:
            continue
        largest = _largest(draw.name, plan, drawn, meshes)
        if draw.name in overrides:
            drawn[draw.name] = host_override(draw.name, overrides[draw.name], (len(words), *draw.shape), largest)
        elif draw.name == "objects.instance":
            # How many files there are depends on the class, so the plan cannot know it.
            drawn[draw.name] = share(words[:, draw.words.start : draw.words.stop, 0], largest + 1)
        else:
            drawn[draw.name] = plan.draw(draw.name, words, parameters).to(torch.int64)
    return drawn


def _largest(name: str, plan: Plan, drawn: Drawn, meshes: MeshTable) -> Tensor:
    """Returns the largest value that a draw of structure can take."""
    if name == "objects.instance":
        return meshes.sizes[drawn["objects.label"]] - 1
    if name == "objects.label":
        return torch.tensor(len(meshes.sizes) - 1)
    if name == "distractors.shape":
        return torch.tensor(len(meshes.shapes) - 1)
    return torch.tensor(int(plan.draws[name].law.support[1]) if name.endswith(".count") else 1)


def structure(drawn: Mapping[str, Tensor], meshes: MeshTable, largest_sigma: float) -> Structure:
    """Turns the draws of structure into mesh rows and lists.

    Args:
        drawn: From `draw_structure`.
        meshes: Of the assets.
        largest_sigma: From `largest_sigma`.
    """
    objects = meshes.rows[drawn["objects.label"], drawn["objects.instance"]]
    distractors = meshes.shapes[drawn["distractors.shape"]]
    mesh = torch.cat(
        [_present(objects, drawn["objects.count"]), _present(distractors, drawn["distractors.count"])], dim=1
    )
    return Structure(
        mesh=mesh.to(torch.int32),
        blurred=tuple(drawn["photometric.blur"].nonzero()[:, 0].tolist()),
        largest_sigma=largest_sigma,
    )


def largest_sigma(parameters: Parameters, overrides: Overrides) -> float:
    """Returns the largest blur that can be drawn, in pixels: the kernels' size, for which no device has to be asked."""
    name = "photometric.blur_sigma"
    high = parameters.law(name).support[1]
    return high if name not in overrides else max(high, float(torch.as_tensor(overrides[name]).max()))


def _present(rows: Int64[Tensor, "batch slot"], count: Int64[Tensor, "batch"]) -> Int64[Tensor, "batch slot"]:
    return torch.where(torch.arange(rows.shape[1]) < count[:, None], rows, -1)
