"""Depth as a camera measures it: nothing off where nothing is, noise and steps as said, holes at edges alone."""

from __future__ import annotations

import pytest
import torch

import ondr
from ondr.depth_sensor import edges, measured
from ondr.scene import DepthNoise
from ondr.settings.depth_sensor import DepthSensor


def sensor(noise_std: float = 0, step: float = 0, edge_holes: float = 0, batch: int = 1) -> DepthNoise:
    return DepthNoise(*(torch.full((batch,), float(v)) for v in (noise_std, step, edge_holes)))


def wall(metres: float, batch: int = 1) -> torch.Tensor:
    return torch.full((batch, 1, 128, 128), metres)


def test_a_perfect_sensor_measures_the_depth() -> None:
    depth = torch.rand(2, 1, 40, 50) * 5
    depth[:, :, 10:20] = 0
    assert torch.equal(measured(depth, sensor(batch=2), DepthSensor(), 0, torch.arange(2)), depth)


@pytest.mark.parametrize("metres", [0.5, 1.0, 4.0])
def test_noise_grows_with_the_square_of_the_depth(metres: float) -> None:
    off = measured(wall(metres), sensor(noise_std=0.002), DepthSensor(), 3, torch.arange(1)) - metres
    # 16,384 pixels: the standard deviation is known to 0.6 %, the mean to 0.8 % of it.
    assert off.std().item() == pytest.approx(0.002 * metres**2, rel=0.03)
    assert abs(off.mean().item()) < 0.04 * 0.002 * metres**2


def test_noise_is_that_of_the_image_and_of_no_other() -> None:
    first, both = (measured(wall(1.0, b), sensor(0.01, batch=b), DepthSensor(), 3, torch.arange(b)) for b in (1, 2))
    assert torch.equal(first[0], both[0])
    assert not torch.equal(both[0], both[1])


def test_steps_are_those_of_disparity() -> None:
    depth = torch.linspace(0.5, 5, 4096).view(1, 1, 64, 64)
    told = measured(depth, sensor(step=0.003), DepthSensor(), 0, torch.arange(1))
    number = 1 / (told * 0.003)
    torch.testing.assert_close(number, number.round(), rtol=0, atol=1e-3)
    # Half a step: 0.0015 z^2, to first order.
    assert ((told - depth).abs() <= 0.00152 * depth**2 + 1e-6).all()


def test_holes_are_beside_jumps_alone() -> None:
    depth = wall(2.0)
    depth[..., 50:] = 2.3
    depth[..., 100:] = 0
    found = measured(depth, sensor(edge_holes=0.5), DepthSensor(), 1, torch.arange(1))[0, 0]
    beside = torch.zeros(128, dtype=torch.bool)
    beside[[49, 50, 99]] = True
    assert (found[:, ~beside] == depth[0, 0][:, ~beside]).all()
    # 384 pixels: 0.5 with a standard deviation of 0.026.
    assert (found[:, beside] == 0).double().mean().item() == pytest.approx(0.5, abs=0.1)
    gentle = depth.clone()
    gentle[..., 50:100] = 2.05
    assert not edges(gentle, 0.05)[0, 0, :, 49:51].any()


def test_what_is_too_near_or_too_far_is_not_measured() -> None:
    depth = torch.tensor([0.3, 0.6, 2.0, 4.0, 6.0]).view(1, 1, 1, 5)
    found = measured(depth, sensor(), DepthSensor(nearest_metres=0.5, farthest_metres=5), 0, torch.arange(1))
    assert found.flatten().tolist() == pytest.approx([0, 0.6, 2.0, 4.0, 0])


def test_noise_never_leaves_a_depth_behind_the_camera() -> None:
    found = measured(wall(5.0), sensor(noise_std=0.1, step=0.003), DepthSensor(), 0, torch.arange(1))
    # Two standard deviations below zero: 2.3 % of 16,384 pixels.
    assert 200 < (found == 0).sum() < 600
    assert found[found > 0].min() > 1e-3


def test_a_range_has_an_extent() -> None:
    with pytest.raises(
        ondr.errors.ConfigError, match=r"depth_sensor.farthest_metres must be more than .* = 5.0, got 1"
    ):
        ondr.Config(depth_sensor={"nearest_metres": 5, "farthest_metres": 1})


def test_a_stream_measures_depth() -> None:
    cfg = ondr.Config(
        image_size=[64, 64], batch_size=4, classes=["mug"], outputs=["depth", "sensor_depth"], render={"compile": False}
    )
    targets = next(iter(ondr.RandomizedScenes(cfg))).targets
    assert targets.sensor_depth is not None
    assert ((targets.sensor_depth > 0) <= (targets.depth > 0)).all()
    there = targets.sensor_depth > 0
    off = (targets.sensor_depth - targets.depth)[there] / targets.depth[there] ** 2
    assert 0.001 < off.std() < 0.003
