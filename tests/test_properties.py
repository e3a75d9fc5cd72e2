"""Properties of whatever can be configured: any valid settings render, values lie inside their laws, labels agree."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import ondr
from ondr.assets.bank import Assets
from ondr.batch import Batch
from ondr.config import Config
from ondr.errors import ConfigError
from ondr.laws import Law
from ondr.quantity import Spec
from ondr.settings import Layout

LAYOUTS: tuple[Layout, ...] = Layout.__args__  # type: ignore[attr-defined]
SMALL: dict[str, Any] = {
    "image_size": [48, 64],
    "batch_size": 3,
    "classes": ["bolt", "mug", "toy_car"],
    "render": {"compile": False},
    "outputs": [
        "boxes",
        "boxes_amodal",
        "labels",
        "visibility",
        "truncation",
        "ignored",
        "instances",
        "depth",
        "sensor_depth",
        "semantic",
        "object_coordinates",
        "optical_flow",
        "boxes_3d_image",
        "keypoints",
    ],
}
MOST = 4
"""Of anything that is counted: what does not depend on how many there are is shown by a few."""


@st.composite
def laws(draw: st.DrawFn, spec: Spec) -> Any:
    """Draws what a config may say for a quantity, from the whole of its domain."""
    if spec.kind == "bool":
        return draw(st.booleans() | st.builds(lambda p: {"bernoulli": p}, st.floats(0, 1)))
    if spec.kind == "rotation":
        return draw(st.sampled_from(["so3", "yaw", {"views": {"subdivisions": 1, "in_plane": 3, "cycle": True}}]))
    if spec.kind == "one_of":
        options = list(spec.options or ())
        return draw(st.sampled_from([*([o] for o in options), "uniform", "cycle"]))
    if spec.kind == "count":
        low, high = sorted(draw(st.tuples(st.integers(0, MOST), st.integers(0, MOST))))
        return [int(max(low, spec.low)), int(max(high, spec.low))]
    numbers = st.floats(max(spec.low, -1e4), min(spec.high, 1e4), allow_nan=False, allow_subnormal=False)
    low, high = sorted(draw(st.tuples(numbers, numbers)))
    law: Any = draw(st.sampled_from([low, [low, high]]))
    if spec.neutral is not None and draw(st.booleans()):
        law = {"probability": draw(st.floats(0, 1)), "law": law}
    return law


@st.composite
def overrides(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draws a layout and some quantities of it with laws of their own."""
    layout = draw(st.sampled_from(LAYOUTS))
    known = Config(layout=layout).quantities()
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=12, unique=True))
    return layout, {name: draw(laws(known[name][1])) for name in names}


def nested(layout: str, laws: dict[str, Any]) -> dict[str, Any]:
    """Returns settings as a config file has them."""
    tree: dict[str, Any] = {**SMALL, "layout": layout}
    for name, law in laws.items():
        *sections, key = name.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[key] = law
    return tree


@functools.cache
def assets() -> Assets:
    """What all examples share; none changes a setting of files."""
    return ondr.load_assets(Config(**SMALL))


# The same examples in every run: what one machine finds, another finds as well.
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=overrides())
def test_any_valid_settings_render_and_agree(chosen: tuple[str, dict[str, Any]]) -> None:
    try:
        cfg = Config(**nested(*chosen))
        batch = ondr.RandomizedScenes(cfg, assets=assets()).render([0, 10**9, 7])
    except ConfigError:  # One setting contradicts another, or asks for files.
        assume(False)
    check_draws(cfg, batch)
    check_image(batch)
    check_labels(cfg, batch)


def check_draws(cfg: Config, batch: Batch) -> None:
    for name, (law, spec) in cfg.quantities().items():
        if isinstance(law, Law) and spec.kind in ("real", "count", "bool"):
            values, (low, high) = batch.draws[name].double(), law.support
            # Computed in float32 from bounds in float64.
            slack = 1e-6 * max(1.0, *(abs(b) for b in (low, high) if math.isfinite(b)))
            assert ((values >= low - slack) & (values <= high + slack)).all(), (name, law, values)


def check_image(batch: Batch) -> None:
    assert torch.isfinite(batch.images).all()
    assert 0 <= batch.images.min() <= batch.images.max() <= 1


def check_labels(cfg: Config, batch: Batch) -> None:
    targets, (height, width) = batch.targets, cfg.image_size
    valid, boxes = targets.valid, targets.boxes
    assert (boxes[..., 0::2] >= 0).all()
    assert (boxes[..., 0::2] <= width).all()
    assert (boxes[..., 1::2] >= 0).all()
    assert (boxes[..., 1::2] <= height).all()
    assert (boxes[valid][:, 2:] > boxes[valid][:, :2]).all()
    assert (boxes[~valid] == 0).all()
    for share in (targets.visibility, targets.truncation):
        assert ((share >= 0) & (share <= 1)).all()
    assert (targets.visibility[valid] > 0).all()
    for image, row in enumerate(valid):
        for slot in row.nonzero()[:, 0].tolist():
            mask = targets.instances[image] == slot
            assert mask.any()
            y, x = mask.nonzero(as_tuple=True)
            seen = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()
            if not jittered(cfg):
                assert torch.equal(boxes[image, slot], seen)
    assert torch.isfinite(targets.depth).all()
    assert torch.isfinite(targets.sensor_depth).all()
    assert (targets.depth >= 0).all()
    for name in ("object_coordinates", "optical_flow", "boxes_3d_image", "keypoints"):
        assert torch.isfinite(getattr(targets, name)).all(), name
    assert torch.equal(targets.semantic >= 0, targets.instances >= 0)
    assert ((targets.object_coordinates >= 0) & (targets.object_coordinates <= 1)).all()


def jittered(cfg: Config) -> bool:
    """Returns whether boxes carry label noise."""
    return any(
        name.startswith("labels.box_jitter") and law.support != (0, 0) for name, (law, _) in cfg.quantities().items()
    )
