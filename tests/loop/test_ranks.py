"""Two real training processes, joined by gloo or told by the environment, as torchrun starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from ondr.loop.dataset import RandomizedScenes
from tests.loop.tiny import tiny_config

RANK = """
import os, sys
import torch
from torch.utils.data import DataLoader
from ondr.loop.dataset import RandomizedScenes
from tests.loop.tiny import tiny_config

if __name__ == "__main__":
    folder, out, initialise = sys.argv[1:]
    torch.set_num_threads(1)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if initialise == "distributed":
        # Only torch.distributed knows the ranks then.
        del os.environ["RANK"], os.environ["WORLD_SIZE"]
        torch.distributed.init_process_group("gloo", init_method=f"file://{out}/store", rank=rank, world_size=world)
    scenes = RandomizedScenes(tiny_config(folder, batches_per_epoch=2, photometric={"noise_std": 0.02}))
    loaders = [DataLoader(scenes), DataLoader(scenes, num_workers=1),
               DataLoader(scenes, num_workers=1, multiprocessing_context="spawn")]
    found = [(batch.sample_ids, batch.images, batch.state) for loader in loaders for batch in loader]
    torch.save(found, f"{out}/{rank}.pt")
"""


@pytest.mark.slow
@pytest.mark.parametrize("initialise", ["distributed", "environment"])
def test_two_processes_share_the_stream(meshes: Path, tmp_path: Path, initialise: str) -> None:
    script = tmp_path / "rank.py"
    script.write_text(RANK)
    root = str(Path(__file__).parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, str(script), str(meshes), str(tmp_path), initialise],
            env={**os.environ, "PYTHONPATH": root, "RANK": str(rank), "WORLD_SIZE": "2"},
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=120) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    together = [step for pair in zip(*ranks, strict=True) for step in pair]
    assert [int(ids[0]) for ids, _, _ in together] == list(range(0, 24, 2))
    assert [state for _, _, state in ranks[0]] == [state for _, _, state in ranks[1]]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = DataLoader(RandomizedScenes(tiny_config(meshes, photometric={"noise_std": 0.02})))
    for (ids, images, _), batch in zip(together, alone, strict=False):
        assert torch.equal(ids, batch.sample_ids)
        assert torch.equal(images, batch.images)
    torch.set_num_threads(threads)
