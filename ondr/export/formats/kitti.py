"""KITTI's object benchmark: a line of numbers for each object.

KITTI's 3D boxes are upright in the camera frame and rotate about its vertical only. For an object in any orientation,
the box is the smallest upright box around it whose heading is the file's x axis projected to the horizontal plane. If
the object stands upright in front of a level camera, with the file's x axis forward, that is its own box.

Source: KITTI object development kit, readme.txt, "Data Format Description".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from ondr.batch import Targets
from ondr.export.cuboids import hull, pose_of
from ondr.export.formats.base import Camera, Image, Sample, Source
from ondr.views.common import opencv_intrinsics

FULLY_VISIBLE, PARTLY_VISIBLE = 0.95, 0.5
"""Least visible share for occlusion levels 0 and 1. KITTI's annotators judged by eye: its readme has no numbers."""
DONT_CARE = "DontCare -1 -1 -10 {box} -1 -1 -1 -1000 -1000 -1000 -10"
"""A region that evaluation ignores: an object below the limits of `labels.*`."""
IDENTITY = torch.eye(3, 4)


class Kitti:
    """`training/{image_2,label_2,calib}/000000.*` and `ImageSets/train.txt`."""

    outputs: ClassVar[tuple[str, ...]] = (
        *("boxes", "labels", "mesh_ids", "visibility", "truncation", "ignored"),
        *("camera_from_object", "scale", "intrinsics", "distortion"),
    )
    camera: ClassVar[Camera] = "straight"

    def check(self, source: Source) -> None:
        """Refuses nothing: cameras are checked elsewhere."""

    def sample(self, source: Source, image: Image) -> Sample:
        """Returns the image, its objects and its calibration."""
        targets = image.targets
        slots = targets.valid[0].nonzero()[:, 0].tolist()
        lines = [_line(targets, source, slot) + "\n" for slot in slots]
        calibration = _calibration(opencv_intrinsics(targets, "format kitti")[0])
        files = {
            f"training/image_2/{image.name}{source.suffix}": image.encoded(source),
            f"training/label_2/{image.name}.txt": "".join(lines).encode(),
            f"training/calib/{image.name}.txt": calibration.encode(),
        }
        return Sample(files)

    def close(self, source: Source, records: list[Any]) -> Iterator[tuple[str, bytes]]:
        """Yields the list of all images, which MMDetection3D and OpenPCDet need."""
        yield "ImageSets/train.txt", "".join(f"{number:06d}\n" for number in range(len(records))).encode()


def occlusion(visibility: float) -> int:
    """Returns KITTI's occlusion level: 0 fully visible, 1 partly occluded, 2 largely occluded; never 3, unknown."""
    return 0 if visibility >= FULLY_VISIBLE else 1 if visibility >= PARTLY_VISIBLE else 2


def upright_box(points: Tensor, forward: Tensor) -> tuple[list[float], list[float], float]:
    """Returns the upright box around some points: height, width and length; the centre of its bottom; its rotation_y.

    Args:
        points: [n, 3] in the camera frame, y down.
        forward: The direction [3] whose horizontal part the box's length follows.
    """
    x, _, z = forward.tolist()
    angle = math.atan2(-z, x)
    c, s = math.cos(angle), math.sin(angle)
    turn = points.new_tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    own = points @ turn
    low, high = own.amin(dim=0), own.amax(dim=0)
    length, height, width = (high - low).tolist()
    bottom = torch.stack([(low[0] + high[0]) / 2, high[1], (low[2] + high[2]) / 2])
    return [height, width, length], (turn @ bottom).tolist(), angle


def _line(targets: Targets, source: Source, slot: int) -> str:
    # From pixel edges to the indices of the first and last pixels.
    x1, y1, x2, y2 = targets.boxes[0, slot].tolist()  # type: ignore[index]
    box = _numbers([x1, y1, x2 - 1, y2 - 1])
    if bool(targets.ignored[0, slot]):  # type: ignore[index]
        return DONT_CARE.format(box=box)
    pose, _ = pose_of(targets, slot)
    dimensions, location, angle = upright_box(hull(targets, source.assets, slot), pose[:3, 0])
    alpha = math.remainder(angle - math.atan2(location[0], location[2]), math.tau)
    outside, share = targets.truncation[0, slot].item(), targets.visibility[0, slot].item()  # type: ignore[index]
    name = source.bare_names[int(targets.labels[0, slot])]  # type: ignore[index]
    rest = f"{_numbers([alpha])} {box} {_numbers([*dimensions, *location, angle], digits=4)}"
    return f"{name} {outside:.2f} {occlusion(share)} {rest}"


def _calibration(intrinsics: Tensor) -> str:
    """Returns the calibration of a single camera, with whose frame all others coincide."""
    projection = torch.cat([intrinsics, intrinsics.new_zeros(3, 1)], dim=1)
    rows = {f"P{camera}": projection for camera in range(4)}
    rows |= {"R0_rect": torch.eye(3), "Tr_velo_to_cam": IDENTITY, "Tr_imu_to_velo": IDENTITY}
    lines = [f"{name}: {' '.join(f'{value:.12e}' for value in row.flatten().tolist())}\n" for name, row in rows.items()]
    return "".join(lines)


def _numbers(values: list[float], digits: int = 2) -> str:
    """Formats numbers. KITTI's files have two digits; metres get more here, since objects may be small."""
    return " ".join(f"{value:.{digits}f}" for value in values)
