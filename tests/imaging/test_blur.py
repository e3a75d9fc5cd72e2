"""Blur against scipy, and on the images that drew it only."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter

from ondr.imaging.blur import REACH, blur


def images(batch: int = 4) -> torch.Tensor:
    return torch.rand(batch, 3, 24, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.5, 2.4])
def test_equals_scipy(sigma: float):
    got = blur(images(1), torch.tensor([sigma]), (0,), 3.0)[0]
    for plane, expected in zip(got, images(1)[0], strict=True):
        # scipy rounds the kernel's radius, we round it up: at most exp(-REACH**2 / 2) of the light is elsewhere.
        exact = gaussian_filter(expected.double().numpy(), sigma, mode="mirror", truncate=REACH + 0.5 / sigma)
        torch.testing.assert_close(plane.double(), torch.tensor(exact), rtol=0, atol=2e-3)


def test_only_on_the_rows_that_are_named():
    sigma = torch.tensor([0.0, 1.0, 0.0, 2.0])
    got = blur(images(), sigma, (1, 3), 2.0)
    assert torch.equal(got[[0, 2]], images()[[0, 2]])
    assert (got[[1, 3]] != images()[[1, 3]]).any()
    assert blur(given := images(), sigma, (), 2.0) is given


def test_does_not_depend_on_the_rest_of_the_batch():
    together = blur(images(), torch.tensor([0.5, 1.0, 1.5, 2.0]), (0, 1, 2, 3), 2.0)
    for i, sigma in enumerate((0.5, 1.0, 1.5, 2.0)):
        assert torch.equal(together[i], blur(images()[i : i + 1], torch.tensor([sigma]), (0,), 2.0)[0])


def test_a_kernel_wider_than_the_image():
    tiny = torch.ones(1, 3, 4, 4)
    torch.testing.assert_close(blur(tiny, torch.tensor([9.0]), (0,), 9.0), tiny)


def test_input_is_left_alone_and_gradients_pass():
    given, sigma = images(2).requires_grad_(), torch.tensor([1.0, 1.0]).requires_grad_()
    before = given.detach().clone()
    blur(given, sigma, (0,), 1.0).square().sum().backward()
    assert torch.equal(given.detach(), before)
    assert sigma.grad[0] < 0
    assert sigma.grad[1] == 0


@pytest.mark.parametrize("size", [(24, 40), (5, 70), (1, 9)])
def test_the_fast_twin_equals_kornia(size: tuple[int, int]):
    given = torch.rand(5, 3, *size, generator=torch.Generator().manual_seed(1)) * 4
    sigma, rows = torch.tensor([0.2, 3.0, 0.0, 1.1, 0.6]), (0, 1, 3, 4)
    fast, slow = blur(given, sigma, rows, 3.0), blur(given.clone().requires_grad_(), sigma, rows, 3.0)
    # Sums of up to 19 products of 4, rounded in another order.
    torch.testing.assert_close(fast, slow.detach(), rtol=0, atol=3e-6)


def test_in_place_gives_the_same_in_the_same_memory():
    linear, sigma = torch.rand(3, 3, 20, 30), torch.tensor([1.5, 0.7, 2.0])
    expected = blur(linear, sigma, (0, 2), 3.0)
    before = linear.clone()
    assert torch.equal(linear, before)
    got = blur(linear, sigma, (0, 2), 3.0, in_place=True)
    assert got.data_ptr() == linear.data_ptr()
    assert torch.equal(got, expected)
