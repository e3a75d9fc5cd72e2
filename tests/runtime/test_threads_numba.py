"""Threads: forks after a kernel ran, thread counts, callers at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ondr import raster
from ondr.errors import BackendError
from ondr.runtime.threads_numba import _check_layer, numba_threads
from tests.raster.test_rules import world


class Renders(Dataset):
    """Renders the same world for every index."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        return raster.visible(*world()).triangle


def test_the_number_of_threads_does_not_change_the_result() -> None:
    before, images = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with numba_threads() as threads:
                assert threads == min(count, numba.config.NUMBA_NUM_THREADS)
            images.append(raster.visible(*world()))
    finally:
        torch.set_num_threads(before)
    for name, value in vars(images[0]).items():
        assert torch.equal(value, getattr(images[1], name))


def test_the_number_of_threads_of_others_is_left_as_it_was() -> None:
    before = numba.get_num_threads()
    with numba_threads():
        pass
    assert numba.get_num_threads() == before


def test_workers_forked_after_a_preview_render_the_same() -> None:
    expected = Renders()[0]
    loader = DataLoader(Renders(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60)
    images = list(loader)
    assert len(images) == 4
    assert all(torch.equal(image, expected) for image in images)


def test_callers_in_several_threads_take_turns() -> None:
    expected = Renders()[0]
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(image, expected) for image in pool.map(lambda _: Renders()[0], range(16)))


@pytest.mark.parametrize("layer", ["omp", "tbb"])
def test_a_fork_that_inherited_other_threads_is_refused(layer: str) -> None:
    with pytest.raises(BackendError, match=r'must be \'workqueue\' .* Pass multiprocessing_context="spawn"'):
        _check_layer(layer, forked=True)
    _check_layer(layer, forked=False)


@pytest.mark.slow
@pytest.mark.parametrize(("context", "ends"), [("fork", "refused"), ("spawn", "rendered")])
def test_the_advice_for_a_layer_that_the_user_fixed(context: str, ends: str, tmp_path: Path) -> None:
    script = f"""
        import numba
        numba.config.THREADING_LAYER = "omp"
        from torch.utils.data import DataLoader
        from {__name__} import Renders
        if __name__ == "__main__":
            try:
                Renders()[0]
            except ValueError as error:
                print("no openmp here:", error)
                raise SystemExit
            try:
                list(DataLoader(Renders(), batch_size=None, num_workers=1, multiprocessing_context="{context}"))
                print("rendered")
            except Exception as error:
                print("refused" if 'multiprocessing_context="spawn"' in str(error) else error)
    """
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run([sys.executable, path], env=env, text=True, capture_output=True)
    if "no openmp here" in run.stdout:
        pytest.skip("numba has no OpenMP layer here")
    assert run.stdout.strip() == ends, run.stderr
