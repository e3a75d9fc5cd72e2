"""How many images fit a device's memory at once, found by trial once per image size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from ondr.errors import say_once
from ondr.runtime.scratch import forget_recycled
from ondr.scene import Scene

T = TypeVar("T")
Key = tuple[torch.device, tuple[int, int]]
"""A device, and height and width of the images."""
SIGNS = ("DefaultCPUAllocator", "cudaMalloc")
"""Messages that mark a RuntimeError as out of memory: torch's on the CPU, nvdiffrast's."""
_most: dict[Key, int] = {}


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error of torch, numpy, numba or nvdiffrast says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


def known_to_fit(key: Key, wanted: int) -> int:
    """Returns how many of the wanted images fit at once, as far as is known."""
    return min(wanted, _most.get(key, wanted))


def in_parts_that_fit(run: Callable[[Scene], T], scenes: Iterable[Scene], key: Key) -> list[T]:
    """Returns the results of `run` for batches of scenes; a batch that does not fit into memory is halved.

    The size that fits is logged and remembered.

    Args:
        run: Renders a batch; it is called again for the halves of a batch that did not fit.
        scenes: Batches of any size, in order.
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
    """Returns the result of `run` in a list, which is empty if memory ran out.

    The error ends with this function, and with it the tensors that its traceback kept alive.
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
        # The allocator caches free memory in blocks of the sizes that were tried.
        torch.cuda.empty_cache()
    _most[key] = (number + 1) // 2
    return []
