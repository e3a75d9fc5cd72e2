"""The small convolutional networks that the examples train from scratch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


def block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """Returns a 3x3 convolution with its normalisation."""
    convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Source: He et al. 2016, "Deep residual learning for image recognition"."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(block(width, width), block(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def stages(widths: Sequence[int]) -> nn.ModuleList:
    """Returns one stage for each width, each at half the size of the one before; the first is a convolution alone."""
    first, *others = (block(i, o, stride=2) for i, o in zip((3, *widths), widths, strict=False))
    return nn.ModuleList([first, *(nn.Sequential(s, Residual(w)) for s, w in zip(others, widths[1:], strict=True))])


def encoder(widths: Sequence[int], outputs: int) -> nn.Sequential:
    """Returns a network from images `[B, 3, H, W]` to `[B, outputs]`."""
    return nn.Sequential(*stages(widths), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], outputs))
