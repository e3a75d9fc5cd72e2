"""What a caller has switched on in torch: it changes no image, and stays as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch

from ondr.runtime.isolation import isolated
from tests.test_render import IDS, dataset

CPU = torch.device("cpu")


@pytest.mark.parametrize("grad", [True, False])
def test_gradients_stay_as_they_are(grad: bool) -> None:
    with torch.set_grad_enabled(grad), isolated(CPU):
        assert torch.is_grad_enabled() == grad
    with torch.inference_mode():
        with isolated(CPU):
            assert not torch.is_grad_enabled()
            assert not torch.ones(1).is_inference()
        assert torch.is_inference_mode_enabled()


def test_matrices_are_not_rounded_under_autocast() -> None:
    a = torch.rand(3, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16), isolated(CPU):
        assert torch.equal(a @ a, torch.mm(a, a))
        assert (a @ a).dtype == torch.float32


@contextlib.contextmanager
def default_type(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "switched_on",
    [
        torch.inference_mode,
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: default_type(torch.bfloat16),
        lambda: default_type(torch.float64),
    ],
    ids=["inference mode", "autocast", "bfloat16", "float64"],
)
def test_images_are_the_same_inside(switched_on: type) -> None:
    expected = dataset().render(IDS[:2])
    with switched_on():
        found = dataset().render(IDS[:2])
    assert torch.equal(found.images, expected.images)
    for name in expected.targets.names():
        label, wanted = getattr(found.targets, name), getattr(expected.targets, name)
        assert label.dtype == wanted.dtype
        assert torch.equal(label, wanted), name
    assert not found.images.is_inference()
