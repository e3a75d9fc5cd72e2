"""The interface of a format: the outputs that it needs, how a sample is written, and how a set is closed.

A format only turns labels into bytes. Rendering, files, interruption and resuming are left to `write` and `folder`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from jaxtyping import UInt8
from torch import Tensor

from ondr.assets.bank import Assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.errors import ConfigError
from ondr.export.pictures import encode_picture
from ondr.laws import Law

ImageFormat = Literal["png", "jpeg"]
Camera = Literal["any", "straight", "upright"]
"""Cameras that a format can express. straight: not mirrored or rotated, no lens; upright: without skew as well."""
SUFFIXES: dict[ImageFormat, str] = {"png": ".png", "jpeg": ".jpg"}


@dataclass(frozen=True)
class Source:
    """What all samples of a set share."""

    cfg: Config
    assets: Assets
    """On the CPU."""
    image_format: ImageFormat

    @property
    def suffix(self) -> str:
        """Suffix of the images' names."""
        return SUFFIXES[self.image_format]

    @property
    def bare_names(self) -> list[str]:
        """Class names without white space, which is a separator in some formats."""
        return ["_".join(name.split()) for name in self.assets.class_names]


@dataclass(frozen=True)
class Image:
    """One image with its labels."""

    number: int
    """From 0, without gaps."""
    pixels: UInt8[Tensor, "height width 3"]
    targets: Targets
    """The targets of this image alone, on the CPU, in row 0."""

    @property
    def name(self) -> str:
        """The number with six digits, which most formats use as file name."""
        return f"{self.number:06d}"

    def encoded(self, source: Source) -> bytes:
        """Encodes the picture in the set's image format."""
        return encode_picture(self.pixels, source.image_format)


@dataclass(frozen=True)
class Sample:
    """What is written for one image."""

    files: dict[str, bytes]
    """File contents by path below the set's folder."""
    record: Any = field(default_factory=dict)
    """What the set's own files need of this sample: plain numbers, strings, lists and dicts."""


class Format(Protocol):
    """How a set is written."""

    outputs: ClassVar[tuple[str, ...]]
    """Fields of Targets that it needs. It uses others if the config names them."""
    camera: ClassVar[Camera]
    """The cameras that it can express."""

    def check(self, source: Source) -> None:
        """Refuses what this format cannot express, before anything is rendered.

        Raises:
            ConfigError: A setting is incompatible with the format.
        """

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns what is written for one image.

        Raises:
            ConfigError: The format cannot express the image.
        """

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields path and content of the set's own files, after all samples were written.

        Args:
            source: What all samples share.
            records: Records of all samples, in order.
        """


NEUTRAL: dict[Camera, dict[str, str]] = {
    "any": {},
    "straight": {
        "augmentation.flip_horizontal": "mirrored",
        "augmentation.flip_vertical": "mirrored",
        "augmentation.rotation_degrees": "turned",
        **{f"camera.distortion.{name}": "seen through a lens" for name in ("k1", "k2", "k3", "p1", "p2")},
    },
}
NEUTRAL["upright"] = NEUTRAL["straight"] | {
    "augmentation.shear_degrees": "leaning",
    "camera.rolling_shutter_x": "leaning",
}
"""For each `Camera`, the quantities that must be 0, and what images are otherwise, in words."""


def check_camera(cfg: Config, name: str, camera: Camera) -> None:
    """Refuses a config whose cameras a format cannot express, before anything is rendered.

    Args:
        cfg: The settings.
        name: The format, for the message.
        camera: `Format.camera`.

    Raises:
        ConfigError: A law may draw such a camera.
    """
    used = cfg.quantities()
    for quantity, kind in NEUTRAL[camera].items():
        if quantity not in used:
            continue
        law, spec = used[quantity]
        if isinstance(law, Law) and law.support != (0, 0):
            neutral = "false" if spec.kind == "bool" else "0"
            raise ConfigError(
                f"{quantity} must be {neutral} for format {name}, which cannot say that an image is {kind}, got "
                f"{law.to_config()}. Add -o {quantity}={neutral}, or choose coco or yolo."
            )


def as_json(value: Any) -> bytes:
    """Encodes a value as JSON, with a line for each entry of its outermost level."""
    if not isinstance(value, dict) or not value:
        return (json.dumps(value) + "\n").encode()
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(inner)}" for key, inner in value.items())
    return f"{{\n{lines}\n}}\n".encode()
