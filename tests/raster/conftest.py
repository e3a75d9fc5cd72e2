"""Every rule of a rasterizer is asked of every backend."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that picks the backend."""
    return torch.device(request.param)
