"""Panoramas: .hdr files against files written byte by byte, what is refused, and what they send onto surfaces."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ondr
from ondr.assets.panoramas import harmonics_of, read_panorama
from ondr.assets.parts import ImageData
from ondr.assets.radiance import read_radiance
from ondr.config import Config
from ondr.errors import AssetError
from ondr.harmonics import quadratic_forms


def rgbe(light: np.ndarray) -> np.ndarray:
    """Returns bytes by Ward's formula, one pixel at a time."""
    coded = np.zeros((*light.shape[:2], 4), np.uint8)
    for place in np.ndindex(light.shape[:2]):
        most = light[place].max()
        if most > 1e-32:
            fraction, exponent = math.frexp(most)
            coded[place] = [*(light[place] * fraction * 256 / most).astype(int), exponent + 128]
    return coded


def line(values: np.ndarray) -> bytes:
    """Encodes one colour of a line: runs of equal bytes as such, all else as it is."""
    out, at = b"", 0
    while at < len(values):
        run = 1
        while at + run < len(values) and values[at + run] == values[at] and run < 127:
            run += 1
        if run > 2:
            out += bytes([128 + run, values[at]])
        else:
            out += bytes([run, *values[at : at + run]])
        at += run
    return out


def hdr(light: np.ndarray, encoded: bool = True) -> bytes:
    height, width = light.shape[:2]
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=1.0\n\n" + f"-Y {height} +X {width}\n".encode()
    pixels = rgbe(light)
    if not encoded:
        return head + pixels.tobytes()
    mark = bytes([2, 2, width >> 8, width & 255])
    return head + b"".join(mark + b"".join(line(row[:, c]) for c in range(4)) for row in pixels)


def light(height: int = 8, width: int = 16) -> np.ndarray:
    values = np.random.default_rng(0).random((height, width, 3)) * np.logspace(-3, 4, width)[:, None]
    values[2] = 0.5
    values[3, 4] = 0
    return values


@pytest.mark.parametrize("encoded", [True, False])
def test_hdr_files_are_read_to_a_256th_of_the_brightest_color(encoded: bool) -> None:
    expected = light()
    found = read_radiance(ImageData(hdr(expected, encoded), "sky.hdr"))
    assert found.shape == expected.shape
    off = np.abs(found - expected) / np.maximum(expected.max(axis=-1, keepdims=True), 1e-9)
    assert off.max() <= 1 / 128


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (hdr(light())[:-20], "must be a whole file"),
        (hdr(light(), encoded=False)[:-20], "must be a whole file"),
        (hdr(light()).replace(b"-Y 8", b"+Y 8"), "must be a Radiance HDR file of RGB, top line first"),
        (b"#?RADIANCE\n", "must be a Radiance HDR file"),
        (b"#?RADIANCE\n\n-Y 0 +X 0\n", "must be a Radiance HDR file"),
        (b"#?RADIANCE\n\n-Y 4 +X 8\n" + bytes([1, 1, 1, 9]), "must not be of the old run-length encoding"),
    ],
)
def test_broken_hdr_files_are_named(data: bytes, message: str) -> None:
    with pytest.raises(AssetError, match=f"sky.hdr {message}"):
        read_radiance(ImageData(data, "sky.hdr"))


def test_exposure_is_taken_back() -> None:
    plain = read_radiance(ImageData(hdr(light()), "sky.hdr"))
    bright = read_radiance(ImageData(hdr(light()).replace(b"EXPOSURE=1.0", b"EXPOSURE=2.0\nEXPOSURE=4"), "sky.hdr"))
    np.testing.assert_allclose(bright * 8, plain)


def test_a_picture_of_another_shape_is_no_panorama() -> None:
    with pytest.raises(AssetError, match=r"sky.hdr must be an equirectangular panorama, twice as wide.*got 12 x 8"):
        read_panorama(ImageData(hdr(light(8, 12)), "sky.hdr"))


def test_an_even_sky_lights_everything_alike() -> None:
    harmonics = harmonics_of(np.full((64, 128, 3), 0.7, np.float32))
    assert torch.allclose(irradiance(harmonics, torch.eye(3)), torch.full((3, 3), 0.7), atol=1e-4)


def test_light_comes_from_where_the_panorama_has_it() -> None:
    """A quarter of the picture is bright: right of its middle, which is clockwise of +x, around -y."""
    picture = np.zeros((64, 128, 3), np.float32)
    picture[:, 64 + 16 : 64 + 48] = 1
    directions = torch.tensor([[0.0, -1, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]])
    right, front, behind, left, up, down = irradiance(harmonics_of(picture), directions)[:, 0].tolist()
    # The exact integral of the cosine over the lune of 90 degrees, over pi; order 2 is within 3 % of the whole.
    assert right == pytest.approx(math.sin(math.pi / 4), abs=0.03)
    assert front == pytest.approx((1 - math.sin(math.pi / 4)) / 2, abs=0.03)
    assert left == pytest.approx(0, abs=0.03)
    assert behind == pytest.approx(front, abs=1e-4)
    assert up == pytest.approx(1 / 4, abs=0.03)
    assert down == pytest.approx(up, abs=1e-4)


def irradiance(harmonics: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    form = quadratic_forms(harmonics[None])[0]
    n = torch.cat([normals, torch.ones(len(normals), 1)], dim=1)
    return torch.einsum("ni,cij,nj->nc", n, form, n)


def test_panoramas_are_loaded_with_all_of_their_light(tmp_path: Path) -> None:
    bright = np.full((64, 128, 3), 0.5)
    bright[10, 20] = 5000.0  # a sun
    (tmp_path / "b.hdr").write_bytes(hdr(bright))
    Image.new("RGB", (64, 32), (255, 128, 0)).save(tmp_path / "a.png")
    assets = ondr.load_assets(Config(background={"panoramas": tmp_path, "panorama_size": 256}))
    assert len(assets.panoramas) == 2
    assert assets.panorama_scale is not None
    assert assets.panorama_harmonics is not None
    # What is stored keeps the sky; what lights surfaces has the sun.
    assert assets.panorama_scale.tolist() == pytest.approx([1.0, 0.5], rel=0.02)
    sun = 5000.0 * (2 * math.pi / 128) * (math.pi / 64) * math.sin(math.pi * 10.5 / 64)
    mean = irradiance(assets.panorama_harmonics[1], torch.cat([torch.eye(3), -torch.eye(3)]))[:, 0].mean()
    # The mean over opposite directions is that of the harmonic of order 0: half of the sun's flux over 2 pi.
    assert mean.item() == pytest.approx(0.5 + sun / (4 * math.pi), rel=0.05)


def test_one_panorama_needs_no_folder(tmp_path: Path) -> None:
    (tmp_path / "sky.hdr").write_bytes(hdr(light(32, 64)))
    (tmp_path / "task.yaml").write_text("background: {panoramas: sky.hdr}")
    assert len(ondr.load_assets(Config.load(tmp_path / "task.yaml")).panoramas) == 1


def test_a_jpeg_that_is_no_panorama_is_named(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG")
    (tmp_path / "photo.jpg").write_bytes(buffer.getvalue())
    with pytest.raises(AssetError, match=r"photo.jpg must be an equirectangular panorama.*background.photos"):
        ondr.load_assets(Config(background={"panoramas": tmp_path}))
