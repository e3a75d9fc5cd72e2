"""Lightning on a stream: every process renders its own share, and a checkpoint holds where the stream was.

python examples/train_lightning.py --steps 300
python examples/train_lightning.py --steps 300 --processes 2 --device cpu
python examples/train_lightning.py --steps 600 --resume lightning/last.ckpt

torchdata's StatefulDataLoader has a state that Lightning writes into its checkpoints, also in the middle of an epoch.
For that, `batches_per_epoch` must be set: of a loader without a length Lightning reads one batch ahead.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import lightning
import torch
from command_line import make_parser, settings
from detector import Detector, detection_loss
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from torch import Tensor
from torchdata.stateful_dataloader import StatefulDataLoader

import ondr

LEARNING_RATE = 2e-3
BATCHES_PER_EPOCH = 100
STEPS = 300


class Detection(lightning.LightningModule):
    """The detector of `train_detector.py` with its loss."""

    def __init__(self, classes: int, steps: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.detector = Detector(classes)
        self.steps = steps
        self.losses: list[Tensor] = []

    def training_step(self, batch: ondr.Batch, index: int) -> Tensor:
        """Returns the loss of a batch, which lies on this rank's device already."""
        loss = detection_loss(self.detector(batch.images), batch.targets)
        self.log("loss", loss, prog_bar=True, batch_size=len(batch))
        self.losses.append(loss.detach())
        return loss

    def configure_optimizers(self) -> dict:
        """Returns AdamW with one cycle of learning rates."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, LEARNING_RATE, total_steps=self.steps + 1, pct_start=0.05
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


class Stream(lightning.LightningDataModule):
    """A stream as Lightning wants it: made once the processes know each other."""

    def __init__(self, cfg: ondr.Config, workers: int = 0) -> None:
        super().__init__()
        self.cfg, self.workers = cfg, workers

    def setup(self, stage: str) -> None:
        """Loads the meshes, in each process, onto the device that it trains on."""
        device = self.trainer.strategy.root_device
        cfg = self.cfg.with_overrides([f"device={device}"]) if device.type == "cuda" else self.cfg
        self.scenes = ondr.RandomizedScenes(cfg)

    def train_dataloader(self) -> StatefulDataLoader:
        """Returns a loader with a state."""
        return StatefulDataLoader(self.scenes, num_workers=self.workers)


def make_trainer(options: Namespace, steps: int) -> lightning.Trainer:
    """Returns a trainer that keeps a checkpoint in `options.out`."""
    return lightning.Trainer(
        accelerator="cpu" if options.device == "cpu" or not torch.cuda.is_available() else "gpu",
        devices=options.processes,
        strategy="ddp" if options.processes > 1 else "auto",
        max_steps=steps,
        gradient_clip_val=10.0,
        logger=False,
        log_every_n_steps=1,
        default_root_dir=options.out,
        callbacks=[ModelCheckpoint(options.out, save_last=True, every_n_train_steps=50), RichProgressBar()],
        enable_model_summary=False,
    )


def main() -> None:
    """Trains."""
    parser = make_parser(__doc__, "detection", size=128)
    parser.add_argument("--processes", type=int, default=1, help="CPU processes or GPUs (1)")
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    parser.add_argument("--out", type=Path, default=Path("lightning"), help="folder of the checkpoints")
    options = parser.parse_args()
    lightning.seed_everything(options.seed)
    cfg = settings(options, ["boxes", "labels", "ignored"]).with_overrides([f"batches_per_epoch={BATCHES_PER_EPOCH}"])
    steps = options.steps or STEPS
    trainer, classes = make_trainer(options, steps), len(ondr.load_assets(cfg).class_names)
    model = Detection(classes, steps)
    trainer.fit(model, Stream(cfg), ckpt_path=options.resume)
    losses = torch.stack(model.losses).tolist()
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    trainer.print(f"{trainer.global_step} steps, loss {first:.4f} -> {last:.4f}")


if __name__ == "__main__":
    main()
