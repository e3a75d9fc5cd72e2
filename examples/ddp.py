"""Data-parallel training: every rank renders its own share of the stream, and nothing but gradients is sent.

examples/torchrun_ddp.sh 2 --device cpu

What an image costs should not change as ranks are added. The speeds of rendering alone and of training are printed,
each for all ranks together.
"""

from __future__ import annotations

import gc
from argparse import Namespace
from time import perf_counter

import torch
import torch.distributed as dist
from command_line import make_parser, settings
from detector import Detector, detection_loss
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

import ondr
from ondr.loop.ranks import find_rank

LEARNING_RATE = 1e-3
STEPS = 40
WARMUP = 5


def join(device: str) -> torch.device:
    """Joins the other processes that torchrun has started and returns this one's device."""
    rank, _ = find_rank()
    if device == "cpu" or not torch.cuda.is_available():
        dist.init_process_group("gloo")
        return torch.device("cpu")
    chosen = torch.device("cuda", rank % torch.cuda.device_count())
    torch.cuda.set_device(chosen)
    dist.init_process_group("nccl", device_id=chosen)
    return chosen


def seconds_for(steps: int, step, device: torch.device) -> float:
    """Returns how long the slowest rank takes for some steps that all begin together."""
    dist.barrier()
    started = perf_counter()
    for _ in range(steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    taken = torch.tensor([perf_counter() - started], device=device)
    dist.all_reduce(taken, dist.ReduceOp.MAX)
    return taken.item()


def main() -> None:
    """Trains and measures, then leaves the other processes."""
    options = make_parser(__doc__, "detection", size=128).parse_args()
    compare(options, join(options.device))
    # The model is in a cycle with its hooks and holds the group, whose threads must have ended before Python does.
    gc.collect()
    dist.destroy_process_group()


def compare(options: Namespace, device: torch.device) -> None:
    """Measures rendering alone and training, and prints both."""
    rank, world = dist.get_rank(), dist.get_world_size()
    options.device = str(device)
    cfg = settings(options, ["boxes", "labels", "ignored"])
    scenes = ondr.RandomizedScenes(cfg)
    stream = iter(DataLoader(scenes))
    torch.manual_seed(options.seed)
    model = DistributedDataParallel(Detector(len(scenes.class_names)).to(device))
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE)

    def train() -> None:
        batch = next(stream)
        loss = detection_loss(model(batch.images), batch.targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    steps = options.steps or STEPS
    seconds_for(WARMUP, train, device)
    images = steps * world * cfg.batch_size
    rates = {
        "rendering alone": images / seconds_for(steps, lambda: next(stream), device),
        "rendering and training": images / seconds_for(steps, train, device),
    }
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    first = weights.clone()
    dist.broadcast(first, 0)
    same = torch.tensor([float(torch.equal(weights, first))], device=device)
    dist.all_reduce(same, dist.ReduceOp.MIN)
    if rank == 0:
        shown = ", ".join(f"{name} {rate:.0f} images/s" for name, rate in rates.items())
        print(f"{world} ranks: {shown}; the weights of all ranks {'agree' if same.item() else 'DIFFER'}")


if __name__ == "__main__":
    main()
