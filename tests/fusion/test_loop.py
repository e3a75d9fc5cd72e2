"""Compiled loops against torch itself, operation by operation: every one that can be part of a loop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ondr.fusion import loop
from ondr.fusion.emit_llvm import OPERATIONS, VIEWS
from ondr.fusion.loop import Job, run
from ondr.imaging.planes import take, take_one

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
    "pow": lambda x, y, p, i, j, n: (x**2, x**3, p**4, p ** (1 / 2.4), p**2.4, p**-1.5, (p * 0) ** 0.5),
    "log2": lambda x, y, p, i, j, n: (p.log2(), (p * 1e-20).log2(), (p * 1e20).log2(), (p / p).log2()),
    "exp2": lambda x, y, p, i, j, n: (x.exp2(), (x * 9).exp2()),
    "sin": lambda x, y, p, i, j, n: (x.sin(),),
    "cos": lambda x, y, p, i, j, n: (x.cos(),),
    "acos": lambda x, y, p, i, j, n: (x.clamp(-1, 1).acos(),),
    "atan2": lambda x, y, p, i, j, n: (torch.atan2(x, p),),
    "clamp": lambda x, y, p, i, j, n: (x.clamp(-1, 1), i.clamp(-5, 5), x.clamp(max=1)),
    "clamp_min": lambda x, y, p, i, j, n: (x.clamp_min(0.5), i.clamp_min(0)),
    "clamp_max": lambda x, y, p, i, j, n: (x.clamp_max(0.5), i.clamp_max(0)),
    "maximum": lambda x, y, p, i, j, n: (torch.maximum(x, p), torch.maximum(i, j)),
    "minimum": lambda x, y, p, i, j, n: (torch.minimum(x, p), torch.minimum(i, j)),
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
    "floor_divide": lambda x, y, p, i, j, n: (i // 7, i // 256),
    "remainder": lambda x, y, p, i, j, n: (i % 7, x % 1),
    "_to_copy": lambda x, y, p, i, j, n: (p.int(), (-p).int(), i.float(), (i > 0).float(), i.long() * 70000 >> 16),
    "full_like": lambda x, y, p, i, j, n: (torch.full_like(x, 2.5) * x,),
    "zeros_like": lambda x, y, p, i, j, n: (torch.zeros_like(x) + 1,),
    "ones_like": lambda x, y, p, i, j, n: (torch.ones_like(x) + x,),
    "scalar_tensor": lambda x, y, p, i, j, n: (torch.where(x > 0, 2.0, x),),
}


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
    run(lookups, [Job(longer, 0, NUMBER)], [index, x], 4)


def test_a_constant_tensor_is_refused():
    table = torch.ones(3)
    with pytest.raises(NotImplementedError, match=r"cannot be a constant .* Put it into the tables\."):
        run(lambda _, x: x * table[1], [Job(tables(), 0, NUMBER)], [torch.ones(NUMBER)])


def test_what_has_no_loop_is_named():
    with pytest.raises(NotImplementedError, match=r"aten\.erf.* cannot be part of a loop over planes\. Add it to"):
        run(lambda _, x: torch.erf(x), [Job(tables(), 0, NUMBER)], [torch.ones(NUMBER)])
