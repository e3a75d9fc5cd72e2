"""6D pose of one known object from crops, by direct regression; K is given.

python examples/estimate_pose.py                                                     # the sample toy plane
python examples/estimate_pose.py -o objects.meshes=parts/ -o objects.unit=mm -o 'classes=[nut]' --symmetric

A network sees the square around an object's box and says how the object is turned, where its origin lies in the square,
and how far away it is. The score is the share of objects whose points are off by less than a tenth of the object's
diameter on average (ADD; for symmetric objects ADD-S).

Sources: Zhou et al. 2019, "On the continuity of rotation representations in neural networks" (two columns of the
rotation); Hinterstoisser et al. 2012 (ADD); Xiang et al. 2018, "PoseCNN" (ADD-S, loss over points); Li et al. 2018,
"DeepIM" (offset in the image and ratio of depths, so that the network need not know K).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import trimesh
from budget import Budget
from command_line import held_out, make_parser, settings
from networks import encoder
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import ondr

WIDTHS = (24, 48, 96, 192, 192)
OUTPUTS = ("camera_from_object", "scale", "intrinsics", "boxes", "labels", "mesh_ids", "ignored")
CROP_PIXELS = 64
CROP_SHARE = 1.3
"""Side of a crop over the longer side of its box."""
JITTER = 0.1
"""A detector's box is off by some tenth of its size."""
POINTS = 256
LEARNING_RATE = 1e-3
HELD_OUT_BATCHES = 16


@dataclass
class Crops:
    """What the network sees and is to say; n objects of all images."""

    images: Tensor
    """`[n, 3, side, side]`."""
    squares: Tensor
    """Centre x, centre y and side of the crops in pixels, `[n, 3]`."""
    intrinsics: Tensor
    poses: Tensor
    """`camera_from_object`, `[n, 4, 4]`."""
    points: Tensor
    """On the object's surface in its own frame, metres, `[n, point, 3]`."""

    @property
    def diameters(self) -> Tensor:
        """Metres, `[n]`: the diagonal of the points' bounding box."""
        return (self.points.amax(1) - self.points.amin(1)).norm(dim=-1)


def crops_of(batch: ondr.Batch, surface: Tensor, jitter: float) -> Crops:
    """Cuts out every object that is not too hidden.

    Args:
        batch: With what `OUTPUTS` names.
        surface: Points on each mesh in its file's coordinates, `[mesh, point, 3]`.
        jitter: How far squares are moved and scaled at random, as a share of their size.
    """
    t = batch.targets
    image, slot = (t.valid & ~t.ignored).nonzero().unbind(1)
    low, high = t.boxes[image, slot].split(2, dim=1)
    side = CROP_SHARE * (high - low).amax(1)
    centre = (low + high) / 2 + jitter * side[:, None] * (2 * torch.rand_like(low) - 1)
    squares = torch.cat([centre, (side * (1 + jitter * (2 * torch.rand_like(side) - 1)))[:, None]], dim=1)
    return Crops(
        images=cut(batch.images[image], squares),
        squares=squares,
        intrinsics=t.intrinsics[image],
        poses=t.camera_from_object[image, slot],
        points=surface[t.mesh_ids[image, slot]] * t.scale[image, slot][:, None],
    )


def cut(images: Tensor, squares: Tensor) -> Tensor:
    """Returns the squares of images, scaled to `CROP_PIXELS`; grey where they leave the image."""
    size = images.new_tensor([images.shape[-1], images.shape[-2]])
    centre, half = squares[:, :2] / size * 2 - 1, squares[:, 2:] / size
    matrix = torch.cat([torch.diag_embed(half), centre[..., None]], dim=-1)
    grid = F.affine_grid(matrix, [len(images), 3, CROP_PIXELS, CROP_PIXELS], align_corners=False)
    return F.grid_sample(images - 0.5, grid, align_corners=False) + 0.5


def poses_from(outputs: Tensor, crops: Crops) -> tuple[Tensor, Tensor]:
    """Returns rotations `[n, 3, 3]` and translations `[n, 3]` in metres.

    The network's rotation is the one that an object in the middle of the image would have to look the same: turning
    the camera towards the object makes the true one of it.
    """
    k, (u, v, side) = crops.intrinsics, crops.squares.unbind(1)
    x = (u + outputs[:, 6] * side - k[:, 0, 2]) / k[:, 0, 0]
    y = (v + outputs[:, 7] * side - k[:, 1, 2]) / k[:, 1, 1]
    # An object as large as its crop is this far away.
    depth = k[:, 0, 0] * crops.diameters / side * outputs[:, 8].clamp(-2, 2).exp()
    ray = torch.stack([x, y, torch.ones_like(x)], dim=1)
    return towards(ray) @ rotation(outputs[:, :3], outputs[:, 3:6]), depth[:, None] * ray


