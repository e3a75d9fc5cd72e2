"""What is saved of a stream, as plain numbers, lists and dicts, and the checks when it comes back."""

from __future__ import annotations

from typing import Any

from torch.utils.data import get_worker_info

from ondr.errors import ConfigError
from ondr.loop.numbering import Numbering, Position

State = dict[str, Any]
"""`seed`, `pass`, `batch` (of each rank in this pass, the next one), `next_id`, `parameters` (those moved away from the
config's). One made inside a worker also says under `worker` which batch that worker renders next."""

KEYS = ("seed", "pass", "batch", "next_id")


def make_state(seed: int, place: Position, moved: dict[str, list[float]]) -> State:
    """Returns the state of a stream that goes on at a place."""
    return {"seed": seed, "pass": place.number, "batch": place.batch, "next_id": place.next_id, "parameters": moved}


def make_worker_state(state: State, numbering: Numbering, next_batch: int) -> State:
    """Returns the state of one of several workers, which together make up the stream.

    Args:
        state: Any state in the pass of `next_batch`.
        numbering: The shape of the stream.
        next_batch: The batch that this worker renders next.
    """
    return {**state, "worker": {"workers": _workers(), "stride": numbering.stride, "next_batch": next_batch}}


def read_state(state: State, seed: int, numbering: Numbering) -> tuple[Position, int | None]:
    """Returns the place of a state and, for one of a worker, the batch that the worker renders next.

    Args:
        state: From `make_state` or `make_worker_state`.
        seed: The config's.
        numbering: The shape of the stream that is to go on.

    Raises:
        ConfigError: It is no such state, or it does not fit.
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
