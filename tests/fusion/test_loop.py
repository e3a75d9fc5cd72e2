"""Compiled loops against torch itself, operation by operation: every one that can be part of a loop."""

from __future__ import annotations

import math
import multiprocessing
import os
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ondr.fusion import loop
from ondr.fusion.loop import Job, run
from ondr.fusion.operations_llvm import OPERATIONS
from ondr.fusion.views_llvm import VIEWS
from ondr.planes import take, take_one

NUMBER = 100
"""Of elements: not a multiple of any processor's lanes."""


@dataclass(frozen=True)
class Tables:
    """Rows of several widths, as shading has them."""

    rows: Tensor
    column: Tensor
    flags: Tensor
    one: Tensor


def tables(width: int = 9) -> Tables:
    """Returns tables with random elements."""
    generator = torch.Generator().manual_seed(width)
    return Tables(
        rows=torch.randn(50, width, generator=generator),
        column=torch.randint(-(2**31), 2**31, (50,), generator=generator).int(),
        flags=torch.rand(50, generator=generator) > 0.5,
        one=torch.randn(1, 3, generator=generator),
    )


def planes() -> dict[str, Tensor]:
    """Returns planes of every kind: signs, whole numbers, halves and what is not a number among them."""
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(2, NUMBER, generator=generator) * 3
    x[:4], y[:4] = torch.tensor([0.0, -0.5, 2.5, math.nan]), torch.tensor([1.0, -0.5, math.nan, 0.25])
    i = torch.randint(-1000, 1000, (NUMBER,), generator=generator).int()
    return {"x": x, "y": y, "p": x.abs().nan_to_num() + 0.01, "i": i, "j": i.roll(1), "n": i.abs() % 31}


