"""What a trial needs, read once: meshes, photos, a network and how long it is trained."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from budget import Budget
from rich.console import Console
from torch import nn
from training import Batches

import ondr
from benchmarks.transfer.task import Task


@dataclass
class Setup:
    """Meshes and photos of the same classes."""

    task: Task
    scenes: ondr.RandomizedScenes
    photos: Any
    seed: int
    images: int | None
    """That a network is trained on."""
    minutes: float | None
    """That a network is trained for."""
    budgets: list[Budget] = field(default_factory=list)
    """One for each training."""
    parameters: int = 0
    """Of the last network."""

    @classmethod
    def read(cls, task: Task, options: Namespace) -> Setup:
        """Reads meshes and photos. Classes that only one of them has are left out, and said.

        Raises:
            ConfigError: A setting is wrong.
            ValueError: The labels or a photo cannot be read, or no photo shows what a mesh is of.
        """
        cfg = config_of(task, options)
        labelled, of_meshes = task.labelled(options), ondr.load_assets(cfg).class_names
        common = [name for name in of_meshes if name in labelled]
        if not common:
            raise ValueError(
                f"labels must name a class of the meshes, {list(of_meshes)}, got {sorted(labelled)}. Rename the "
                "folders of the meshes."
            )
        left_out = {"photo": set(of_meshes) - labelled, "mesh": labelled - set(of_meshes)}
        for missing, names in left_out.items():
            if names:
                Console(stderr=True).print(f"left out, without a {missing}: {', '.join(sorted(names))}")
        cfg = cfg.with_overrides([f"classes={common}"])
        scenes = ondr.RandomizedScenes(cfg, hooks=task.hooks(cfg))
        photos = task.photos(options, scenes.cfg, scenes.class_names)
        photos.check()
        return cls(task, scenes, photos, options.seed, options.images, options.minutes)

    def budget(self, share: float = 1.0) -> Budget:
        """Returns how long a network is trained, or a share of that."""
        size = self.scenes.cfg.batch_size
        steps = None if self.images is None else max(1, round(share * self.images / size))
        self.budgets.append(Budget(steps, None if self.minutes is None else share * self.minutes))
        return self.budgets[-1]

    def trained(self, batches: Batches) -> nn.Module:
        """Returns a network that was trained on these batches. It begins as any other with this seed."""
        torch.manual_seed(self.seed)
        model = self.task.network(self.scenes).to(self.scenes.device)
        self.parameters = sum(p.numel() for p in model.parameters())
        self.task.train(model, batches, self.budget())
        return model

    def see(self, model: nn.Module, places: Sequence[int] | None = None, *, as_in_batches: bool = False) -> list[Any]:
        """Returns what a network sees in some photos; in all, if left out."""
        photos = self.photos.as_in_batches() if as_in_batches else self.photos
        return self.task.see(model, photos, range(len(photos)) if places is None else places)


def config_of(task: Task, options: Namespace) -> ondr.Config:
    """Returns what is rendered: a preset or a file, what the task needs of it, and the user's changes.

    Raises:
        ConfigError: A setting is wrong.
    """
    named = options.config or task.preset
    is_file = Path(named).suffix in (".yaml", ".yml")
    size = options.size or (None if is_file else task.size)
    changes = [
        f"seed={options.seed}",
        f"device={options.device}",
        f"outputs=[{','.join(task.outputs)}]",
        *([f"image_size=[{size},{size}]"] if size else []),
        *([f"objects.meshes={options.meshes}"] if options.meshes else []),
        *task.changes(options),
        *options.overrides,
    ]
    return ondr.Config.load(named, changes) if is_file else ondr.preset(named, changes)
