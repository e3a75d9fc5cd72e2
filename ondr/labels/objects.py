"""Fields with one entry per object: class, boxes, visibility."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from ondr.batch import hole_of
from ondr.boxes import jittered
from ondr.labels.facts import Facts


def boxes(facts: Facts) -> Float32[Tensor, "batch object 4"]:
    """Returns `Targets.boxes`."""
    exact, jitter = facts.extents.boxes.to(torch.float32), facts.scene.box_jitter
    return facts.punch(exact if jitter is None else jittered(exact, jitter, facts.size))


def boxes_amodal(facts: Facts) -> Float[Tensor, "batch object 4"]:
    """Returns `Targets.boxes_amodal`."""
    return facts.punch(facts.whole_boxes)


def labels(facts: Facts) -> Int64[Tensor, "batch object"]:
    """Returns `Targets.labels`."""
    classes = _class_of_mesh(facts.assets.mesh_labels, facts.mesh.device)
    return facts.punch(classes[facts.file.clamp_min(0)], hole_of("labels"))


def mesh_ids(facts: Facts) -> Int64[Tensor, "batch object"]:
    """Returns `Targets.mesh_ids`."""
    return facts.punch(facts.file.long(), hole_of("mesh_ids"))


def visibility(facts: Facts) -> Float32[Tensor, "batch object"]:
    """Returns `Targets.visibility`."""
    return facts.punch(facts.share_visible)


def truncation(facts: Facts) -> Float[Tensor, "batch object"]:
    """Returns `Targets.truncation`."""
    return facts.punch(facts.share_outside)


def ignored(facts: Facts) -> Bool[Tensor, "batch object"]:
    """Returns `Targets.ignored`."""
    return facts.below_limits & facts.labelled


def image_class(facts: Facts) -> Int64[Tensor, "batch"]:
    """Returns `Targets.image_class`."""
    return torch.nn.functional.pad(labels(facts), (0, 1), value=hole_of("labels"))[:, 0]


@functools.lru_cache(maxsize=8)
def _class_of_mesh(classes: tuple[int, ...], device: torch.device) -> Int64[Tensor, "mesh"]:
    """Returns `classes` on the device. It is cached, since an upload in every step would make the host wait."""
    return torch.tensor(classes, dtype=torch.int64, device=device)


FIELDS = (boxes, boxes_amodal, labels, mesh_ids, visibility, truncation, ignored, image_class)