CASES = {
    "add": lambda x, y, p, i, j, n: (x + y, torch.add(x, y, alpha=2), i + j, i + 0.5),
    "sub": lambda x, y, p, i, j, n: (x - y, i - j, x - i),
    "rsub": lambda x, y, p, i, j, n: (1 - x, 3 - i),
    "mul": lambda x, y, p, i, j, n: (x * y, i * j, x * i, i * 3),
    "div": lambda x, y, p, i, j, n: (x / p, i / 7, 1 / p),
    "addcmul": lambda x, y, p, i, j, n: (torch.addcmul(x, y, p), torch.addcmul(x, y, p, value=-1)),
    "neg": lambda x, y, p, i, j, n: (-x, -i),
    "reciprocal": lambda x, y, p, i, j, n: (p.reciprocal(),),
    "rsqrt": lambda x, y, p, i, j, n: (p.rsqrt(),),
    "sqrt": lambda x, y, p, i, j, n: (p.sqrt(),),
    "floor": lambda x, y, p, i, j, n: (x.floor(),),
    "round": lambda x, y, p, i, j, n: (x.round(),),
    "abs": lambda x, y, p, i, j, n: (x.abs(), i.abs()),
    "square": lambda x, y, p, i, j, n: (x.square(),),
    "pow": lambda x, y, p, i, j, n: (
        (p + 0 * x) ** 0.4,
        x**2,
        x**3,
        p**4,
        p ** (1 / 2.4),
        p**2.4,
        p**-1.5,
        (p * 0) ** 0.5,
    ),
    "log2": lambda x, y, p, i, j, n: (
        (p + 0 * x).log2(),
        p.log2(),
        (p * 1e-20).log2(),
        (p * 1e20).log2(),
        (p / p).log2(),
    ),
    "exp2": lambda x, y, p, i, j, n: (x.exp2(), (x * 9).exp2()),
    "sin": lambda x, y, p, i, j, n: (x.sin(),),
    "cos": lambda x, y, p, i, j, n: (x.cos(),),
    "acos": lambda x, y, p, i, j, n: (x.clamp(-1, 1).acos(),),
    "atan2": lambda x, y, p, i, j, n: (torch.atan2(x, p),),
    "clamp": lambda x, y, p, i, j, n: (x.clamp(-1, 1), i.clamp(-5, 5), x.clamp(max=1)),
    "clamp_min": lambda x, y, p, i, j, n: (x.clamp_min(0.5), i.clamp_min(0)),
    "clamp_max": lambda x, y, p, i, j, n: (x.clamp_max(0.5), i.clamp_max(0)),
    "maximum": lambda x, y, p, i, j, n: (torch.maximum(x, y), torch.maximum(y, x), torch.maximum(i, j)),
    "minimum": lambda x, y, p, i, j, n: (torch.minimum(x, y), torch.minimum(y, x), torch.minimum(i, j)),
    "where": lambda x, y, p, i, j, n: (torch.where(x > 0, x, y), torch.where(i > 0, i, -1), torch.where(x > 0, 1.0, p)),
    "lt": lambda x, y, p, i, j, n: (x < y, i < 3, i < x),
    "le": lambda x, y, p, i, j, n: (x <= y, i <= 3),
    "gt": lambda x, y, p, i, j, n: (x > y, i > 2.5),
    "ge": lambda x, y, p, i, j, n: (x >= y, i >= j),
    "eq": lambda x, y, p, i, j, n: (x == y, i == j),
    "ne": lambda x, y, p, i, j, n: (x != y, i != j),
    "bitwise_and": lambda x, y, p, i, j, n: (i & j, i & 255, (x > 0) & (y > 0)),
    "bitwise_or": lambda x, y, p, i, j, n: (i | j, (x > 0) | (y > 0)),
    "bitwise_xor": lambda x, y, p, i, j, n: (i ^ j, i ^ 77),
    "bitwise_not": lambda x, y, p, i, j, n: (~i, ~(x > 0)),
    "logical_and": lambda x, y, p, i, j, n: (torch.logical_and(x > 0, y > 0),),
    "logical_or": lambda x, y, p, i, j, n: (torch.logical_or(x > 0, y > 0),),
    "logical_not": lambda x, y, p, i, j, n: (torch.logical_not(x > 0),),
    "__lshift__": lambda x, y, p, i, j, n: (i << 3, n << 2),
    "bitwise_left_shift": lambda x, y, p, i, j, n: (1 << (n % 5),),
    "__rshift__": lambda x, y, p, i, j, n: (i >> 3,),
    "bitwise_right_shift": lambda x, y, p, i, j, n: (torch.bitwise_right_shift(i, n % 5),),
    "floor_divide": lambda x, y, p, i, j, n: (i // 7, i // 256, i // (n + 1)),
    "remainder": lambda x, y, p, i, j, n: (i % 7, i % (n + 1), x % 1, i % 49.0),
    "_to_copy": lambda x, y, p, i, j, n: (p.int(), (-p).int(), i.float(), (i > 0).float(), i.long() * 70000 >> 16),
    "full_like": lambda x, y, p, i, j, n: (torch.full_like(x, 2.5) * x,),
    "zeros_like": lambda x, y, p, i, j, n: (torch.zeros_like(x) + 1,),
    "ones_like": lambda x, y, p, i, j, n: (torch.ones_like(x) + x,),
    "scalar_tensor": lambda x, y, p, i, j, n: (torch.where(x > 0, 2.0, x),),
}


BYTES = {
    "compared": lambda b, c, t: (b > 200, b < c, b == 255, t > 0, t >= False, t < 0.5),
    "bounded": lambda b, c, t: (b.clamp(3, 250), torch.maximum(b, c), b.abs()),
    "computed": lambda b, c, t: (b + 7, b // 7, b % 7, b >> 1, b << 1, b / 2, ~b, t.int() * 3, b.bool(), t & (b > 5)),
}
"""Operations on unsigned bytes `b` and `c` and truth values `t`."""


def as_floats(results: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Returns results in the type that loops deliver; whole numbers here are small enough to stay what they are."""
    return tuple(result.float() for result in results)


def test_every_operation_has_a_case():
    assert set(CASES) == set(OPERATIONS)
    assert not set(VIEWS) & set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(CASES))
def test_operations_are_those_of_torch(name: str):
    inputs = planes()

    def function(_: Tables, *values: Tensor) -> tuple[Tensor, ...]:
        return as_floats(CASES[name](**dict(zip(inputs, values, strict=True))))

    found = run(function, [Job(tables(), 0, NUMBER)], list(inputs.values()))
    expected = torch.stack(function(tables(), *inputs.values()))
    # Some units in the last place: products and sums are rounded once, roots and logarithms are our own.
    torch.testing.assert_close(found, expected, rtol=2e-6, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", sorted(BYTES))
def test_bytes_and_truth_values_have_no_sign(name: str):
    b = torch.arange(256).to(torch.uint8)
    inputs = [b, b.roll(1), b % 3 == 0]

    def function(_: Tables, *values: Tensor) -> tuple[Tensor, ...]:
        return as_floats(BYTES[name](*values))

    found = run(function, [Job(tables(), 0, len(b))], inputs)
    torch.testing.assert_close(found, torch.stack(function(tables(), *inputs)), rtol=0, atol=0)


def lookups(given: Tables, index: Tensor, x: Tensor, factor: int) -> Tensor:
    """Reads tables in every way that shading does."""
    red, green, blue = take(given.one, None)
    flag = torch.where(take_one(given.flags, index), red, green)
    word = (take_one(given.column, index) & 255).float()
    last = take(given.rows[:, -1:], index)[0]
    return torch.stack([*(c * x for c in take(given.rows, index)), flag, word, last, blue * factor + x])


@pytest.mark.parametrize("width", range(1, 20))
def test_rows_of_any_width_are_read(width: int):
    index, x = torch.randint(0, 50, (NUMBER,)).int(), torch.randn(NUMBER)
    given = tables(width)
    expected = lookups(given, index, x, 3)
    torch.testing.assert_close(run(lookups, [Job(given, 0, NUMBER)], [index, x], 3), expected, rtol=1e-6, atol=1e-6)


def test_the_last_row_of_a_table_is_not_read_beyond():
    # Rows of 3 are read as 2 and 1: what lies behind the table is another's.
    edge = torch.zeros(4096, 3)
    found = run(
        lookups,
        [Job(Tables(edge, *list(vars(tables()).values())[1:]), 0, 40)],
        [torch.full((40,), 49).int(), torch.ones(40)],
        1,
    )
    assert found[:3].abs().max() == 0


def test_jobs_have_tables_of_their_own_and_any_length(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "SHARE", 16)
    given = [tables(4), tables(4)]
    given[1] = Tables(given[0].rows * 2, given[0].column, given[0].flags, given[0].one + 1)
    index, x = torch.randint(0, 50, (NUMBER,)).int(), torch.randn(NUMBER)
    for number in (1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 99):
        jobs = [Job(given[0], 0, number), Job(given[1], number, NUMBER)]
        found = run(lookups, jobs, [index, x], 2)
        parts = [lookups(job.tables, index[job.first : job.end], x[job.first : job.end], 2) for job in jobs]
        torch.testing.assert_close(found, torch.cat(parts, dim=1), rtol=1e-6, atol=1e-6)


def test_nothing_to_do_is_done():
    found = run(lookups, [Job(tables(4), 0, 0)], [torch.zeros(0).int(), torch.zeros(0)], 1)
    assert found.shape == (8, 0)


def test_a_kind_of_tables_is_compiled_once(monkeypatch: pytest.MonkeyPatch):
    index, x = torch.zeros(NUMBER).int(), torch.ones(NUMBER)
    run(lookups, [Job(tables(5), 0, NUMBER)], [index, x], 4)
    monkeypatch.setattr(loop, "_compile", lambda *_: pytest.fail("compiled again"))
    longer = Tables(torch.ones(70, 5), torch.ones(80).int(), torch.ones(90).bool(), torch.ones(1, 3))
    found = run(lookups, [Job(longer, 0, NUMBER)], [index, x], 4)
    torch.testing.assert_close(found, lookups(longer, index, x, 4), rtol=1e-6, atol=1e-6)


def test_a_kind_of_tables_is_compiled_for_all_of_its_kind():
    index, x = torch.arange(NUMBER).int() % 5, torch.randn(NUMBER)

    def function(given: Tables, index: Tensor, x: Tensor) -> Tensor:
        return lookups(given, index, x, 5)

    # What the first ones are must not become part of the loop: transposed, one tensor twice, a single row.
    transposed, row = torch.randn(3, 7).t(), torch.randn(3).as_strided((1, 3), (0, 1))
    first = Tables(rows=transposed, column=torch.arange(7).int(), flags=torch.ones(7).bool(), one=transposed)
    single = Tables(rows=row, column=torch.ones(1).int(), flags=torch.ones(1).bool(), one=row)
    for given, rows in ((single, index * 0), (first, index), (tables(3), index)):
        expected = lookups(given, rows, x, 5)
        torch.testing.assert_close(run(function, [Job(given, 0, NUMBER)], [rows, x]), expected, rtol=1e-6, atol=1e-6)
    loop._kernels.clear()
    found = run(function, [Job(first, 0, NUMBER)], [index, x])
    torch.testing.assert_close(found, lookups(first, index, x, 5), rtol=1e-6, atol=1e-6)


def test_a_number_is_not_taken_for_a_column_with_its_kernel():
    x = torch.ones(NUMBER)
    number, column = (Tables(t, *list(vars(tables()).values())[1:]) for t in (torch.tensor(2.0), torch.ones(1)))
    for given, expected in ((number, 2), (column, 1)):
        assert (run(scaled, [Job(given, 0, NUMBER)], [x]) == expected).all()


def scaled(given: Tables, x: Tensor) -> Tensor:
    """Multiplies by all that there is."""
    return torch.stack([x * given.rows])


def test_no_row_is_read_to_compile():
    empty = Tables(torch.ones(0, 6), torch.ones(0).int(), torch.ones(0).bool(), torch.ones(1, 3))
    index, x = torch.zeros(0).int(), torch.zeros(0)
    assert run(lookups, [Job(empty, 0, 0)], [index, x], 6).shape == (10, 0)


def test_what_users_set_for_new_tensors_changes_nothing():
    index, x = torch.zeros(NUMBER).int(), torch.ones(NUMBER)
    for number in (3, NUMBER):
        expected = run(lookups, [Job(tables(4), 0, number)], [index, x], 2)[:, :number]
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        try:
            found = run(lookups, [Job(TABLES, 0, number)], [index, x], 2)[:, :number]
        finally:
            torch.set_default_device(None)
            torch.set_default_dtype(torch.float32)
        assert torch.equal(found, expected)


TABLES = tables(4)


def interrupted(*_: object) -> None:
    """Stands for Ctrl-C."""
    raise KeyboardInterrupt


def test_an_interrupt_leaves_the_memory_to_those_who_still_write(monkeypatch: pytest.MonkeyPatch):
    out = torch.empty(1, NUMBER)
    (task,) = loop._tasks(interrupted, Job(tables(), 0, NUMBER), [torch.ones(NUMBER)], out)
    written = weakref.ref(out)
    del out
    with pytest.raises(KeyboardInterrupt):
        task()
    assert task.args[-1][-1]._base is written()


def take_lock() -> None:
    """Takes the lock of this process."""
    with loop._compiling.held():
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked on this system")
def test_a_fork_while_another_thread_compiles_can_render():
    with ThreadPoolExecutor(1) as other:
        other.submit(loop._compiling._lock.acquire).result()
        child = multiprocessing.get_context("fork").Process(target=take_lock)
        child.start()
        child.join(20)
        other.submit(loop._compiling._lock.release).result()
    assert child.exitcode == 0


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda given, x: x * given.rows[-1, 0], r"cannot count a table's rows from the end, got -1\. Pass the row"),
        (lambda given, x: x * given.rows.unbind(0)[0][0], r"cannot take all rows of a table apart\. Take each by"),
        (lambda given, x: x.double(), r"torch\.float64 cannot be part .* Convert it to one of"),
        (lambda given, x: ((x > 0) + (x < 1)).float(), r"truth values cannot be computed with .* Use &, \| and \^"),
        (lambda given, x: x // 2, r"fractions cannot be divided with // .* Use / and floor"),
    ],
)
def test_what_would_be_wrong_for_other_tables_is_refused(function, match: str):
    with pytest.raises(NotImplementedError, match=match):
        run(lambda *inputs: (function(*inputs),), [Job(tables(), 0, NUMBER)], [torch.ones(NUMBER)])


def test_a_constant_tensor_is_refused():
    table = torch.ones(3)
    with pytest.raises(NotImplementedError, match=r"cannot be a constant .* Put it into the tables\."):
        run(lambda _, x: x * table[1], [Job(tables(), 0, NUMBER)], [torch.ones(NUMBER)])


def test_what_has_no_loop_is_named():
    with pytest.raises(NotImplementedError, match=r"aten\.erf.* cannot be part of a loop over planes\. Add it to"):
        run(lambda _, x: torch.erf(x), [Job(tables(), 0, NUMBER)], [torch.ones(NUMBER)])


def test_an_interrupt_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "thread_count", lambda: 2)
    both, done, main = threading.Barrier(2), [], threading.current_thread()

    def task() -> None:
        both.wait(timeout=10)
        if threading.current_thread() is main:
            raise KeyboardInterrupt
        time.sleep(0.1)
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        loop._run_all([task, task, *[lambda: done.append(False)] * 5])
    found = list(done)
    time.sleep(0.05)
    assert True in found
    assert done == found
