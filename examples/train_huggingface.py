"""Hugging Face's Trainer on a stream: RT-DETR from a configuration, without pretrained weights.

python examples/train_huggingface.py --steps 200
torchrun --nproc-per-node 2 examples/train_huggingface.py --steps 200 --device cpu

`ondr.loader` gives a DataLoader that Accelerate leaves as it is: every process renders its own share of the stream.
A detector of this kind needs a day rather than minutes; what the minutes show is that the loss falls.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from command_line import make_parser, settings
from torch import nn
from torch.utils.data import DataLoader
from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig, Trainer, TrainingArguments

import ondr

LEARNING_RATE = 1e-3
WIDTH = 64
STEPS = 200


class StreamTrainer(Trainer):
    """A Trainer whose training data is a stream."""

    def __init__(self, scenes: ondr.RandomizedScenes, **options: Any) -> None:
        self.scenes = scenes
        super().__init__(**options)

    def get_train_dataloader(self) -> DataLoader:
        """Returns the stream in DETR's convention; `prepare` would hand it back as it is."""
        return self.accelerator.prepare(ondr.loader(self.scenes, collate_fn=as_inputs))


def as_inputs(batches: list[ondr.Batch]) -> dict[str, Any]:
    """Returns a batch as the model takes it: `pixel_values` in -1..1 and `labels`."""
    inputs = batches[0].to_detr()
    return {**inputs, "pixel_values": inputs["pixel_values"] * 2 - 1}


def make_model(class_names: tuple[str, ...]) -> nn.Module:
    """Returns an RT-DETR of some two million parameters."""
    backbone = RTDetrResNetConfig(
        embedding_size=32,
        hidden_sizes=[32, 64, 96, 128],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrConfig(
        backbone_config=backbone,
        freeze_backbone_batch_norms=False,
        encoder_in_channels=[64, 96, 128],
        encoder_hidden_dim=WIDTH,
        encoder_ffn_dim=2 * WIDTH,
        encoder_attention_heads=4,
        d_model=WIDTH,
        decoder_in_channels=[WIDTH] * 3,
        decoder_ffn_dim=2 * WIDTH,
        decoder_attention_heads=4,
        decoder_layers=3,
        num_queries=30,
        num_denoising=20,
        id2label=dict(enumerate(class_names)),
        label2id={name: k for k, name in enumerate(class_names)},
    )
    return RTDetrForObjectDetection(config)


def make_trainer(cfg: ondr.Config, steps: int, folder: str) -> StreamTrainer:
    """Returns a trainer; under torchrun it joins the other processes first, so that the stream knows its rank."""
    arguments = TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="cosine",
        warmup_steps=min(20, steps // 10),
        max_grad_norm=1.0,
        logging_steps=max(1, steps // 10),
        save_strategy="no",
        report_to="none",
        use_cpu=cfg.device == "cpu" or not torch.cuda.is_available(),
        # DDP waits for parameters without a gradient: images without objects leave some.
        ddp_find_unused_parameters=True,
    )
    # Under torchrun each process trains on a GPU of its own; there it renders as well.
    if not arguments.use_cpu:
        cfg = cfg.with_overrides([f"device={arguments.device}"])
    scenes = ondr.RandomizedScenes(cfg)
    return StreamTrainer(scenes, model=make_model(scenes.class_names), args=arguments)


def main() -> None:
    """Trains and says how far the loss fell."""
    options = make_parser(__doc__, "detection", size=128).parse_args()
    torch.manual_seed(options.seed)
    cfg = settings(options, ["boxes", "labels", "ignored"])
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(cfg, options.steps or STEPS, folder)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if trainer.is_world_process_zero():
        print(f"{trainer.state.global_step} steps, loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    # Threads of a group of processes that is still there may abort one that ends.
    trainer.accelerator.end_training()


if __name__ == "__main__":
    main()
