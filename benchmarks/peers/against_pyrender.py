"""How fast pyrender draws what ondr draws, turn by turn in one run: the same meshes, poses, lights and camera.

python -m venv /somewhere/peer && /somewhere/peer/bin/pip install -r benchmarks/peers/pyrender.txt
python benchmarks/peers/against_pyrender.py --peer-python /somewhere/peer/bin/python

ondr also samples each scene and computes all boxes, visible shares and instance ids; pyrender gives colour and depth.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from PIL import Image

import ondr

sys.path.insert(0, str(Path(__file__).parents[1]))
from throughput import machine

CONFIG: dict[str, Any] = {
    "device": "cpu",
    "image_size": [256, 256],
    "batch_size": 32,
    "outputs": ["boxes", "labels", "visibility", "instances", "camera_from_object", "scale", "intrinsics"],
    "objects": {"count": 10, "screen_size": [0.1, 0.6], "material": {"source": "own"}},
    "distractors": {"count": 0},
    "lights": {"count": 4, "directional": False},
    "background": {"source": "color"},
    "photometric": {
        "brightness": 1, "contrast": 1, "saturation": 1, "hue_degrees": 0, "noise_std": 0, "blur_sigma": 0,
    },
    # It draws meshes as they are.
    "render": {"detail_pixels": 0},
}  # fmt: skip
LABELS = ["boxes", "labels", "visibility", "instances"]
TURNS = 9


def describe(scenes: ondr.RandomizedScenes, ids: range) -> list[dict[str, Any]]:
    """Returns scenes as plain numbers: where each file lies before the camera, where the lights are, K."""
    scene = scenes.sample(ids)
    targets, files = scenes.render(scene).targets, scenes.assets.mesh_paths
    rigid, scale = targets.camera_from_object, targets.scale
    camera = scene.camera.camera_from_world
    lights = torch.einsum("bij,blj->bli", camera[:, :3, :3], scene.lights.position[..., :3]) + camera[:, None, :3, 3]
    found = []
    for image in range(len(ids)):
        things = []
        for slot in (targets.labels[image] >= 0).nonzero()[:, 0].tolist():
            matrix = rigid[image, slot].clone()
            matrix[:3, :3] *= scale[image, slot]
            file = files[int(scene.poses.mesh[image, slot])]
            things.append({"file": file, "camera_from_file": matrix.tolist()})
        k = targets.intrinsics[image].tolist()
        found.append({"things": things, "lights": lights[image].tolist(), "intrinsics": k})
    return found


def main(
    peer_python: Annotated[Path, typer.Option(help="Python of the environment of pyrender.txt.")],
    images: Annotated[int, typer.Option(help="How many scenes each draws in a turn.")] = 64,
    picture: Annotated[Path, typer.Option(help="Where to write four scenes of each, ondr above.")] = Path("peer.png"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Measure both and print images/s and their ratio."""
    plain = ondr.Config(**{**CONFIG, "outputs": [*CONFIG["outputs"], "ignored"], "labels": {"min_pixels": 1}})
    scenes, ids = ondr.RandomizedScenes(plain), range(images)
    described = describe(scenes, ids)
    measured = ondr.RandomizedScenes(ondr.Config(**{**CONFIG, "outputs": LABELS}))
    batch = measured.render(ids)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "scenes.json"
        theirs = str(Path(folder) / "theirs.png")
        task.write_text(json.dumps({"image_size": CONFIG["image_size"], "scenes": described, "picture": theirs}))
        command = [str(peer_python), str(Path(__file__).with_name("pyrender_worker.py")), str(task)]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ours, peers = [], []
        for _ in range(TURNS):
            worker.stdin.write("go\n")
            worker.stdin.flush()
            answer = worker.stdout.readline()
            if not answer:
                raise SystemExit("pyrender ended without an answer: see what it printed above.")
            peers.append(images / float(answer))
            started = perf_counter()
            for first in range(0, images, measured.cfg.batch_size):
                measured.render(range(first, min(first + measured.cfg.batch_size, images)))
            ours.append(images / (perf_counter() - started))
        worker.stdin.close()
        worker.wait()
        _stack(batch.images[:4], theirs).save(picture)
    ratio = median(a / b for a, b in zip(ours, peers, strict=True))
    print(f"ondr {median(ours):.0f} images/s, pyrender {median(peers):.0f}: {ratio:.1f} times; look at {picture}")
    if json_file is not None:
        figures = {"ondr_images_per_second": ours, "pyrender_images_per_second": peers, "median_ratio": ratio}
        json_file.write_text(json.dumps({**machine("cpu"), "config": CONFIG, **figures}, indent=2) + "\n")


def _stack(images: torch.Tensor, theirs: str) -> Image.Image:
    ours = Image.fromarray((images * 255).byte().permute(2, 0, 3, 1).flatten(1, 2).numpy())
    below = Image.open(theirs).convert("RGB")
    both = Image.new("RGB", (ours.width, ours.height + below.height))
    both.paste(ours, (0, 0))
    both.paste(below, (0, ours.height))
    return both


if __name__ == "__main__":
    typer.run(main)
