"""Draws scenes with pyrender when told to, and says how long it took. Run by against_pyrender.py, not by ondr's Python.

python pyrender_worker.py SCENES.json: each line on standard input draws all scenes once, and answers with the seconds.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import Any

# Before OpenGL is imported, which reads it: off the screen.
os.environ.setdefault("PYOPENGL_PLATFORM", "egl")

import numpy as np
import pyrender
import trimesh
from PIL import Image

GL_FROM_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenGL looks along -z with y up."""


def load(path: str) -> pyrender.Mesh:
    """Returns a file's meshes with their own materials."""
    return pyrender.Mesh.from_trimesh(trimesh.load(path, force="scene").dump(), smooth=True)


def build(described: dict[str, Any], meshes: dict[str, pyrender.Mesh]) -> pyrender.Scene:
    """Returns a scene whose world is the camera's frame of ondr."""
    scene = pyrender.Scene(bg_color=[0.3, 0.3, 0.3], ambient_light=[0.3, 0.3, 0.3])
    for thing in described["things"]:
        scene.add(meshes[thing["file"]], pose=GL_FROM_CAMERA @ np.array(thing["camera_from_file"]))
    for position in described["lights"]:
        pose = np.eye(4)
        pose[:3, 3] = GL_FROM_CAMERA[:3, :3] @ np.array(position)
        scene.add(pyrender.PointLight(intensity=8 * float(np.square(position).sum())), pose=pose)
    (fx, _, cx), (_, fy, cy), _ = described["intrinsics"]
    scene.add(pyrender.IntrinsicsCamera(fx, fy, cx, cy, znear=0.01, zfar=1e4))
    return scene


def main(file: str) -> None:
    """Serves until standard input ends."""
    with open(file, encoding="utf-8") as opened:
        task = json.load(opened)
    height, width = task["image_size"]
    meshes = {path: load(path) for path in {thing["file"] for s in task["scenes"] for thing in s["things"]}}
    scenes = [build(described, meshes) for described in task["scenes"]]
    renderer = pyrender.OffscreenRenderer(width, height)
    Image.fromarray(np.concatenate([renderer.render(s)[0] for s in scenes][:4], axis=1)).save(task["picture"])
    for _ in sys.stdin:
        started = perf_counter()
        for scene in scenes:
            # Colour and depth.
            renderer.render(scene)
        print(perf_counter() - started, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
