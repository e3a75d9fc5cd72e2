"""Real photos among rendered images: which, in what order, joined how, and going on from a state."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import ondr
from ondr.batch import Batch, Targets
from ondr.errors import ConfigError
from ondr.pixel_format import DTYPES, PixelFormat, converted
from tests.loop.conftest import MakeScenes
from tests.loop.test_dataset import assert_same

SIZE = (32, 32)
MARK = 0.25
"""Grey level of photo 0; photo n is a little brighter."""


def targets_of(ids: torch.Tensor, slots: int = 4, **fields: torch.Tensor) -> Targets:
    """Returns one object in the first slot of each photo."""
    labels = torch.full((len(ids), slots), -1)
    labels[:, 0] = 1
    boxes = torch.zeros(len(ids), slots, 4)
    boxes[:, 0] = torch.tensor([1.0, 2, 3, 4])
    return Targets(SIZE, ids, boxes=boxes, labels=labels, **fields)


class Photos(Dataset[tuple[torch.Tensor, int]]):
    """Seven grey photos; `noisy` adds noise from the global random state."""

    def __init__(self, noisy: bool = False, count: int = 7) -> None:
        self.noisy, self.count = noisy, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        noise = torch.rand(3, *SIZE) * 0.001 if self.noisy else 0
        return torch.full((3, *SIZE), MARK + index / 64) + noise, index

    @staticmethod
    def collate(samples: list) -> tuple[torch.Tensor, Targets]:
        images, ids = zip(*samples, strict=True)
        return torch.stack(images), targets_of(torch.tensor(ids))


def photo_loader(noisy: bool = False, count: int = 7, **options: Any) -> DataLoader:
    options = {"batch_size": 3, "shuffle": True, **options}
    return DataLoader(Photos(noisy, count), collate_fn=Photos.collate, **options)


@pytest.fixture
def make_mixed(make_scenes: MakeScenes):
    """Makes a mixture with eight images per batch; keywords of `mix` and settings of the stream."""

    def make(loader: Any = None, real_fraction: Any = 0.5, workers: int = 0, **settings: Any):
        scenes = make_scenes(**{"batch_size": 8, "outputs": ["boxes", "labels", "ignored"], **settings})
        stream = DataLoader(scenes, num_workers=workers) if workers else scenes
        return ondr.mix(photo_loader() if loader is None else loader, stream, real_fraction=real_fraction)

    return make


def first(batches, count: int) -> list[Batch]:
    return list(itertools.islice(batches, count))


def test_each_image_is_what_its_id_says(make_mixed, make_scenes: MakeScenes) -> None:
    batches = first(make_mixed(), 4)
    whole = torch.cat([batch.sample_ids for batch in batches])
    rendered = whole[whole >= 0]
    # Nothing is rendered in vain, and nothing twice.
    assert torch.equal(rendered, torch.arange(len(rendered)))
    assert 4 < len(rendered) < 28
    alone = make_scenes(batch_size=8, outputs=["boxes", "labels", "ignored"])
    for batch in batches:
        assert len(batch) == 8
        assert batch.targets.labels.shape == (8, 4)
        assert torch.equal(batch.targets.sample_ids, batch.sample_ids)
        for row, number in enumerate(batch.sample_ids.tolist()):
            image, boxes = batch.images[row], batch.targets.boxes[row]
            if number < 0:
                assert (image == MARK + (-1 - number) / 64).all()
                assert boxes.tolist() == [[1, 2, 3, 4], [0] * 4, [0] * 4, [0] * 4]
                assert batch.draws["lights.intensity"][row].isnan().all()
            else:
                one = alone.render([number])
                # One image alone is rounded otherwise than in its batch, by an ulp or two.
                torch.testing.assert_close(image, one.images[0], rtol=0, atol=1e-6)
                assert torch.equal(boxes[:2], one.targets.boxes[0])
                assert batch.targets.labels[row, 2:].tolist() == [-1, -1]
        assert not batch.targets.ignored[batch.sample_ids < 0].any()


def test_every_photo_comes_once_per_pass_in_another_order(make_mixed) -> None:
    ids = torch.cat([-1 - b.sample_ids for b in first(make_mixed(real_fraction=1), 7)]).reshape(8, 7).tolist()
    assert all(sorted(one) == list(range(7)) for one in ids)
    assert len({tuple(one) for one in ids}) > 4


def test_the_seed_decides_and_the_global_random_state_does_not(make_mixed) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = first(make_mixed(photo_loader(noisy=True)), 4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    for a, b in zip(one, first(make_mixed(photo_loader(noisy=True)), 4), strict=True):
        a.draws.packed.nan_to_num_(0), b.draws.packed.nan_to_num_(0)
        assert_same(a, b)
    ids = [b.sample_ids.tolist() for b in one]
    assert [b.sample_ids.tolist() for b in first(make_mixed(seed=1), 4)] != ids
    assert [b.sample_ids.tolist() for b in first(make_mixed(world_size=2, rank=1), 4)] != ids


def test_the_share_of_photos_follows_a_schedule(make_mixed) -> None:
    mixed = make_mixed(real_fraction={"from": 0, "to": 1, "samples": 160})
    real = torch.stack([(b.sample_ids < 0).float().mean() for b in first(mixed, 24)])
    assert (real[20:] == 1).all()
    # Each is the mean of 64 images: its standard deviation is at most 0.06.
    assert float(real[:8].mean()) == pytest.approx(64 / 2 / 160, abs=0.2)
    assert float(real[12:20].mean()) == pytest.approx(128 / 160, abs=0.2)
    assert real[0] < 0.5


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("length", [None, 4])
@pytest.mark.parametrize("seen", [0, 3])
def test_it_goes_on_exactly_from_the_state_of_a_batch(make_mixed, workers: int, length: int | None, seen: int) -> None:
    whole = iter(make_mixed(photo_loader(noisy=True), batches_per_epoch=length))
    state = [b.state for b in first(whole, seen)]
    resumed = make_mixed(photo_loader(noisy=True), workers=workers, batches_per_epoch=length)
    resumed.load_state_dict(copy.deepcopy(state[-1] if state else make_mixed().state_dict()))
    rest = list(resumed) if length else first(resumed, 2)
    if length:
        assert len(rest) == length - seen
    for batch, expected in zip(rest, whole, strict=False):
        assert torch.equal(batch.sample_ids, expected.sample_ids)
        # DataLoader gives its workers one thread, which rounds in another order.
        torch.testing.assert_close(batch.images, expected.images, rtol=0, atol=1e-6)
        assert batch.state == expected.state


def test_a_pass_is_as_long_as_one_of_the_stream(make_mixed) -> None:
    mixed = make_mixed(batches_per_epoch=3)
    passes = [torch.cat([b.sample_ids for b in mixed]) for _ in range(2)]
    assert [len(ids) for ids in passes] == [24, 24]
    rendered = torch.cat(passes)
    assert torch.equal(rendered[rendered >= 0], torch.arange(int((rendered >= 0).sum())))
    assert len(mixed) == 3


def test_a_batch_of_photos_is_taken_as_it_is(make_mixed) -> None:
    batch = Batch.of_photos(torch.full((2, 3, *SIZE), MARK), targets_of(torch.tensor([4, 5])))
    assert first(make_mixed([batch], real_fraction=1), 1)[0].sample_ids.tolist() == [-5, -6] * 4


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("given", [torch.float32, torch.float64, torch.uint8])
def test_photos_take_the_format_of_the_stream(make_mixed, name: str, given: torch.dtype) -> None:
    photos = Batch.of_photos(converted(torch.full((2, 3, *SIZE), 0.2), given), targets_of(torch.tensor([4, 5])))
    mixed = make_mixed([photos], images_dtype=name, channels_last=True)
    batch, pixels = next(iter(mixed)), mixed.dataset.cfg.pixel_format
    assert PixelFormat.like(batch.images) == pixels
    # 0.2 is 51 of 255: a float holds it as it is.
    assert (batch.images[batch.sample_ids < 0] == converted(torch.tensor(0.2), pixels.dtype)).all()
    assert 0 < (batch.sample_ids < 0).sum() < len(batch)


def pair(size: tuple[int, int] = SIZE, dtype: torch.dtype = torch.float32, **changes: torch.Tensor):
    targets = targets_of(torch.tensor([0]))
    for name, value in changes.items():
        setattr(targets, name, value)
    return torch.zeros(1, 3, *size, dtype=dtype), targets


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([], "real_loader must yield photos, got an empty one"),
        ([pair((16, 32))], r"images must be floats .* \[batch, 3, 32, 32\], got float32\[1, 3, 16, 32\]. Resize"),
        ([pair(dtype=torch.int32)], r"images must be floats in 0..1, or bytes, .* got int32"),
        ([pair(labels=None)], "what cfg.outputs names, boxes, labels, ignored, got one without labels"),
        ([pair(labels=torch.tensor([[2]]))], r"labels must be below 2, the number of classes, got 2"),
        ([torch.zeros(1, 3, *SIZE)], "must yield a Batch or a pair of images and ondr.Targets, got Tensor"),
        ([(torch.zeros(1, 3, *SIZE), {"boxes": 1})], "must yield a Batch or a pair of images and ondr.Targets"),
    ],
)
def test_photos_that_do_not_fit_are_refused(make_mixed, loader: list, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        next(iter(make_mixed(loader, real_fraction=1)))


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (1.5, "real_fraction must lie within 0 and 1, got 1.5. Use 0.5"),
        ([0, 1], r"real_fraction must be a number or \{from: 0"),
        ("half", "real_fraction must "),
    ],
)
def test_a_wrong_fraction_is_refused(make_mixed, fraction: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_mixed(real_fraction=fraction)


def test_wrong_arguments_are_refused(make_scenes: MakeScenes, make_mixed) -> None:
    with pytest.raises(ConfigError, match="scenes must be RandomizedScenes or a DataLoader over it, got list"):
        ondr.mix([], [])
    with pytest.raises(ConfigError, match="real_loader must be a loader of photos, got int"):
        ondr.mix(3, make_scenes())
    with pytest.raises(ConfigError, match=r"must be that of a mixed Batch, got \['batch', 'next_id'"):
        make_mixed().load_state_dict(make_scenes().state_dict())
    with pytest.raises(ConfigError, match=r"seed'\] must be cfg.seed = 1, got 0"):
        make_mixed(seed=1).load_state_dict(make_mixed().state_dict())
