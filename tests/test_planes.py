"""Taking planes from tables: the same values as indexing, whatever the shape, and never stale ones."""

from __future__ import annotations

import pytest
import torch

from ondr.planes import along, cross, dot, places, take, take_one, unit


@pytest.mark.parametrize("shape", [(0,), (7,), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_take_is_indexing(shape: tuple[int, ...], dtype: torch.dtype):
    table, index = torch.rand(5, 3), torch.randint(0, 5, shape).to(dtype)
    planes = take(table, index)
    assert [plane.shape for plane in planes] == [shape] * 3
    assert torch.equal(torch.stack(planes, -1), table[index.long()])
    assert torch.equal(take_one(table[:, 0], index), table[index.long(), 0])


def test_take_sees_a_table_that_was_changed():
    table, index = torch.rand(4, 2), torch.tensor([1, 3])
    take(table, index)
    table[1, 0] = 9
    assert take(table, index)[0].tolist() == [9, table[3, 0].item()]


def test_take_passes_gradients():
    table = torch.rand(4, 2, requires_grad=True)
    sum(plane.sum() for plane in take(table, torch.tensor([1, 1, 3]))).backward()
    assert table.grad.tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


def test_vectors():
    a, b = torch.rand(3, 10), torch.rand(3, 10)
    torch.testing.assert_close(dot(a.unbind(), b.unbind()), (a * b).sum(0))
    torch.testing.assert_close(torch.stack(cross(a.unbind(), b.unbind())), torch.linalg.cross(a, b, dim=0))
    torch.testing.assert_close(torch.stack(unit(a.unbind())).norm(dim=0), torch.ones(10))
    torch.testing.assert_close(torch.stack(along(a.unbind(), b.unbind(), a[0])), a + b * a[0])
    assert torch.stack(unit((torch.zeros(1),) * 3)).eq(0).all()


def test_places():
    size = (4, 6)
    image, row, column = places(torch.arange(3 * 4 * 6, dtype=torch.int32), size)
    expected = torch.meshgrid(torch.arange(3), torch.arange(4), torch.arange(6), indexing="ij")
    for got, values in zip((image, row, column), expected, strict=True):
        assert got.tolist() == values.flatten().tolist()
