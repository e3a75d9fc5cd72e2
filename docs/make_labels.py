"""Makes the pictures of docs/labels.md: one scene, and what each output says about it.

Run it after a change of labels: `python docs/make_labels.py`. It says something of three of the sample meshes.
"""

from __future__ import annotations

import colorsys
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

import ondr
from ondr.assets.files import sample_folder
from ondr.batch import Batch, Targets
from ondr.drawing.cuboids import draw_3d_labels
from ondr.drawing.labels import class_color, draw_marks, marks_of
from ondr.motion import moved
from ondr.settings import Output

FOLDER = Path(__file__).parent / "labels"
SAMPLE = 36
SCALE = 1
DARK = 0.25
"""Share of the image's brightness under what is painted on it."""
MESHES = ("mug/classic.obj", "toy_car/sedan.obj", "bottle/oil.obj", "teapot/round.obj")


def main() -> None:
    """Makes the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        batch, later = render(Path(folder))
    for name, picture in pictures(batch, later).items():
        picture.save(FOLDER / f"{name}.jpg", quality=85)
    print(f"{FOLDER}: {sum(path.stat().st_size for path in FOLDER.iterdir()) / 1024:.0f} KB")


def render(folder: Path) -> tuple[Batch, Batch]:
    """Returns a scene with every output, and the same scene moved."""
    for name in MESHES:
        shutil.copytree((sample_folder("meshes") / name).parent, folder / Path(name).parent)
        for other in (folder / name).parent.iterdir():
            if other.stem != Path(name).stem:
                other.unlink()
    describe(folder)
    cfg = ondr.Config(
        objects={"meshes": folder, "count": 5, "screen_size": [0.3, 0.5], "material": {"source": "own"}},
        distractors={"count": 3},
        background={"source": "color", "color": "#8a96a3"},
        lights={"count": 2, "intensity": 1.5},
        outputs=Output.__args__,  # type: ignore[attr-defined]
        image_size=[240, 320],
        labels={"min_visibility": 0.3, "symmetry_steps": 12},
        photometric={"blur_sigma": 0, "noise_std": 0},
        render={"compile": False},
        assets={"progress": False},
        device="cpu",
    )
    scenes = ondr.RandomizedScenes(cfg)
    scene = scenes.sample([SAMPLE])
    return scenes.render(scene), scenes.render(moved(scene))


def describe(folder: Path) -> None:
    """Writes files beside the meshes: keypoints of the mug, a number for each material of the car, a bottle's axis."""
    mug = {"rim": [-0.04, 0, 0.095], "handle": [0.074, 0, 0.05], "foot": [-0.035, 0, 0]}
    (folder / "mug/classic.labels.json").write_text(json.dumps({"keypoints": mug, "stencil": 9}))
    materials: list[str] = []
    faces = []
    for line in (folder / "toy_car/sedan.obj").read_text().splitlines():
        if line.startswith("usemtl"):
            current = line.split()[1]
            materials = [*materials, current] if current not in materials else materials
        elif line.startswith("f "):
            faces.append(materials.index(current))
    (folder / "toy_car/sedan.labels.json").write_text(json.dumps({"stencil": faces}))
    (folder / "bottle/oil.labels.json").write_text(json.dumps({"symmetries_continuous": [{"axis": [0, 0, 1]}]}))


def pictures(batch: Batch, later: Batch) -> dict[str, Image.Image]:
    """Returns a picture for each field or family of fields."""
    t, image = batch.targets, batch.images[0]
    painted = {
        "image": image,
        "instances": over(image, by_number(t.instances[0])),
        "semantic": over(image, by_number(t.semantic[0])),
        "stencil": over(image, by_number(t.stencil[0])),
        "amodal_masks": over(image, layers(t.amodal_masks[0])),
        "depth": grey(t.depth[0, 0]),
        "sensor_depth": grey(t.sensor_depth[0, 0]),
        "normals": torch.where(t.depth[0] > 0, (t.normals[0] * torch.tensor([1, -1, -1])[:, None, None] + 1) / 2, 0),
        "object_coordinates": t.object_coordinates[0],
        "optical_flow": color_wheel(t.optical_flow[0]),
        "moved": later.images[0],
    }
    found = {name: as_picture(pixels) for name, pixels in painted.items()}
    drawn = {"boxes": boxes, "boxes_amodal": amodal_boxes, "boxes_3d": wires, "keypoints": wires, "poses": axes}
    for name, draw in drawn.items():
        found[name] = as_picture(image if name == "boxes" else image * 0.6)
        draw(found[name], t, name)
    return found


