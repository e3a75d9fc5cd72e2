"""Where the host waits for a GPU in a step that is not the first: to see, and nowhere after; the rest is one graph."""

from __future__ import annotations

import pytest
import torch

from ondr.batch import Targets
from ondr.imaging.pipeline import develop
from ondr.imaging.sight import see
from ondr.labels import label
from ondr.place import place
from tests.test_render import IDS, dataset

# Amodal masks are drawn by the rasterizer again.
WITHOUT = ("image_size", "sample_ids", "amodal_masks")
OUTPUTS = [name for name in Targets.__dataclass_fields__ if name not in WITHOUT]


@pytest.mark.cuda
@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_a_steady_step_waits_nowhere_but_to_see(blur: float) -> None:
    scenes = dataset(device="cuda", outputs=OUTPUTS, render={"compile": "auto"}, photometric={"blur_sigma": blur})
    try:
        # The first step compiles, and uploads what stays.
        for mode in ("default", "error"):
            torch.cuda.set_sync_debug_mode(mode)
            scene, assets = scenes.sample(IDS), scenes.assets
            instances = place(scene, assets.bank)
            torch.cuda.set_sync_debug_mode("default")
            sight = see(assets.bank, instances, scene, scenes.cfg)
            torch.cuda.set_sync_debug_mode(mode)
            images = develop(assets.bank, instances, scene, sight, scenes.cfg)
            targets = label(scene, assets, instances, sight.visibility, scenes.cfg)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert images.is_cuda
    assert targets.names() == OUTPUTS


@pytest.mark.cuda
def test_what_follows_the_rasterizer_is_captured_in_a_graph() -> None:
    # Effects that some images have are uploaded as lists of rows, which a graph cannot replay: there are none here.
    outputs = ["boxes", "labels", "visibility", "instances", "depth"]
    scenes = dataset(device="cuda", outputs=outputs, render={"compile": "auto"}, photometric={"blur_sigma": 0.0})
    scene, assets, cfg = scenes.sample(IDS), scenes.assets, scenes.cfg
    instances = place(scene, assets.bank)
    sight = see(assets.bank, instances, scene, cfg)

    def rest() -> tuple[torch.Tensor, Targets]:
        with torch.no_grad():
            images = develop(assets.bank, instances, scene, sight, cfg)
            return images, label(scene, assets, instances, sight.visibility, cfg)

    # Compiling, and whatever is uploaded once, happens before; on a side stream, as a capture wants it.
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            expected = rest()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        images, targets = rest()
    images.zero_()
    graph.replay()
    torch.cuda.synchronize()
    assert torch.equal(images, expected[0])
    for name in outputs:
        assert torch.equal(getattr(targets, name), getattr(expected[1], name)), name
