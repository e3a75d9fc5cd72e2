"""Stages add up, cost nothing unasked, and do not leak out of their timer."""

from __future__ import annotations

from threading import Thread
from time import sleep

import pytest
import torch

from ondr.runtime.timing import Timer, stage


def test_stages_of_one_name_add_up() -> None:
    with Timer("cpu") as timer:
        for _ in range(2):
            with stage("see"):
                sleep(0.01)
        with stage("shade"):
            pass
    found = timer.milliseconds()
    assert list(found) == ["see", "shade"]
    assert found["see"] >= 20 > found["shade"]


def test_without_a_timer_nothing_is_collected() -> None:
    with stage("before"):
        pass
    with Timer("cpu") as timer:
        pass
    with stage("after"):
        pass
    assert timer.milliseconds() == {}


def test_timers_nest_and_the_inner_one_collects() -> None:
    with Timer("cpu") as outer:
        with Timer("cpu") as inner, stage("see"):
            pass
        with stage("shade"):
            pass
    assert list(inner.milliseconds()) == ["see"]
    assert list(outer.milliseconds()) == ["shade"]


def test_a_timer_belongs_to_its_thread() -> None:
    def work() -> None:
        with stage("elsewhere"):
            pass

    with Timer("cpu") as timer:
        thread = Thread(target=work)
        thread.start()
        thread.join()
    assert timer.milliseconds() == {}


def test_an_error_passes_through() -> None:
    with Timer("cpu") as timer, pytest.raises(KeyError), stage("see"):
        raise KeyError("gone")
    assert timer.milliseconds() == {}


@pytest.mark.cuda
def test_events_measure_the_device() -> None:
    a = torch.randn(4096, 4096, device="cuda")
    with Timer("cuda") as timer, stage("matmul"):
        for _ in range(10):
            a = a @ a
    # 10 products of 137 GFLOP: no GPU makes them in a tenth of a millisecond, while enqueueing them takes less.
    assert timer.milliseconds()["matmul"] > 1
