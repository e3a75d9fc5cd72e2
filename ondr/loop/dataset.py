"""RandomizedScenes: an endless stream of labelled batches for a DataLoader.

This file runs the stages in order: sample, the user's hooks, render, the user's augmentation. The ids of a batch are
left to `numbering`, the progress of passes to `progress`, drawing several batches at once to `sample_ahead`, and
rendering one batch ahead on CUDA to `prefetch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from multiprocessing.context import get_spawning_popen
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info
from torch.utils.data._utils.worker import WorkerInfo

from ondr.assets import load_assets
from ondr.assets.bank import Assets
from ondr.batch import Batch
from ondr.config import Config
from ondr.errors import BackendError, ConfigError
from ondr.loop import augment as augmentation

# Registers the collation of Batches, also in a worker that imports only this file.
from ondr.loop import collate as collate
from ondr.loop.hooks import Hook, Override, check_hooks, run_hooks
from ondr.loop.numbering import Numbering, Position, advance, batch_ids
from ondr.loop.prefetch import render_ahead
from ondr.loop.progress import Pass, Progress
from ondr.loop.ranks import check_rank, find_rank, joined_rank
from ondr.loop.sample_ahead import SampleAhead
from ondr.loop.state import State, make_state, make_worker_state, read_state
from ondr.parameters import Parameters
from ondr.pixel_format import FLOATS
from ondr.render import render
from ondr.runtime.device import resolve
from ondr.runtime.timing import stage
from ondr.sampling import Sampler
from ondr.sampling.overrides import check_names
from ondr.scene import Scene

FRACTIONAL = (torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types that sample ids must not have."""


