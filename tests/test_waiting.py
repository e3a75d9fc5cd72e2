"""Where the host waits for a GPU in a step that is not the first: in the rasterizer only."""

from __future__ import annotations

import pytest
import torch

from ondr.batch import Targets
from ondr.imaging.picture import develop, see
from ondr.labels import label
from ondr.place import place
from tests.test_render import IDS, dataset

# Amodal masks are drawn by the rasterizer again.
WITHOUT = ("image_size", "sample_ids", "amodal_masks")
OUTPUTS = [name for name in Targets.__dataclass_fields__ if name not in WITHOUT]


@pytest.mark.cuda
@pytest.mark.parametrize("blur", [False, True])
def test_a_steady_step_waits_in_the_rasterizer_only(blur: bool) -> None:
    scenes = dataset(device="cuda", outputs=OUTPUTS, render={"compile": "auto"}, photometric={"blur": blur})
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
