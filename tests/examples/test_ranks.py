"""Two real processes under Lightning, Hugging Face's Trainer and torchrun: each renders its own share, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.examples.run import run_ranks

pytestmark = pytest.mark.slow

LIGHTNING = """
import json, os, sys
from argparse import Namespace
import lightning, torch
from tests.loop.tiny import tiny_config
from train_lightning import Detection, Stream, make_trainer

class Record(lightning.Callback):
    ids = []
    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.ids.append(batch.sample_ids.tolist())
        if trainer.global_step == 3:
            trainer.save_checkpoint(f"{out}/middle.ckpt")

meshes, out, name, workers, resume = sys.argv[1:]
torch.set_num_threads(1)
cfg = tiny_config(meshes, batches_per_epoch=5, outputs=["boxes", "labels", "ignored"])
trainer = make_trainer(Namespace(device="cpu", processes=2, out=out), steps=7)
trainer.callbacks.append(Record())
trainer.fit(Detection(2, 7), Stream(cfg, int(workers)), ckpt_path=resume or None)
json.dump(Record.ids, open(f"{out}/{name}{trainer.global_rank}.json", "w"))
"""

HUGGING_FACE = """
import json, os, sys
import torch, train_huggingface
from tests.loop.tiny import tiny_config

meshes, out = sys.argv[1:]
ids, as_inputs = [], train_huggingface.as_inputs
def recorded(batches):
    ids.append(batches[0].sample_ids.tolist())
    return as_inputs(batches)
train_huggingface.as_inputs = recorded
torch.set_num_threads(1)
cfg = tiny_config(meshes, image_size=(64, 64), outputs=["boxes", "labels", "ignored"])
trainer = train_huggingface.make_trainer(cfg, 3, out)
trainer.train()
json.dump(ids, open(f"{out}/{trainer.args.process_index}.json", "w"))
trainer.accelerator.end_training()
os._exit(0)  # gloo's threads now and then abort a process that ends by itself, when all is done
"""


def read(path: Path) -> list[list[int]]:
    return json.loads(path.read_text())


@pytest.mark.parametrize("workers", [0, 2])
def test_lightning_goes_on_in_the_middle_of_an_epoch(meshes: Path, tmp_path: Path, workers: int) -> None:
    pytest.importorskip("lightning")
    script = tmp_path / "rank.py"
    script.write_text(LIGHTNING)
    run_ranks([script, meshes, tmp_path, "whole", str(workers), ""])
    whole = [read(tmp_path / f"whole{rank}.json") for rank in range(2)]
    # Ids alternate between ranks: 0 and 1 of the first rank, 2 and 3 of the second.
    assert whole == [[[4 * k + 2 * rank, 4 * k + 2 * rank + 1] for k in range(7)] for rank in range(2)]
    run_ranks([script, meshes, tmp_path, "rest", str(workers), tmp_path / "middle.ckpt"])
    assert [read(tmp_path / f"rest{rank}.json") for rank in range(2)] == [ids[3:] for ids in whole]


def test_accelerate_neither_shards_nor_dispatches(meshes: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    script = tmp_path / "rank.py"
    script.write_text(HUGGING_FACE)
    run_ranks([script, meshes, tmp_path])
    ranks = [read(tmp_path / f"{rank}.json") for rank in range(2)]
    # Trainer may ask for a batch more than it uses.
    assert [ids[:3] for ids in ranks] == [[[4 * k + 2 * r, 4 * k + 2 * r + 1] for k in range(3)] for r in range(2)]


def test_cost_per_image_is_measured_by_ranks(tmp_path: Path) -> None:
    from tests.examples.run import EXAMPLES

    small = ("--device", "cpu", "-o", "render.compile=false", "--size", "64", "--steps", "4")
    printed = run_ranks([EXAMPLES / "ddp.py", *small])
    assert "2 ranks" in printed
    assert "the weights of all ranks agree" in printed
