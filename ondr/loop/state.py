"""The state of a stream, as plain numbers, lists and dicts, and its checks when it is loaded."""

from __future__ import annotations

from typing import Any

from torch.utils.data import get_worker_info

from ondr.errors import ConfigError
from ondr.loop.numbering import Numbering, Position

State = dict[str, Any]
"""`seed`, `pass`, `batch` (the next one of each rank in this pass), `next_id`, and `parameters` (those that differ from
the config). A state made inside a worker also has `worker`, with the batch that this worker renders next."""
KEYS = ("seed", "pass", "batch", "next_id")


def make_state(seed: int, place: Position, moved: dict[str, list[float]]) -> State:
    """Returns the state of a stream that continues at a place."""
    return {"seed": seed, "pass": place.number, "batch": place.batch, "next_id": place.next_id, "parameters": moved}


def make_worker_state(state: State, numbering: Numbering, next_batch: int) -> State:
    """Returns the state of one of several workers that together make up the stream.

    Args:
        state: Any state in the pass of `next_batch`.
        numbering: The shape of the stream.
        next_batch: The batch that this worker renders next.
    """
    return {**state, "worker": {"workers": _workers(), "stride": numbering.stride, "next_batch": next_batch}}


def read_state(state: State, seed: int, numbering: Numbering) -> tuple[Position, int | None]:
    """Returns the place of a state and, if a worker made it, the batch that the worker renders next.

    Args:
        state: From `make_state` or `make_worker_state`.
        seed: The config's seed.
        numbering: The shape of the stream to continue.

    Raises:
        ConfigError: It is not a state, or does not match the stream.
    """
    if not isinstance(state, dict) or not {*KEYS, "parameters"} <= state.keys():
        held = sorted(map(str, state)) if isinstance(state, dict) else type(state).__name__
        raise ConfigError(f"state must be batch.state or what ds.state_dict() returned, got {held}. Save that instead.")
    place = {key: state[key] for key in KEYS[1:]}
    if not all(isinstance(number, int) and number >= 0 for number in place.values()):
        raise ConfigError(f"state must hold whole numbers from 0, got {place}. Save batch.state as it is.")
    if state["seed"] != seed:
        raise ConfigError(
            f"state['seed'] must be cfg.seed = {seed}, got {state['seed']}. Set seed to {state['seed']} to go on where "
            "it was saved."
        )
    return Position(*place.values()), _next_batch(state, numbering)


def _next_batch(state: State, numbering: Numbering) -> int | None:
    worker = state.get("worker")
    if worker is None:
        return None
    saved, here = (worker["workers"], worker["stride"]), (_workers(), numbering.stride)
    if saved != here:
        raise ConfigError(
            "state of a worker must come back to as many workers, ranks and images per batch, got one of "
            f"{saved[0]} workers and {saved[1]} ids per step for {here[0]} and {here[1]}. Load batch.state instead."
        )
    return worker["next_batch"]


def _workers() -> int:
    worker = get_worker_info()
    return 0 if worker is None else worker.num_workers
