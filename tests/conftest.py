"""Fixtures and switches that all tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import jaxtyping
import pytest
import torch

from tests import kernels

kernels.drop_stale()

# Tests side by side share the processors: threads beyond those spin while they wait for one another, which doubles the
# time of all. The variable is for the programs that tests start.
if (workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
    torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))

# Meshes that tests read are not left with the user's, and none of those is taken for what the code makes today.
os.environ["ONDR_CACHE"] = tempfile.mkdtemp(prefix="ondr-cache-")
atexit.register(shutil.rmtree, os.environ["ONDR_CACHE"], ignore_errors=True)

# Checking doubles the time, and torch.compile does not look into checked functions: `make shapes` switches it on.
if os.environ.get("ONDR_TYPECHECK") == "1":
    from tests import typecheck

    typecheck.install()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real meshes and photos that ONDR_TEST_DATA names."""
    if not os.environ.get("ONDR_TEST_DATA"):
        pytest.skip("ONDR_TEST_DATA is unset: no real meshes and photos to test on")
    return Path(os.environ["ONDR_TEST_DATA"])


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test pass what annotations forbid, to see what ondr itself says."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a CUDA test without a CUDA device, or fails it where one was promised."""
    if item.get_closest_marker("cuda") is None or torch.cuda.is_available():
        return
    if os.environ.get("ONDR_REQUIRE_CUDA") == "1":
        pytest.fail("ONDR_REQUIRE_CUDA=1, but torch finds no CUDA device")
    pytest.skip("needs a CUDA device")
