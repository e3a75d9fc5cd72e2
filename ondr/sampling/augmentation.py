"""Linear maps of the image, multiplied into the camera's matrix before anything is rendered."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ondr.draws import Draws
from ondr.geometry import product, rotation_about
from ondr.sampling.active import Active
from ondr.scene import Background, Camera

NAMES = (
    "flip_horizontal",
    "flip_vertical",
    "crop",
    "aspect",
    "rotation_degrees",
    "shear_degrees",
    "translate_x",
    "translate_y",
)
SHUTTER = ("camera.rolling_shutter_x", "camera.rolling_shutter_y")


def image_map(draws: Draws, active: Active, size: tuple[int, int]) -> Float[Tensor, "batch 3 3"] | None:
    """Returns the map from the pixels of the image as laid out to those of the final image; None for the identity.

    Args:
        draws: Everything drawn.
        active: Which quantities may differ from neutral.
        size: Height and width.
    """
    if not active.any((*SHUTTER, *(f"augmentation.{name}" for name in NAMES))):
        return None
    return product(crop(draws, size), product(affine(draws, size), rolling_shutter(draws, size)))


def mapped(camera: Camera, image: Float[Tensor, "batch 3 3"] | None) -> Camera:
    """Returns the cameras with the map multiplied into their intrinsics."""
    return camera if image is None else replace(camera, intrinsics=product(image, camera.intrinsics))


def seen_through(background: Background, image: Float[Tensor, "batch 3 3"] | None) -> Background:
    """Returns the backgrounds mapped along with the image."""
    if image is None:
        return background
    return replace(background, uv_from_pixel=product(background.uv_from_pixel, inverse(image)))


def rolling_shutter(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 3 3"]:
    """Returns the shear of a camera that moves while it reads the image from top to bottom.

    Source: Meingast et al. 2005, "Geometric models of rolling-shutter cameras", for motion across the line of sight
        and the same shift at all depths.
    """
    x, y = (draws[name] for name in SHUTTER)
    return _matrix((1, x / size[0], -x / 2), (0, 1 + y / size[0], -y / 2), like=x)


def affine(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 3 3"]:
    """Returns flips, stretch, shear, rotation and shift, in this order, about the middle of the image."""
    height, width = size
    drawn = {name: draws[f"augmentation.{name}"].to(torch.float32) for name in NAMES}
    stretch = drawn["aspect"].sqrt()
    x, y = (1 - 2 * drawn["flip_horizontal"]) * stretch, (1 - 2 * drawn["flip_vertical"]) / stretch
    lean = torch.tan(torch.deg2rad(drawn["shear_degrees"]))
    to_middle = _matrix((1, 0, -width / 2), (0, 1, -height / 2), like=x)
    shear = _matrix((x, lean * y, 0), (0, y, 0), like=x)
    turn = product(rotation_about("z", drawn["rotation_degrees"]), product(shear, to_middle))
    return product(
        _matrix((1, 0, width * (0.5 + drawn["translate_x"])), (0, 1, height * (0.5 + drawn["translate_y"])), like=x),
        turn,
    )


def crop(draws: Draws, size: tuple[int, int]) -> Float[Tensor, "batch 3 3"]:
    """Returns the map that enlarges a part of the image to full size."""
    height, width = size
    share = draws["augmentation.crop"]
    left, top = ((1 - share) * draws[f"augmentation.crop_{axis}"] for axis in "xy")
    return _matrix((1 / share, 0, -left * width / share), (0, 1 / share, -top * height / share), like=share)


def inverse(image: Float[Tensor, "batch 3 3"]) -> Float[Tensor, "batch 3 3"]:
    """Returns the inverses of affine maps."""
    a, b, x = image[:, 0].unbind(-1)
    c, d, y = image[:, 1].unbind(-1)
    determinant = a * d - b * c
    return _matrix(
        (d / determinant, -b / determinant, (b * y - d * x) / determinant),
        (-c / determinant, a / determinant, (c * x - a * y) / determinant),
        like=a,
    )


def _matrix(first: tuple[Tensor | float, ...], second: tuple[Tensor | float, ...], like: Tensor) -> Tensor:
    rows = (first, second, (0.0, 0.0, 1.0))
    return torch.stack([torch.stack([like * 0 + value for value in row], dim=-1) for row in rows], dim=-2)
