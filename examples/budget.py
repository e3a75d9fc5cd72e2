"""How long an example trains, in steps or minutes, with a progress bar that shows the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import TypeVar

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor

T = TypeVar("T")

SHOWN_EVERY = 10
"""Steps. Each look at the loss waits for a GPU to finish its work."""
WARMUP_SHARE = 0.03


class Budget:
    """Hands out batches until the steps or the minutes are used up, whichever comes first."""

    def __init__(self, steps: int | None, minutes: float | None) -> None:
        """Takes one limit or both."""
        self.steps, self.minutes = steps, minutes
        self.losses: list[float] = []
        self._waiting: list[Tensor] = []
        self._started = perf_counter()
        self._took = 0.0
        self._done = 0

    @property
    def seconds(self) -> float:
        """Since training began; once it is over, how long it took."""
        return self._took or perf_counter() - self._started

    @property
    def share(self) -> float:
        """How much of the budget is used, 0..1."""
        by_time = self.seconds / (60 * self.minutes) if self.minutes else 0
        by_steps = self._done / self.steps if self.steps else 0
        return min(1.0, max(by_time, by_steps))

    def batches(self, loader: Iterable[T]) -> Iterator[T]:
        """Yields batches of an endless loader while a bar shows how far training is."""
        columns = (
            TextColumn("step {task.fields[step]}  loss {task.fields[loss]:.3f}"),
            BarColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns) as bar:
            task = bar.add_task("train", total=1.0, step=0, loss=math.nan)
            # The first batch comes with compiling, which is not training.
            for batch in loader:
                self._started = self._started if self._done else perf_counter()
                yield batch
                self._done += 1
                over = self.share >= 1
                if over or self._done % SHOWN_EVERY == 0:
                    bar.update(task, completed=self.share, step=self._done, loss=self._read_losses())
                if over:
                    self._took = self.seconds
                    return

    def report(self, loss: Tensor) -> None:
        """Keeps the loss of a step, without waiting for it."""
        self._waiting.append(loss.detach())

    def schedule(self, optimizer: torch.optim.Optimizer, peak: float) -> None:
        """Sets the learning rate: a short rise to the peak, then half a cosine down to zero."""
        rise = min(1.0, (self.share + 1e-3) / WARMUP_SHARE)
        for group in optimizer.param_groups:
            group["lr"] = peak * rise * 0.5 * (1 + math.cos(math.pi * self.share))

    def ends(self) -> tuple[float, float]:
        """Returns the mean loss of the first and of the last tenth of the steps."""
        self._read_losses()
        tenth = max(1, len(self.losses) // 10)
        return sum(self.losses[:tenth]) / tenth, sum(self.losses[-tenth:]) / tenth

    def summary(self) -> str:
        """Says how far the loss has fallen."""
        first, last = self.ends()
        return f"{self._done} steps in {self.seconds / 60:.1f} min, loss {first:.4f} -> {last:.4f}"

    def _read_losses(self) -> float:
        if self._waiting:
            self.losses += torch.stack(self._waiting).float().tolist()
            self._waiting.clear()
        recent = self.losses[-SHOWN_EVERY:]
        return sum(recent) / len(recent) if recent else math.nan
