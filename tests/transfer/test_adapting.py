"""Statistics of batch normalisation become those of the photos, as far as wanted, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from adapting import adapt
from torch import nn


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 1))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_statistics_are_a_mixture(share: float) -> None:
    model = network()
    photos = [torch.rand(1, 3, 8, 12) for _ in range(5)]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = [model[0](photo)[0].flatten(1) for photo in photos]
    adapt(model, photos, share)
    # The mean of each photo's own mean, and of its own unbiased variance.
    mean = share * torch.stack([s.mean(1) for s in seen]).mean(0) + (1 - share) * before["1.running_mean"]
    variance = share * torch.stack([s.var(1) for s in seen]).mean(0) + (1 - share) * before["1.running_var"]
    torch.testing.assert_close(model[1].running_mean, mean)
    torch.testing.assert_close(model[1].running_var, variance)
    assert not model.training
    assert not model[1].training
    assert model[1].momentum == 0.1
    for name, value in model.state_dict().items():
        assert "running" in name or "tracked" in name or torch.equal(value, before[name])
