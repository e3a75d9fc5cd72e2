"""Cameras as they are sampled: a field of view, or what a calibration found, and what is off of it."""

from __future__ import annotations

import pytest
import torch

import ondr
from ondr.errors import ConfigError
from tests.sampling.tiny import tiny_assets

ASSETS = tiny_assets()
FOUND = {"fx": 610.0, "fy": 605.0, "cx": 321.5, "cy": 239.0, "size": [480, 640]}


def intrinsics(**camera: object) -> torch.Tensor:
    cfg = ondr.Config(image_size=[240, 320], camera=camera)
    return ondr.sample_scene(cfg, ASSETS, torch.arange(16)).camera.intrinsics


def test_a_calibrated_camera_sees_points_where_opencv_has_them() -> None:
    k = intrinsics(calibration=FOUND)
    point = torch.tensor([0.2, -0.1, 1.5])
    # OpenCV's pixel 0 has its centre at 0, ours at 0.5; at half the size, everything lies at half.
    opencv = torch.tensor([610 * 0.2 / 1.5 + 321.5, 605 * -0.1 / 1.5 + 239.0])
    seen = (k @ point)[:, :2] / 1.5
    torch.testing.assert_close(seen, ((opencv + 0.5) / 2).expand(16, 2))


def test_what_is_off_is_off_by_that() -> None:
    exact, off = intrinsics(fov_degrees=50), intrinsics(fov_degrees=50, focal_factor=[0.9, 1.1])
    factor = off[:, 0, 0] / exact[:, 0, 0]
    assert (factor > 0.9).all()
    assert (factor < 1.1).all()
    assert factor.std() > 0.02
    torch.testing.assert_close(off[:, 1, 1], exact[:, 1, 1] * factor)
    torch.testing.assert_close(off[:, :, 2], exact[:, :, 2])
    shifted = intrinsics(calibration=FOUND, principal_x=0.1, principal_y=-0.05)
    moved = shifted - intrinsics(calibration=FOUND)
    torch.testing.assert_close(moved[:, :2, 2], torch.tensor([32.0, -12.0]).expand(16, 2))
    assert (moved[:, :, :2] == 0).all()


def test_a_calibrated_camera_has_no_field_of_view() -> None:
    cfg = ondr.Config(image_size=[240, 320], camera={"calibration": FOUND})
    assert "camera.fov_degrees" not in cfg.quantities()
    assert "camera.fov_degrees" not in ondr.sample_scene(cfg, ASSETS, torch.arange(2)).draws
    # A preset's field of view gives way.
    written = "camera.calibration={fx: 200, fy: 200, cx: 111.5, cy: 111.5, size: [224, 224]}"
    assert "camera.fov_degrees" not in ondr.preset("tobin2017", [written]).quantities()
    assert ondr.Config(**cfg.to_dict()).camera.calibration == cfg.camera.calibration


def test_a_calibration_is_whole() -> None:
    with pytest.raises(ConfigError, match=r"camera.calibration.fy must be given"):
        ondr.Config(camera={"calibration": {"fx": 600, "cx": 320, "cy": 240, "size": [480, 640]}})
    for wrong in ({"fx": -1}, {"fx": float("inf")}, {"cx": float("nan")}, {"size": [0, 640]}):
        (key,) = wrong
        with pytest.raises(ConfigError, match=rf"camera.calibration.{key} must be"):
            ondr.Config(camera={"calibration": {**FOUND, **wrong}})


@pytest.mark.parametrize("size", [[640, 480], [256, 256]])
def test_a_calibration_is_of_images_of_the_same_shape(size: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"camera.calibration.size .* must have the shape of image_size = .240, 320"):
        ondr.Config(image_size=[240, 320], camera={"calibration": {**FOUND, "size": size}})
