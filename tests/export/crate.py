"""One image of one crate, every number of which can be worked out by hand; the files in `written/` were.

The camera has a focal length of 100 pixels and looks at a crate of 0.4 x 0.2 x 0.1 m, whose file counts centimetres
from a corner. Its file's x axis points away from the camera, y to the left, z up. Its middle lies at (0.6, 0.3, 2.0) m.
84 of its 112 pixels are seen. A second object is below the limits of `labels.*`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from ondr import load_assets
from ondr.batch import Targets
from ondr.config import Config
from ondr.export.formats.base import Image, Source

SIZE = (80, 100)
WRITTEN = Path(__file__).parent / "written"
ROTATION = torch.tensor([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
OBJ = """
v 0 0 0
v 40 0 0
v 40 20 0
v 0 20 0
v 0 0 10
v 40 0 10
v 40 20 10
v 0 20 10
f 1 4 3 2
f 5 6 7 8
f 1 2 6 5
f 2 3 7 6
f 3 4 8 7
f 4 1 5 8
"""


def crate_source(folder: Path) -> Source:
    """Writes the mesh below a folder and returns what a set of it has in common."""
    path = folder / "traffic crate" / "one.obj"
    path.parent.mkdir()
    path.write_text(OBJ)
    cfg = Config(
        image_size=SIZE,
        device="cpu",
        objects={"meshes": folder, "unit": "cm"},
        distractors={"count": 0},
        materials={"textures": None},
    )
    return Source(cfg, load_assets(cfg), "png")


def crate_image(ignored: bool = True) -> Image:
    """Returns the image; with its second object, which is ignored, or without."""
    instances = torch.full((1, *SIZE), -1, dtype=torch.int16)
    instances[0, 52:59, 73:85] = 0
    if ignored:
        instances[0, 0:20, 0:10] = 1
    pose = torch.eye(4).repeat(1, 2, 1, 1)
    pose[0, 0, :3, :3] = ROTATION
    pose[0, 0, :3, 3] = torch.tensor([0.7, 0.35, 1.8])
    second = 0 if ignored else -1
    targets = Targets(
        image_size=SIZE,
        sample_ids=torch.tensor([0]),
        boxes=torch.tensor([[[73.0, 52, 85, 59], [0, 0, 10, 20]]]),
        boxes_amodal=torch.tensor([[[72.727273, 51.363636, 88.888889, 59.444444], [0, 0, 10, 20]]]),
        labels=torch.tensor([[0, second]]),
        mesh_ids=torch.tensor([[0, second]]),
        visibility=torch.tensor([[0.75, 0.05]]),
        truncation=torch.zeros(1, 2),
        ignored=torch.tensor([[False, ignored]]),
        instances=instances,
        depth=torch.where(instances >= 0, 1.9, 0.0)[:, None],
        camera_from_object=pose,
        scale=torch.full((1, 2, 3), 0.01),
        intrinsics=torch.tensor([[[100.0, 0, 50], [0, 100, 40], [0, 0, 1]]]),
        distortion=torch.zeros(1, 5),
        camera_from_world=torch.eye(4)[None],
    )
    return Image(0, torch.zeros(*SIZE, 3, dtype=torch.uint8), targets)


def empty_image() -> Image:
    """Returns the image without any object."""
    image = crate_image(ignored=False)
    nothing = torch.full((1, 2), -1)
    blank = replace(
        image.targets, labels=nothing, mesh_ids=nothing, instances=torch.full_like(image.targets.instances, -1)
    )
    return replace(image, targets=blank)
