"""The conventions of torchvision, Ultralytics, COCO and DETR, each against a definition from outside."""

from __future__ import annotations

import json

import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from torch import Tensor

from ondr.batch import Batch, Targets
from ondr.draws import Draws
from ondr.errors import ConfigError

HEIGHT, WIDTH = 8, 10

# pycocotools 2.0 lacks an argument that numpy 2 passes on.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


def make_targets(masks: bool = True, ignored: bool = True) -> Targets:
    """Two images: one with an object, a hole and an ignored object; one without any object."""
    instances = torch.full((2, HEIGHT, WIDTH), -1, dtype=torch.int16)
    instances[0, 1:4, 2:7] = 0
    instances[0, 6:8, 9:] = 2
    instances[0, 2, 2] = -1
    return Targets(
        image_size=(HEIGHT, WIDTH),
        sample_ids=torch.tensor([7, 123456789012]),
        boxes=torch.tensor([[[2.0, 1, 7, 4], [0, 0, 0, 0], [9, 6, 10, 8]], [[0.0] * 4] * 3]),
        labels=torch.tensor([[1, -1, 0], [-1, -1, -1]]),
        ignored=torch.tensor([[False, False, True], [False] * 3]) if ignored else None,
        instances=instances if masks else None,
    )


def test_torchvision_counts_labels_from_1_and_leaves_out_ignored_objects() -> None:
    first, second = make_targets().to_torchvision()
    assert first["boxes"].tolist() == [[2, 1, 7, 4]]
    assert first["labels"].tolist() == [2]
    assert first["iscrowd"].tolist() == [0]
    assert int(second["image_id"]) == 123456789012
    assert second["boxes"].shape == (0, 4)
    assert second["masks"].shape == (0, HEIGHT, WIDTH)


def test_torchvision_masks_and_areas_are_those_of_the_instances() -> None:
    targets = make_targets()
    first, _ = targets.to_torchvision()
    assert first["masks"].dtype == torch.uint8
    assert torch.equal(first["masks"][0].bool(), targets.instances[0] == 0)
    assert first["area"].tolist() == [14]
    without, _ = make_targets(masks=False).to_torchvision()
    assert "masks" not in without
    assert without["area"].tolist() == [15]


def test_yolo_boxes_are_shares_of_the_image() -> None:
    view = make_targets(ignored=False).to_yolo()
    assert view["batch_idx"].tolist() == [0, 0]
    assert view["cls"].tolist() == [[1], [0]]
    torch.testing.assert_close(view["bboxes"], torch.tensor([[0.45, 2.5 / 8, 0.5, 3 / 8], [0.95, 7 / 8, 0.1, 2 / 8]]))
    assert make_targets().to_yolo()["cls"].tolist() == [[1]]


def test_yolo_masks_number_the_objects_of_each_image_in_the_order_of_its_boxes() -> None:
    view = make_targets(ignored=False).to_yolo()
    assert view["masks"].dtype == torch.uint8
    assert view["masks"].shape == (2, HEIGHT, WIDTH)
    # Ultralytics' loss takes object k of an image to be where the mask is k + 1.
    for number, slot in enumerate((0, 2), start=1):
        assert torch.equal(view["masks"][0] == number, make_targets().instances[0] == slot)
    assert view["masks"][1].max() == 0
    assert make_targets().to_yolo()["masks"].unique().tolist() == [0, 1]
    assert "masks" not in make_targets(masks=False).to_yolo()


def test_yolo_masks_tell_more_objects_apart_than_a_byte_can() -> None:
    targets = Targets(
        image_size=(1, 300),
        sample_ids=torch.tensor([0]),
        boxes=torch.zeros(1, 300, 4),
        labels=torch.zeros(1, 300, dtype=torch.int64),
        instances=torch.arange(300, dtype=torch.int16)[None, None],
    )
    assert targets.to_yolo()["masks"][0, 0].tolist() == list(range(1, 301))


def test_detr_has_one_dict_per_image() -> None:
    first, second = make_targets().to_detr()
    assert first["class_labels"].tolist() == [1]
    torch.testing.assert_close(first["boxes"], torch.tensor([[0.45, 2.5 / 8, 0.5, 3 / 8]]))
    assert second["boxes"].shape == (0, 4)


def test_batch_views_add_the_images() -> None:
    images = torch.rand(2, 3, HEIGHT, WIDTH)
    batch = Batch(images, make_targets(), torch.tensor([7, 8]), Draws(torch.zeros(2, 0), {}), {})
    assert batch.to_yolo()["img"] is images
    assert batch.to_detr()["pixel_values"] is images
    assert len(batch.to_detr()["labels"]) == 2
    pictures, labels = batch.to_torchvision()
    assert torch.equal(torch.stack(pictures), images)
    assert labels[0]["labels"].tolist() == [2]
    assert batch.to_coco(["cup", "box"]) == batch.targets.to_coco(["cup", "box"])


def load_coco(view: dict, folder) -> COCO:
    path = folder / "instances.json"
    path.write_text(json.dumps(view))
    return COCO(str(path))


def test_coco_is_read_by_pycocotools(tmp_path) -> None:
    targets = make_targets()
    coco = load_coco(targets.to_coco(["cup", "box"]), tmp_path)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[7]))
    assert [a["iscrowd"] for a in annotations] == [0, 1]
    assert [coco.cats[a["category_id"]]["name"] for a in annotations] == ["box", "cup"]
    assert coco.getAnnIds(imgIds=[123456789012]) == []
    for annotation, slot in zip(annotations, (0, 2), strict=True):
        drawn = torch.from_numpy(coco.annToMask(annotation)).bool()
        assert torch.equal(drawn, targets.instances[0] == slot)


def test_coco_boxes_and_areas_are_pycocotools_own(tmp_path) -> None:
    for annotation in make_targets().to_coco()["annotations"]:
        code = annotation["segmentation"]
        assert annotation["bbox"] == coco_mask.toBbox(code).tolist()
        assert annotation["area"] == coco_mask.area(code)


def test_coco_ids_are_unique_and_never_0() -> None:
    targets = make_targets()
    numbers = []
    for ids in ([0, 1], [-1, -2]):  # The second are those of photos in a mixture.
        targets.sample_ids = torch.tensor(ids)
        targets.labels = torch.zeros(2, 3, dtype=torch.int64)
        numbers += [a["id"] for a in targets.to_coco()["annotations"]]
    assert len(set(numbers)) == 12
    assert 0 not in numbers


def test_coco_without_names_and_masks() -> None:
    view = make_targets(masks=False).to_coco()
    assert [c["name"] for c in view["categories"]] == ["0", "1"]
    assert "segmentation" not in view["annotations"][0]


@pytest.mark.parametrize("view", ["to_torchvision", "to_yolo", "to_coco", "to_detr"])
@pytest.mark.parametrize("left", ["boxes", "labels"])
def test_views_name_the_outputs_they_need(view: str, left: str) -> None:
    values: dict[str, Tensor] = {"boxes": torch.zeros(1, 1, 4), "labels": torch.zeros(1, 1, dtype=torch.int64)}
    targets = Targets((HEIGHT, WIDTH), torch.tensor([0]), **{left: values[left]})
    with pytest.raises(
        ConfigError, match=rf"cfg.outputs must name 'boxes' and 'labels' for {view}\(\), got \['{left}'\]"
    ):
        getattr(targets, view)()
