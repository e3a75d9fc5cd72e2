"""Batch, Targets and Draws as values: unpacking, moving, pinning, joining, pickling."""

from __future__ import annotations

import pickle

import pytest
import torch

from ondr.batch import Batch, Targets
from ondr.draws import Column, Draws
from ondr.errors import ConfigError
from ondr.loop.collate import join


def make_batch(first_id: int = 0, count: int = 2) -> Batch:
    ids = torch.arange(first_id, first_id + count)
    targets = Targets(
        image_size=(4, 6),
        sample_ids=ids,
        boxes=torch.tensor([[[0.0, 1, 3, 4], [0, 0, 0, 0]]]).expand(count, -1, -1).contiguous(),
        labels=torch.tensor([[1, -1]]).expand(count, -1).contiguous(),
        instances=torch.full((count, 4, 6), -1, dtype=torch.int16),
    )
    draws = Draws(torch.rand(count, 3), {"a": Column(0, ()), "b.c": Column(1, (2,))})
    return Batch(torch.rand(count, 3, 4, 6), targets, ids, draws, {"seed": 0, "next_id": first_id + count})


def test_batch_unpacks_as_images_and_targets() -> None:
    batch = make_batch()
    images, targets = batch
    assert images is batch.images
    assert targets is batch.targets
    assert len(batch) == 2


def test_repr_shows_shapes() -> None:
    shown = repr(make_batch())
    assert "images=float32[2, 3, 4, 6]" in shown
    assert "boxes=float32[2, 2, 4]" in shown
    assert "depth" not in shown


def test_fields_that_were_not_asked_for_are_none() -> None:
    targets = make_batch().targets
    assert targets.depth is None
    assert targets.names() == ["boxes", "labels", "instances"]


def test_valid_is_where_there_is_no_hole() -> None:
    assert make_batch().targets.valid.tolist() == [[True, False]] * 2
    by_mesh = Targets((4, 6), torch.arange(1), mesh_ids=torch.tensor([[-1, 7]]))
    assert by_mesh.valid.tolist() == [[False, True]]


def test_valid_needs_labels() -> None:
    with pytest.raises(ConfigError, match=r"cfg.outputs must name 'labels' or 'mesh_ids'.*got \['boxes'\]"):
        _ = Targets((4, 6), torch.arange(1), boxes=torch.zeros(1, 1, 4)).valid


def test_to_moves_everything_but_the_ids() -> None:
    moved = make_batch().to("meta", non_blocking=True)
    assert {moved.images.device.type, moved.targets.boxes.device.type, moved.draws["a"].device.type} == {"meta"}
    assert moved.sample_ids.device.type == moved.targets.sample_ids.device.type == "cpu"
    assert moved.state == make_batch().state


def test_a_type_is_no_device() -> None:
    batch = make_batch()
    for moved in (batch, batch.targets):
        with pytest.raises(TypeError, match=r"torch\.dtype|torch\.float16"):
            moved.to(torch.float16)  # type: ignore[arg-type]


@pytest.mark.cuda
def test_pin_memory_pins_what_lies_on_the_cpu() -> None:
    pinned = make_batch().pin_memory()
    assert pinned.images.is_pinned()
    assert pinned.targets.boxes.is_pinned()
    assert pinned.draws.packed.is_pinned()
    assert make_batch().to("cuda").pin_memory().images.is_cuda


def test_pickle_keeps_everything() -> None:
    batch = make_batch()
    again = pickle.loads(pickle.dumps(batch))
    assert torch.equal(again.images, batch.images)
    assert torch.equal(again.targets.boxes, batch.targets.boxes)
    assert torch.equal(again.draws["b.c"], batch.draws["b.c"])
    assert again.state == batch.state


def test_one_batch_is_joined_without_a_copy() -> None:
    batch = make_batch()
    assert join([batch]) is batch


def test_join_keeps_order_and_the_last_state() -> None:
    joined = join([make_batch(0), make_batch(2, count=1)])
    assert joined.sample_ids.tolist() == joined.targets.sample_ids.tolist() == [0, 1, 2]
    assert joined.images.shape == (3, 3, 4, 6)
    assert joined.targets.boxes.shape == (3, 2, 4)
    assert joined.targets.depth is None
    assert joined.draws["b.c"].shape == (3, 2)
    assert joined.state["next_id"] == 3


def test_draws_of_different_quantities_cannot_be_joined() -> None:
    other = make_batch()
    other.draws = Draws(torch.rand(2, 1), {"z": Column(0, ())})
    with pytest.raises(ValueError, match="draws must name the same quantities"):
        join([make_batch(), other])


def test_draws_are_read_only() -> None:
    with pytest.raises(TypeError, match="item assignment"):
        make_batch().draws["a"] = torch.zeros(2)