class RandomizedScenes(IterableDataset[Batch]):
    """Batches of random scenes, `cfg.batch_size` images each, for `torch.utils.data.DataLoader`.

    Every `iter()` is the next pass: no image comes twice, with or without `set_epoch`, with or without workers, across
    all ranks.
    """

    def __init__(
        self,
        cfg: Config,
        *,
        fixed: bool = False,
        rank: int | None = None,
        world_size: int | None = None,
        augment: Callable[[Batch], Batch] | torch.nn.Module | None = None,
        hooks: Sequence[Hook] = (),
        assets: Assets | None = None,
    ) -> None:
        """Loads the assets, so that a bad file is reported before training starts.

        Args:
            cfg: What to render.
            fixed: Whether every pass repeats the first one, as for a validation set.
            rank: Rank of this training process; None: that of torch.distributed or torchrun's environment.
            world_size: Number of training processes; to be given together with `rank`.
            augment: Changes each finished batch: a callable from Batch to Batch, or a kornia AugmentationSequential. It
                gets float32 images, whatever `images_dtype` is; its result is converted, for uint8 from 0..1.
            hooks: Functions `f(scene, uniform) -> scene` that change a sampled scene before it is rendered.
            assets: The result of `load_assets(cfg)`, to share it among datasets; None: it is loaded.

        Raises:
            ConfigError: An argument is wrong, or incompatible with another.
            AssetError: A file cannot be used.
            BackendError: The device or its renderer is missing.
        """
        if not isinstance(cfg, Config):
            raise ConfigError(f"cfg must be a Config, got {type(cfg).__name__}. Use Config.load(path) or Config(...).")
        self.cfg = cfg
        self.fixed = fixed
        self.device = resolve(cfg.device)
        self.parameters = Parameters(cfg)
        self._ranks = check_rank(rank, world_size)
        self._augment = None if augment is None else augmentation.as_augment(augment, cfg.outputs)
        self._hooks = check_hooks(hooks)
        self._progress = Progress()
        self._consumed: State | None = None
        self._handed: State | None = None
        self._rejoined: Pass | None = None
        self._sampler: Sampler | None = None
        self._use(load_assets(cfg) if assets is None else assets)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the class ids 0, 1, ..."""
        return self.assets.class_names

    @property
    def mesh_files(self) -> tuple[str, ...]:
        """Mesh files of the objects of interest, indexed by `targets.mesh_ids`."""
        return self.assets.mesh_files

    @property
    def keypoint_names(self) -> tuple[tuple[str, ...], ...]:
        """Names of the keypoints of each class, in the order of the third dimension of `targets.keypoints`."""
        return self.assets.annotations.keypoint_names

    @property
    def assets(self) -> Assets:
        """Meshes and textures on the device; loaded on first use after unpickling, as in a spawned worker."""
        return self._sampling.assets

    def sample(self, ids: int | Iterable[int] | Tensor, overrides: Mapping[str, Override] | None = None) -> Scene:
        """Draws the scenes of some sample ids, after the hooks.

        Args:
            ids: One or more sample ids, in any order.
            overrides: Values in place of draws, by name: a number, `[B]` or `[B, slot]`.

        Raises:
            ConfigError: An id is negative or not a whole number, or an override is not possible.
        """
        sampler, overrides = self._sampling, overrides or {}
        known = {*sampler.plan.draws, *sampler.derived}
        # A name that the sampler does not know may belong to a hook; that is checked after the hooks have run.
        foreign = {name: value for name, value in overrides.items() if self._hooks and name not in known}
        own = {name: value for name, value in overrides.items() if name not in foreign}
        scene = run_hooks(self._hooks, sampler.sample(_as_ids(ids), self.parameters, overrides=own), foreign)
        check_names(overrides, scene.draws, sampler.derived)
        return scene

    def render(
        self, ids_or_scene: Scene | int | Iterable[int] | Tensor, overrides: Mapping[str, Override] | None = None
    ) -> Batch:
        """Renders sample ids, or a scene from `sample`, possibly modified.

        Outside `torch.no_grad()` the result is differentiable in those tensors of the scene that require grad. The
        stream is not affected: nothing counts as consumed, and `state` is the stream's current state.

        Args:
            ids_or_scene: One or more sample ids, or a scene.
            overrides: As for `sample`, with ids only.

        Raises:
            ConfigError: Overrides are given with a scene, or `sample` refuses its arguments.
        """
        if not isinstance(ids_or_scene, Scene):
            return self._render(self.sample(ids_or_scene, overrides), self._state())
        if overrides:
            raise ConfigError(
                f"overrides must be given with ids, got {sorted(overrides)} with a Scene. Give them to ds.sample(...)."
            )
        return self._render(ids_or_scene, self._state())

    def rank_and_world(self) -> tuple[int, int]:
        """Returns the rank of this training process and how many there are."""
        return self._ranks or find_rank()

    def __iter__(self) -> Iterator[Batch]:
        """Begins the next pass at the first `next()`.

        Raises:
            BackendError: This is a worker of a DataLoader, and the device is CUDA.
        """
        if get_worker_info() is not None:
            if self.device.type == "cuda":
                raise workers_on_cuda(self.device)
            self._progress.announce_workers(self.rank_and_world()[0])
            self._handed = None
        return self._stream()

    def __len__(self) -> int:
        """Returns the number of batches of a pass of this rank; a TypeError for an endless stream."""
        if self.cfg.batches_per_epoch is None:
            raise TypeError("an endless stream has no len(). Set cfg.batches_per_epoch for one.")
        return self.cfg.batches_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Does nothing, since every `iter()` is the next pass; for training code that calls it."""

    def state_dict(self) -> State:
        """Returns the state after the last batch that was handed out: the same as that batch's `state`.

        Inside a DataLoader worker it is the worker's own state, for torchdata's StatefulDataLoader.

        Raises:
            ConfigError: Workers have rendered, so this process does not know what was consumed.
        """
        rank, _ = self.rank_and_world()
        if (worker := get_worker_info()) is not None:
            return self._worker_state(rank, worker)
        if self._progress.has_workers(rank):
            raise ConfigError(
                "state_dict() must be called with num_workers=0, got a dataset whose workers render ahead of what was "
                "consumed. Keep batch.state of the last batch, or use torchdata's StatefulDataLoader."
            )
        return self._state()

    def load_state_dict(self, state: State) -> None:
        """Makes the next `iter()` continue after the batch that `state` comes from.

        This is exact for any number of workers, whatever they had rendered ahead. With another batch size or number of
        ranks, the stream continues at the next id. Of the settings only the seed is compared.

        Args:
            state: `batch.state`, or the result of `state_dict()`.

        Raises:
            ConfigError: It is not a state, has another seed, or has parameters that the config lacks.
        """
        place, worker = read_state(state, self.cfg.seed, self._numbering())
        self.parameters.restore(state["parameters"])
        rank, _ = self.rank_and_world()
        if worker is None:
            self._progress.restart(place, rank)
        else:
            self._rejoined = self._progress.rejoin(self._numbering(), rank, place, worker)
        self._consumed, self._handed = dict(state), None

    def __getstate__(self) -> dict[str, Any]:
        """Returns settings and state, never assets; a worker that is being spawned also gets the shared memory."""
        kept = {name: getattr(self, name) for name in ("cfg", "fixed", "_augment", "_hooks", "_ranks")}
        if get_spawning_popen() is None:
            return {**kept, "_consumed": self._state()}
        shared = {name: getattr(self, name) for name in ("device", "parameters", "_progress", "_consumed")}
        # A worker is not part of torch.distributed, so it is told its rank; a rank being started must find its own.
        return {**kept, **shared, "_ranks": self._ranks or joined_rank()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self.__dict__.update(pickled, _sampler=None, _rejoined=None, _handed=None)
        if "_progress" not in pickled:
            self.device = resolve(self.cfg.device)
            self.parameters, self._progress = Parameters(self.cfg), Progress()
            self.load_state_dict(pickled["_consumed"])

    @property
    def _sampling(self) -> Sampler:
        if self._sampler is None:
            self._use(load_assets(self.cfg))
        return self._sampler  # type: ignore[return-value]

    def _use(self, assets: Assets) -> None:
        self._sampler = Sampler(self.cfg, assets.to(self.device))

    def _numbering(self) -> Numbering:
        return Numbering(self.cfg.batch_size, self.rank_and_world()[1], self.cfg.batches_per_epoch, self.fixed)

    def _stream(self) -> Iterator[Batch]:
        rank, _ = self.rank_and_world()
        current, self._rejoined = self._rejoined or self._progress.begin(self._numbering(), rank), None
        batches = self._batches(current, rank)
        for batch in batches if self.device.type == "cpu" else render_ahead(batches, self._sampling.device):
            self._consumed = self._handed = batch.state
            yield batch

    def _batches(self, current: Pass, rank: int) -> Iterator[Batch]:
        ahead = SampleAhead(self._sampling, self.parameters)
        for number in current.batches():
            ids = batch_ids(current.numbering, current.start, number, rank)
            yield self._next_batch(ahead, ids, current.stride, advance(current.numbering, current.start, number))

    @torch.no_grad()
    def _next_batch(self, ahead: SampleAhead, ids: range, stride: int, after: Position) -> Batch:
        state = make_state(self.cfg.seed, after, self.parameters.moved())
        with stage("sample"):
            scene = run_hooks(self._hooks, ahead.scene(ids, stride), {})
        return self._render(scene, state)

    def _render(self, scene: Scene, state: State) -> Batch:
        images, targets = render(scene, self.assets, self.cfg if self._augment is None else self._on_floats)
        batch = Batch(images, targets, scene.sample_ids, scene.draws, state)
        if self._augment is None:
            return batch
        batch, pixels = augmentation.apply(self._augment, batch, scene.seed), self.cfg.pixel_format
        return batch if pixels == FLOATS else replace(batch, images=pixels.of(batch.images))

    @cached_property
    def _on_floats(self) -> Config:
        """The config that renders float32 images for `augment`."""
        return self.cfg.with_overrides(["images_dtype=float32", "channels_last=false"])

    def _state(self) -> State:
        if self._consumed is not None:
            return {**self._consumed, "parameters": self.parameters.moved()}
        return make_state(self.cfg.seed, self._progress.origin(self.rank_and_world()[0]), self.parameters.moved())

    def _worker_state(self, rank: int, worker: WorkerInfo) -> State:
        """Returns this worker's own state: after its last batch, or before its first one in this pass."""
        numbering = self._numbering()
        if self._handed is not None:
            return make_worker_state(self._handed, numbering, self._handed["batch"] - 1 + worker.num_workers)
        if self._rejoined is not None:
            return self._consumed or {}
        place = self._progress.peek(numbering, rank)
        state = make_state(self.cfg.seed, place, self.parameters.moved())
        return make_worker_state(state, numbering, place.batch + worker.id)


def workers_on_cuda(device: torch.device) -> BackendError:
    """Returns the error for DataLoader workers on a GPU."""
    return BackendError(
        f"num_workers must be 0 on {device}, got a DataLoader with workers. Use num_workers=0: the GPU renders "
        "asynchronously already, one batch ahead of the training loop."
    )


def _as_ids(ids: int | Iterable[int] | Tensor) -> Int64[Tensor, "batch"]:
    try:
        numbers = ids if isinstance(ids, Tensor) else torch.tensor(list(ids) if isinstance(ids, Iterable) else ids)
        whole = numbers.numel() > 0 and numbers.ndim <= 1 and numbers.dtype not in FRACTIONAL
    except (TypeError, ValueError, RuntimeError):  # no numbers, or more than 64 bits
        whole = False
    if not whole or int(numbers.min()) < 0:
        raise ConfigError(
            f"ids must be one or more whole numbers from 0 to 2**63 - 1, got {ids}. Give a list such as [0, 1, 2]."
        )
    return numbers.reshape(-1).to("cpu", torch.int64)
