"""The laws of the numbering: which ids come, in which order, exactly once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondr.loop.numbering import Numbering, Position, advance, batch_ids, resume, share, start_of_pass

shapes = st.builds(
    Numbering,
    batch_size=st.integers(1, 5),
    world_size=st.integers(1, 4),
    batches_per_pass=st.integers(1, 6),
)


def read_ids(numbering: Numbering, start: Position, batches: int) -> list[int]:
    """Reads some batches of all ranks, over as many passes as it takes, rank after rank within a step."""
    found: list[int] = []
    place = start
    for _ in range(batches):
        place = resume(numbering, place)
        for rank in range(numbering.world_size):
            found += batch_ids(numbering, place, place.batch, rank)
        place = advance(numbering, place, place.batch)
    return found


@given(shapes, st.data())
def test_ids_follow_the_formula(numbering: Numbering, data: st.DataObject) -> None:
    length, world, size = numbering.batches_per_pass or 0, numbering.world_size, numbering.batch_size
    p, k = data.draw(st.integers(0, 50)), data.draw(st.integers(0, length - 1))
    r = data.draw(st.integers(0, world - 1))
    start = start_of_pass(numbering, Position(), p, begun=0)
    first = ((p * length + k) * world + r) * size
    assert start.number == p
    assert list(batch_ids(numbering, start, k, r)) == list(range(first, first + size))


@given(shapes)
def test_passes_and_ranks_together_use_every_id_once(numbering: Numbering) -> None:
    batches = 3 * (numbering.batches_per_pass or 0)
    found = read_ids(numbering, Position(), batches)
    assert sorted(found) == list(range(batches * numbering.stride))


@given(shapes, st.integers(0, 3), st.integers(1, 5))
def test_workers_in_turn_give_the_order_of_one(numbering: Numbering, skipped: int, workers: int) -> None:
    start = Position(0, min(skipped, numbering.batches_per_pass or 0), 0)
    shares = [list(share(numbering, start.batch + w, workers)) for w in range(workers)]
    in_turn = [b for step in itertools.zip_longest(*shares) for b in step if b is not None]
    assert in_turn == list(share(numbering, start.batch, 1))


@given(shapes, st.integers(0, 20), st.integers(0, 5))
def test_going_on_is_the_same_as_never_stopping(numbering: Numbering, consumed: int, more: int) -> None:
    place = Position()
    for _ in range(consumed):
        place = advance(numbering, resume(numbering, place), resume(numbering, place).batch)
    whole = read_ids(numbering, Position(), consumed + more)
    assert whole[consumed * numbering.stride :] == read_ids(numbering, resume(numbering, place), more)


@given(shapes, shapes, st.integers(0, 20))
def test_another_shape_goes_on_at_the_next_id(before: Numbering, after: Numbering, consumed: int) -> None:
    place = Position()
    for _ in range(consumed):
        place = advance(before, resume(before, place), resume(before, place).batch)
    found = sorted(read_ids(after, resume(after, place), 4))
    first = consumed * before.stride
    assert found == list(range(first, first + 4 * after.stride))


@given(shapes, st.integers(0, 5), st.integers(1, 5))
def test_passes_after_a_loaded_state_continue_its_line(numbering: Numbering, begun: int, passes: int) -> None:
    length = numbering.batches_per_pass or 0
    origin = resume(numbering, Position(2, min(begun, length), 2 * length * numbering.stride + begun * 1))
    start = start_of_pass(numbering, origin, passes, begun=0)
    left = length - origin.batch
    assert start.number == origin.number + passes
    assert start.next_id == origin.next_id + (left + (passes - 1) * length) * numbering.stride


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_fixed_repeats_pass_0_after_a_resumed_one(passes: int) -> None:
    numbering = Numbering(batch_size=2, batches_per_pass=3, fixed=True)
    origin = Position(0, 2, 4)
    assert start_of_pass(numbering, origin, 0, begun=0) == origin
    assert start_of_pass(numbering, origin, passes, begun=0) == Position()
    assert resume(numbering, Position(0, 3, 6)) == Position()


@given(st.integers(1, 4), st.integers(0, 30), st.integers(0, 30))
def test_an_endless_stream_goes_on_after_the_last_batch_begun(stride: int, loaded: int, begun: int) -> None:
    numbering = Numbering(batch_size=stride)
    origin = Position(0, loaded, loaded * stride)
    start = start_of_pass(numbering, origin, 1, begun)
    assert start == Position(0, max(loaded, begun), max(loaded, begun) * stride)
