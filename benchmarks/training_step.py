"""What a stream costs a training loop on the same device: steps on fresh images, and on one batch that lies there.

python benchmarks/training_step.py --device cuda

The trainer alone makes T images/s and the stream alone R. One device that does both in turn makes 1 / (1/R + 1/T),
which is R / (R + T) of T: the best there is without a second device. It is printed beside what was measured.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

import ondr

sys.path.insert(0, str(Path(__file__).parent))
from throughput import machine, settings_of

TURNS = 5
WARMUP = 3


class Bottleneck(nn.Module):
    """Source: He et al. 2016, "Deep residual learning for image recognition", figure 5."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = 4 * width
        self.body = nn.Sequential(
            *self.convolution(inside, width, 1, 1), nn.ReLU(inplace=True),
            *self.convolution(width, width, 3, stride), nn.ReLU(inplace=True),
            *self.convolution(width, outside, 1, 1),
        )  # fmt: skip
        same = inside == outside and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*self.convolution(inside, outside, 1, stride))

    @staticmethod
    def convolution(inside: int, outside: int, size: int, stride: int) -> tuple[nn.Module, nn.Module]:
        """Returns a convolution and its normalisation."""
        return nn.Conv2d(inside, outside, size, stride, size // 2, bias=False), nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet(classes: int, depths: tuple[int, ...], width: int) -> nn.Sequential:
    """Returns a residual network: depths 3 4 6 3 and width 64 make a ResNet-50."""
    layers: list[nn.Module] = [*Bottleneck.convolution(3, width, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inside = width
    for stage, depth in enumerate(depths):
        for block in range(depth):
            layers.append(Bottleneck(inside, width << stage, 2 if stage and not block else 1))
            inside = 4 * (width << stage)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, classes))


def trainer(model: nn.Module, device: str) -> Callable[[Tensor, Tensor], None]:
    """Returns one training step, in bfloat16 on CUDA."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step(images: Tensor, labels: Tensor) -> None:
        fast = torch.autocast("cuda", torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
        with fast:
            loss = nn.functional.cross_entropy(model(images), labels, ignore_index=-1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def rate(run: Callable[[], None], batches: int, batch_size: int, device: str) -> float:
    """Returns images/s of something that is run for each batch."""
    started = perf_counter()
    for _ in range(batches):
        run()
    if device == "cuda":
        torch.cuda.synchronize()
    return batches * batch_size / (perf_counter() - started)


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cuda",
    config: Annotated[str, typer.Option(help="A preset with image_class among its outputs.")] = "classification",
    overrides: Annotated[list[str] | None, typer.Option("-o", help="key=value for the config.")] = None,
    small: Annotated[bool, typer.Option(help="A network of a few layers, for a try on a CPU.")] = False,
    batches: Annotated[int, typer.Option(help="In each turn.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Measure the trainer alone, the stream alone, and both."""
    cfg = ondr.preset(config, [f"device={device}", "outputs=[image_class]", *(overrides or [])])
    scenes = ondr.RandomizedScenes(cfg)
    stream: Iterator[ondr.Batch] = iter(scenes)
    depths, width = ((1, 1), 8) if small else ((3, 4, 6, 3), 64)
    step = trainer(resnet(len(scenes.class_names), depths, width).to(device), device)
    still = next(stream)

    def fed() -> None:
        batch = next(stream)
        step(batch.images, batch.targets.image_class)

    kinds: dict[str, Callable[[], None]] = {
        "trainer": lambda: step(still.images, still.targets.image_class),
        "stream": lambda: next(stream) and None,
        "both": fed,
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for run in kinds.values():
        rate(run, WARMUP, cfg.batch_size, device)
    for _ in range(TURNS):
        for name, run in kinds.items():
            found[name].append(rate(run, batches, cfg.batch_size, device))
    t, r, m = (median(found[name]) for name in ("trainer", "stream", "both"))
    print(f"trainer alone {t:.0f} images/s, stream alone {r:.0f}, both {m:.0f}")
    print(f"training runs at {m / t:.2f} of its speed without rendering; R / (R + T) = {r / (r + t):.2f}")
    if json_file is not None:
        figures = {"images_per_second": found, "measured": m / t, "expected": r / (r + t)}
        json_file.write_text(json.dumps({**machine(device), "config": settings_of(cfg), **figures}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
