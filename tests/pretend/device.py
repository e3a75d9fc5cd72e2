"""Tensors that say they lie on a GPU and are computed on the CPU, and a mode that makes them.

With it the code for CUDA runs where there is no GPU: what mixes devices fails as it would there, and what would make
the host wait is noted. Kernels, streams and memory are not imitated.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

import ondr

aten = torch.ops.aten
GPU = torch.device("cuda", 0)
OURS = Path(ondr.__file__).parent

ASKS = {aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten._unique2, aten.bincount, aten.equal}
"""Operations whose result, or its size, the host has to ask a GPU for."""
COPIES = {aten._to_copy, aten.copy_}
INDEXING = {aten.index, aten.index_put, aten.index_put_}


class Pretended(Tensor):
    """A tensor that says it lies on a GPU."""

    on_cpu: Tensor

    @staticmethod
    def __new__(cls, real: Tensor) -> Pretended:
        made = torch.Tensor._make_wrapper_subclass(
            cls, real.shape, strides=real.stride(), storage_offset=real.storage_offset(), dtype=real.dtype, device=GPU
        )
        made.on_cpu = real
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} on a pretended tensor outside of pretended_gpu()")

    # Torch's own would ask a guard of the device, which a build without CUDA does not have.
    def __getitem__(self, index: Any) -> Tensor:
        part, chosen = _part(self, index)
        return aten.index(part, chosen) if any(i is not None for i in chosen) else aten.alias(part)

    def __setitem__(self, index: Any, value: Any) -> None:
        part, chosen = _part(self, index)
        values = value if isinstance(value, Tensor) else torch.tensor(value, dtype=self.dtype)
        if any(i is not None for i in chosen):
            aten.index_put_(part, chosen, values)
        else:
            part.copy_(values)

    def copy_(self, source: Tensor, non_blocking: bool = False) -> Tensor:
        if torch.is_grad_enabled() and (self.requires_grad or source.requires_grad):
            raise NotImplementedError("a copy with gradients")
        mode = torch.utils._python_dispatch._get_current_dispatch_mode()
        return mode.__torch_dispatch__(aten.copy_.default, (), (self, source, non_blocking))

    def contiguous(self, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
        plain = self.is_contiguous(memory_format=memory_format)
        return self if plain else aten.clone(self, memory_format=memory_format)

    def __invert__(self) -> Tensor:
        return torch.bitwise_not(self)

    def nonzero(self) -> Tensor:
        return aten.nonzero(self)

    def item(self) -> Any:
        return aten._local_scalar_dense(self)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __index__(self) -> int:
        return int(self.item())

    def cpu(self) -> Tensor:
        return aten._to_copy(self, device=torch.device("cpu"))

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def record_stream(self, stream: object) -> None:
        pass


class PretendedGpu(TorchDispatchMode):
    """Makes and computes `Pretended` tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        """What the host would have waited for, in its order."""
        self.written: list[int] = []
        """How many elements each operation outside of compiled functions wrote."""
        self.compiled = 0
        """How many compiled functions are running, one within the other."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        ours = {id(leaf.on_cpu): leaf for leaf in given if isinstance(leaf, Pretended)}
        device = kwargs.get("device")
        if not ours and (device is None or torch.device(device).type != "cuda"):
            return func(*args, **kwargs)
        self._note(func.overloadpacket, args, kwargs, given)
        if device is not None:
            kwargs["device"] = torch.device("cpu")
        made = func(*_real(args), **_real(kwargs))
        if not self.compiled and not _is_view(func):
            self.written += [leaf.numel() for leaf in tree_flatten(made)[0] if isinstance(leaf, Tensor)]
        if not _lands_on_gpu(func.overloadpacket, args, device):
            return made
        return tree_map_only(Tensor, lambda t: ours[id(t)] if id(t) in ours else Pretended(t), made)

    def _note(self, operation: Any, args: Any, kwargs: Any, given: list[Tensor]) -> None:
        """Notes what would wait, and raises what a GPU would."""
        strange = [t for t in given if not isinstance(t, Pretended)]
        if operation in COPIES:
            self._note_copy(operation, args, kwargs)
            return
        if operation in ASKS or (operation is aten.repeat_interleave and kwargs.get("output_size") is None):
            self._wait(f"{operation}")
        if operation in INDEXING:
            indices = [i for i in args[1] if i is not None]
            if any(i.dtype == torch.bool or not isinstance(i, Pretended) for i in indices):
                self._wait(f"{operation} by a mask or by indices of the CPU")
            strange = [t for t in strange if all(t is not i for i in indices)]
        if any(t.dim() > 0 for t in strange):
            raise RuntimeError(f"Expected all tensors to be on the same device: {operation} got cuda:0 and cpu")

    def _note_copy(self, operation: Any, args: Any, kwargs: Any) -> None:
        source, late = args[operation is aten.copy_], kwargs.get("non_blocking") or args[2:] == (True,)
        lands = _lands_on_gpu(operation, args, kwargs.get("device"))
        if isinstance(source, Pretended) and not lands:
            self._wait("a copy to the CPU")
        # A single number is passed with the kernel that writes it.
        passed = operation is aten.copy_ and source.dim() == 0
        if lands and not isinstance(source, Pretended) and not passed and not (late and hasattr(source, "pinned")):
            self._wait("a copy from memory that is not pinned")

    def _wait(self, why: str) -> None:
        """Notes a wait, and the line of ondr that it comes from."""
        frame = next((f for f in reversed(traceback.extract_stack()) if OURS in Path(f.filename).parents), None)
        self.waits.append(why if frame is None else f"{why} ({Path(frame.filename).relative_to(OURS)}:{frame.lineno})")


def _is_view(operation: Any) -> bool:
    """Returns whether an operation only looks at memory in another way."""
    return any(made.alias_info is not None and not made.alias_info.is_write for made in operation._schema.returns)


def _lands_on_gpu(operation: Any, args: Any, device: Any) -> bool:
    """Returns whether an operation that has to do with a GPU leaves its result there."""
    if operation is aten.copy_:
        return isinstance(args[0], Pretended)
    return device is None or torch.device(device).type == "cuda"


def _real(tree: Any) -> Any:
    return tree_map(lambda leaf: leaf.on_cpu if isinstance(leaf, Pretended) else leaf, tree)


def _part(tensor: Tensor, index: Any) -> tuple[Tensor, list[Tensor | None]]:
    """Returns what numbers and slices take of a tensor, and by which tensors to index that."""
    index = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis not in [i for i in index if not isinstance(i, Tensor)]:
        index.append(Ellipsis)
    place = next(n for n, i in enumerate(index) if i is Ellipsis)
    used = sum((i.dim() if i.dtype == torch.bool else 1) if isinstance(i, Tensor) else i is not None for i in index) - 1
    index[place : place + 1] = [slice(None)] * (tensor.dim() - used)
    chosen: list[Tensor | None] = []
    for i in index:
        dim = sum(1 if c is None or c.dtype != torch.bool else c.dim() for c in chosen)
        if isinstance(i, int):
            tensor = tensor.select(dim, i)
            continue
        if i is None:
            tensor = tensor.unsqueeze(dim)
        elif isinstance(i, slice):
            tensor = aten.slice(tensor, dim, i.start, i.stop, 1 if i.step is None else i.step)
        chosen.append(torch.tensor(i) if isinstance(i, list | range) else i if isinstance(i, Tensor) else None)
    return tensor, chosen


def _pin(tensor: Tensor, device: object = None) -> Tensor:
    pinned = tensor.clone()
    pinned.pinned = True  # type: ignore[attr-defined]
    return pinned


class _Stream:
    """A stream that is none."""

    cuda_stream = 0

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class _Event:
    """An event that is none."""

    def record(self, stream: object = None) -> None:
        """Does nothing."""

    def elapsed_time(self, other: object) -> float:
        """Returns 0."""
        return 0.0


@contextlib.contextmanager
def pretended_gpu(patch: Any) -> Iterator[PretendedGpu]:
    """Lets torch find a GPU inside the block, and computes on the CPU what runs on it.

    Args:
        patch: pytest's monkeypatch.
    """
    here = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "_lazy_init": lambda: None,
        "current_stream": lambda device=None: _Stream(),
        "Stream": lambda *_, **__: _Stream(),
        "Event": lambda **_: _Event(),
        "stream": lambda stream: contextlib.nullcontext(),
        "device_of": lambda tensor: contextlib.nullcontext(),
        "synchronize": lambda device=None: None,
        "empty_cache": lambda: None,
        "get_device_name": lambda device=None: "none",
    }
    for name, value in here.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(Tensor, "pin_memory", _pin)
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with PretendedGpu() as gpu:
            yield gpu
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