def as_picture(pixels: Tensor) -> Image.Image:
    """Returns an image `[3, H, W]` in 0..1 as a picture."""
    array = (pixels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(array)


def over(image: Tensor, paint: Tensor) -> Tensor:
    """Returns paint on the darkened image, where there is any."""
    return torch.where(paint.amax(0) > 0, 0.75 * paint + DARK * image, DARK * image)


def by_number(numbers: Tensor) -> Tensor:
    """Returns a colour for each number from 0; black for -1."""
    colors = torch.tensor([class_color(i) for i in range(int(numbers.max()) + 1)] + [(0, 0, 0)]) / 255
    return colors[numbers.long()].permute(2, 0, 1)


def layers(masks: Tensor) -> Tensor:
    """Returns the mean colour of the masks that lie over each other."""
    colors = torch.tensor([class_color(i) for i in range(len(masks))]) / 255
    total = torch.einsum("nhw,nc->chw", masks.float(), colors)
    return total / masks.sum(0).clamp_min(1)


def grey(depth: Tensor) -> Tensor:
    """Returns near as bright, nothing as black."""
    there = depth > 0
    low, high = depth[there].min(), depth[there].quantile(0.98)
    return torch.where(there, 1 - 0.8 * (depth - low) / (high - low), 0).expand(3, -1, -1)


def color_wheel(flow: Tensor) -> Tensor:
    """Returns the direction as hue and the length as saturation; nothing as white."""
    length, angle = flow.norm(dim=0), torch.atan2(flow[1], flow[0]) / (2 * np.pi) % 1
    share = (length / length.max()).numpy()
    rgb = np.vectorize(colorsys.hsv_to_rgb)(angle.numpy(), share, 1.0)
    return torch.tensor(np.stack(rgb)).float()


def boxes(picture: Image.Image, targets: Targets, name: str) -> None:
    """Draws boxes, classes and visible shares."""
    draw_marks(picture, marks_of(targets, 0, NAMES, SCALE))


def amodal_boxes(picture: Image.Image, targets: Targets, name: str) -> None:
    """Draws boxes around whole objects."""
    pen = ImageDraw.Draw(picture)
    for k, box in enumerate(targets.boxes_amodal[0].tolist()):
        if any(box):
            pen.rectangle(box, outline=class_color(k), width=2)


def wires(picture: Image.Image, targets: Targets, name: str) -> None:
    """Draws boxes in space, or keypoints."""
    kept = {"boxes_3d": "boxes_3d_image"}.get(name, name)
    plain = Targets(targets.image_size, targets.sample_ids, labels=targets.labels, **{kept: getattr(targets, kept)})
    draw_3d_labels(picture, plain, 0, SCALE)


def axes(picture: Image.Image, targets: Targets, name: str) -> None:
    """Draws the axes of each file's coordinates, and the x axes of its symmetries thinner."""
    pen = ImageDraw.Draw(picture)
    for k in (targets.labels[0] >= 0).nonzero()[:, 0].tolist():
        pose, scale = targets.camera_from_object[0, k], targets.scale[0, k]
        length = 0.6 * (targets.boxes_3d[0, k, 0] - targets.boxes_3d[0, k, 7]).norm() / scale[0]
        for number, turn in enumerate(targets.symmetries[0, k]):
            ends = torch.cat([torch.zeros(1, 3), torch.eye(3) * length]) @ turn[:3, :3].T + turn[:3, 3]
            camera = (ends * scale) @ pose[:3, :3].T + pose[:3, 3]
            pixels = camera @ targets.intrinsics[0].T
            start, *tips = [tuple(p) for p in (pixels[:, :2] / pixels[:, 2:]).tolist()]
            for axis, tip in enumerate(tips if number == 0 else tips[:1]):
                color = tuple(255 if i == axis else 60 for i in range(3))
                pen.line([start, tip], fill=color, width=3 if number == 0 else 1)


NAMES = tuple(sorted(Path(name).parent.name for name in MESHES))

if __name__ == "__main__":
    main()
