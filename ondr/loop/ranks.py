"""The rank of this training process."""

from __future__ import annotations

import os

import torch.distributed

from ondr.errors import ConfigError


def check_rank(rank: int | None, world_size: int | None) -> tuple[int, int] | None:
    """Returns the user's rank and world size; None if neither is given.

    Raises:
        ConfigError: Only one of them is given, or the rank is not below the world size.
    """
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None:
        raise ConfigError(
            f"rank and world_size must be given together, got rank={rank}, world_size={world_size}. Give both, or "
            "neither under torchrun."
        )
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank must be from 0 to world_size - 1 = {world_size - 1}, got {rank}. Count ranks from 0.")
    return rank, world_size


def joined_rank() -> tuple[int, int] | None:
    """Returns (rank, world size) of torch.distributed; None if it is not initialised."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return None


def find_rank() -> tuple[int, int]:
    """Returns (rank, world size) of torch.distributed if it is initialised, else of torchrun's environment, or (0, 1).

    Raises:
        ConfigError: The environment's rank is not below its world size.
    """
    told = [os.environ.get(name) for name in ("RANK", "WORLD_SIZE")]
    environment = check_rank(*(int(number) for number in told if number)) if all(told) else None
    return joined_rank() or environment or (0, 1)