def rotation(first: Tensor, second: Tensor) -> Tensor:
    """Returns the rotations whose first two columns are nearest to what was said, by Gram and Schmidt."""
    x = F.normalize(first, dim=1)
    y = F.normalize(second - (x * second).sum(1, keepdim=True) * x, dim=1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=2)


def towards(ray: Tensor) -> Tensor:
    """Returns rotations whose third column is the ray: of a camera that looks at the object."""
    z = F.normalize(ray, dim=1)
    x = F.normalize(torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0], device=ray.device).expand_as(z), z), dim=1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=2)


def errors(pose: tuple[Tensor, Tensor], crops: Crops, symmetric: bool) -> Tensor:
    """Returns ADD, or ADD-S, as a share of the diameter, `[n]`: how far points are from where they should be."""
    turned, moved = pose
    seen = crops.points @ turned.mT + moved[:, None]
    true = crops.points @ crops.poses[:, :3, :3].mT + crops.poses[:, None, :3, 3]
    apart = torch.cdist(true, seen).amin(2) if symmetric else (true - seen).norm(dim=-1)
    return apart.mean(1) / crops.diameters


def pose_loss(outputs: Tensor, crops: Crops, symmetric: bool) -> Tensor:
    """Returns the error of the rotation alone plus that of the position alone: each is learned from the start."""
    turned, moved = poses_from(outputs, crops)
    by_turning = errors((turned, crops.poses[:, :3, 3]), crops, symmetric)
    by_moving = (moved - crops.poses[:, :3, 3]).norm(dim=1) / crops.diameters
    return (by_turning + by_moving.clamp(max=5)).mean()


def surface_points(scenes: ondr.RandomizedScenes) -> Tensor:
    """Returns points on each mesh in its file's coordinates, `[mesh, point, 3]`."""
    meshes = [trimesh.load(file, force="mesh") for file in scenes.assets.mesh_paths]
    points = [trimesh.sample.sample_surface(mesh, POINTS, seed=0)[0] for mesh in meshes]
    return torch.stack([torch.tensor(p, dtype=torch.float32) for p in points]).to(scenes.device)


def train(model: nn.Module, scenes: ondr.RandomizedScenes, surface: Tensor, budget: Budget, symmetric: bool) -> None:
    """Trains on a stream until the budget is used up."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    model.train()
    for batch in budget.batches(DataLoader(scenes)):
        budget.schedule(optimizer, LEARNING_RATE)
        crops = crops_of(batch, surface, JITTER)
        loss = pose_loss(model(crops.images), crops, symmetric)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        budget.report(loss)


@torch.no_grad()
def score(model: nn.Module, scenes: ondr.RandomizedScenes, surface: Tensor, symmetric: bool) -> Tensor:
    """Returns the error of every object of a fixed set, as a share of its diameter."""
    model.eval()
    parts = (crops_of(batch, surface, jitter=0) for batch in DataLoader(scenes))
    return torch.cat([errors(poses_from(model(c.images), c), c, symmetric) for c in parts])


def main() -> None:
    """Trains and scores."""
    parser = make_parser(__doc__, "pose", size=192)
    parser.add_argument("--symmetric", action="store_true", help="train and score by the nearest points (ADD-S)")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    options.overrides = ["classes=[toy_plane]", "objects.instance=first", *options.overrides]
    cfg = settings(options, OUTPUTS)
    scenes = ondr.RandomizedScenes(cfg)
    surface = surface_points(scenes)
    model = encoder(WIDTHS, outputs=9).to(scenes.device)
    budget = Budget(options.steps, options.minutes)
    train(model, scenes, surface, budget, options.symmetric)
    print(budget.summary())
    found = score(model, held_out(cfg, HELD_OUT_BATCHES, scenes), surface, options.symmetric)
    name, near = "ADD-S" if options.symmetric else "ADD", float((found < 0.1).double().mean())
    print(f"{name} < 0.1 d: {near:.3f} of {len(found)} objects, median {float(found.median()):.3f} d")


if __name__ == "__main__":
    main()
