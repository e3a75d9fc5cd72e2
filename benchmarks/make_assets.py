"""Makes what the case `full` needs and the repository does not ship: a mesh of 16k faces and photo-like backgrounds.

They lie in `assets/` beside this file, the same on every machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

ASSETS = Path(__file__).parent / "assets"
PHOTOS, PHOTO_SIZE = 24, (321, 481)
SIDE = 90
"""Vertices along and around the scan: 2 * 90 * 90 faces, as many as a scan has that was reduced to 16k."""


def make_assets() -> Path:
    """Writes what is missing and returns the folder."""
    mesh, photos = ASSETS / "meshes" / "scan" / "scan.obj", ASSETS / "photos"
    if not mesh.exists():
        mesh.parent.mkdir(parents=True, exist_ok=True)
        bumpy_ball().export(mesh)
    if not photos.is_dir():
        photos.mkdir(parents=True)
        for i in range(PHOTOS):
            Image.fromarray(cloudy_picture(np.random.default_rng(i), PHOTO_SIZE)).save(photos / f"{i:02}.jpg")
    return ASSETS


def bumpy_ball() -> trimesh.Trimesh:
    """Returns a ball with bumps of 12 cm and a texture laid around it."""
    u, v = (a.ravel() for a in np.meshgrid(np.linspace(0, 1, SIDE + 1), np.linspace(0, 1, SIDE + 1)))
    azimuth, polar = 2 * np.pi * u, np.pi * v
    radius = 0.06 * (1 + 0.08 * np.sin(5 * azimuth) * np.sin(4 * polar) ** 2)
    direction = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
    corner = np.arange(SIDE * (SIDE + 1)).reshape(SIDE, SIDE + 1)[:, :-1].ravel()
    beside, below = corner + 1, corner + SIDE + 1
    faces = np.concatenate([np.stack([corner, below, beside], 1), np.stack([beside, below, below + 1], 1)])
    picture = Image.fromarray(cloudy_picture(np.random.default_rng(99), (512, 512)))
    material = trimesh.visual.material.SimpleMaterial(image=picture, diffuse=(255, 255, 255, 255))
    visual = trimesh.visual.TextureVisuals(uv=np.stack([u, v], axis=1), material=material)
    return trimesh.Trimesh(radius[:, None] * direction, faces, visual=visual, process=False)


def cloudy_picture(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Returns coloured noise of all scales, uint8 [H, W, 3]: as hard to fetch and to filter as a photo."""
    picture = np.zeros((*size, 3))
    for octave in range(1, 8):
        grid = (random.random((2**octave + 1, 2**octave + 1, 3)) * 255).astype(np.uint8)
        layer = Image.fromarray(grid).resize(size[::-1], Image.Resampling.BICUBIC)
        picture += np.asarray(layer) / 2**octave
    low, high = picture.min(), picture.max()
    return ((picture - low) / (high - low) * 255).astype(np.uint8)


if __name__ == "__main__":
    print(make_assets())
