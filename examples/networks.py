"""The small convolutional networks that the examples train from scratch. They see images in 0..1."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WITH_INSTANCES = 3
"""Stages, from the first on, that normalise by instance as well."""


class InstanceBatchNorm(nn.Module):
    """Half of the channels forget how bright and rich in contrast each image is: rendered or not, that differs most.

    Source: Pan et al. 2018, "Two at once: enhancing learning and generalization capacities via IBN-Net".
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.instance = nn.InstanceNorm2d(width // 2, affine=True)
        self.batch = nn.BatchNorm2d(width - width // 2)

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.split([self.instance.num_features, self.batch.num_features], dim=1)
        return torch.cat([self.instance(one), self.batch(other)], dim=1)


def block(inside: int, outside: int, stride: int = 1, *, instances: bool = False) -> nn.Sequential:
    """Returns a 3x3 convolution with its normalisation."""
    convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
    norm = InstanceBatchNorm(outside) if instances else nn.BatchNorm2d(outside)
    return nn.Sequential(convolution, norm, nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Source: He et al. 2016, "Deep residual learning for image recognition"."""

    def __init__(self, width: int, *, instances: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(block(width, width, instances=instances), block(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Centred(nn.Module):
    """Moves images from 0..1 to -1..1."""

    def forward(self, images: Tensor) -> Tensor:
        return images * 2 - 1


def stages(widths: Sequence[int]) -> nn.ModuleList:
    """Returns one stage for each width, each at half the size of the one before; the first is a convolution alone."""
    made: list[nn.Module] = []
    for number, (inside, outside) in enumerate(zip((3, *widths), widths, strict=False)):
        instances = number < WITH_INSTANCES
        down = block(inside, outside, stride=2, instances=instances and not number)
        made.append(
            nn.Sequential(down, Residual(outside, instances=instances)) if number else nn.Sequential(Centred(), down)
        )
    return nn.ModuleList(made)
