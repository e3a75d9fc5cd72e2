"""How many images fit a device's memory at once: found out by trying, once for each size of image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from ondr.errors import say_once
from ondr.scene import Scene
from ondr.scratch import forget_recycled

T = TypeVar("T")
Key = tuple[torch.device, tuple[int, int]]
"""A device, and height and width of the images."""
SIGNS = ("DefaultCPUAllocator", "cudaMalloc")
"""Of errors that are told from others by their message alone: torch's on the CPU, nvdiffrast's."""
_most: dict[Key, int] = {}


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory ran out: that of torch, numpy, numba or nvdiffrast."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


def known_to_fit(key: Key, wanted: int) -> int:
    """Returns how many of the images wanted at once fit, as far as is known."""
    return min(wanted, _most.get(key, wanted))


def in_parts_that_fit(run: Callable[[Scene], T], scenes: Iterable[Scene], key: Key) -> list[T]:
    """Returns what `run` makes of batches of scenes, of halves of them where memory runs out.

    The size that fits is said, and known from then on.

    Args:
        run: It is called again for what did not fit.
        scenes: Batches of any size, in their order.
        key: What the size that fits depends on.

    Raises:
        torch.OutOfMemoryError: A single image does not fit; or MemoryError or RuntimeError, as the device has it.
    """
    before = _most.get(key)
    done = [part for scene in scenes for part in _halved(run, scene, key)]
    found, (device, (height, width)) = _most.get(key), key
    if found != before:
        say_once(
            f"render.micro_batch: the memory of {device} does not hold more than {found} images of {height}x{width} at "
            f"once, so that batches are rendered in parts. Set render.micro_batch to {found} to begin with it."
        )
    return done


def _halved(run: Callable[[Scene], T], scene: Scene, key: Key) -> Iterator[T]:
    number = len(scene.sample_ids)
    if number <= known_to_fit(key, number):
        done = _attempt(run, scene, key)
        if done:
            yield from done
            return
    middle = (number + 1) // 2
    yield from _halved(run, scene.rows(slice(0, middle)), key)
    yield from _halved(run, scene.rows(slice(middle, number)), key)


def _attempt(run: Callable[[Scene], T], scene: Scene, key: Key) -> list[T]:
    """Returns what `run` makes of the scenes, in a list that is empty if memory ran out.

    When this returns the error is gone, and with it all tensors that its traceback held.
    """
    device, (height, width) = key
    number = len(scene.sample_ids)
    try:
        return [run(scene)]
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if number == 1:
            error.add_note(
                f"image_size must be small enough for one image to fit the memory of {device}, got {[height, width]}. "
                f"Set image_size to {[-(-height // 2), -(-width // 2)]}."
            )
            raise
    forget_recycled()
    if device.type == "cuda":
        # What is free lies in blocks of the sizes that were tried.
        torch.cuda.empty_cache()
    _most[key] = (number + 1) // 2
    return []
