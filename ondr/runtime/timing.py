"""How long each stage of a render takes, by CUDA events or the clock; free of cost unless a `Timer` is active.

The renderer marks its stages with `stage`, and an active `Timer` adds up their times. Reporting them is left to the
benchmark and the command line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from time import perf_counter
from types import TracebackType

import torch

_active: ContextVar[Timer | None] = ContextVar("ondr.timing.active", default=None)
_IDLE: AbstractContextManager[None] = nullcontext()


def stage(name: str) -> AbstractContextManager[None]:
    """Marks the code under `with stage("see"):` as one stage. Without an active `Timer` it costs one look-up.

    Args:
        name: Stages of the same name add up, over micro-batches for example. Stages do not nest.
    """
    timer = _active.get()
    return _IDLE if timer is None else timer.measure(name)


class Timer:
    """Collects the times of all stages that run under `with Timer(device) as timer:` in this thread.

    On CUDA, events on the current stream take the time: nothing waits until `milliseconds` is called.
    """

    def __init__(self, device: torch.device | str) -> None:
        """Makes a timer for work on `device`."""
        self.device = torch.device(device)
        self._seconds: dict[str, float] = defaultdict(float)
        self._events: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []
        self._token: Token[Timer | None] | None = None

    def __enter__(self) -> Timer:
        """Makes this the active timer."""
        self._token = _active.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restores the timer that was active before."""
        if self._token is not None:
            _active.reset(self._token)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Adds the time of the code under it to stage `name`."""
        if self.device.type != "cuda":
            start = perf_counter()
            yield
            self._seconds[name] += perf_counter() - start
            return
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record(torch.cuda.current_stream(self.device))
        yield
        end.record(torch.cuda.current_stream(self.device))
        self._events.append((name, begin, end))

    def milliseconds(self) -> dict[str, float]:
        """Returns the total of each stage so far, in order of first appearance; waits for a GPU to finish."""
        totals = {name: seconds * 1000 for name, seconds in self._seconds.items()}
        if self._events:
            torch.cuda.synchronize(self.device)
        for name, begin, end in self._events:
            totals[name] = totals.get(name, 0.0) + begin.elapsed_time(end)
        return totals
