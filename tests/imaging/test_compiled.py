"""Compilation: what the setting means, that it changes no picture, how many kernels it makes, what it leaves alone."""

from __future__ import annotations

import os
import re

import pytest
import torch
import trimesh
from torch._inductor import cpp_builder, exc
from torch._inductor.utils import run_and_get_code

from ondr.errors import BackendError, say_once
from ondr.imaging.fragments import fragments_of, shade_fragments
from ondr.imaging.photometric import expose_fused
from ondr.imaging.points import ShadingPoints, points_of_centers
from ondr.imaging.shade_points import encoded_images
from ondr.imaging.shading import shading_tables
from ondr.noise import normal_table
from ondr.pixel_format import FLOATS, PixelFormat, as_floats
from ondr.raster.visibility import Visibility
from ondr.runtime import compiled
from ondr.runtime.compiled import mark_rows_dynamic, wants_compile
from tests.scenes import background, cast, effects, lights, pose, scene, tables_behind
from tests.worlds import bank_from_meshes, pinhole, place

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SIZE = (32, 32)


@pytest.fixture(autouse=True)
def fresh():
    """Lets every test resolve the setting anew."""
    compiled._resolve.cache_clear()
    yield
    compiled._resolve.cache_clear()


def test_auto_follows_the_compiler_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    say_once.cache_clear()
    monkeypatch.setattr(compiled, "_missing_compiler", lambda: "")
    assert wants_compile("auto", GPU)
    compiled._resolve.cache_clear()
    monkeypatch.setattr(compiled, "_missing_compiler", lambda: "no C++ compiler is found")
    assert not wants_compile("auto", GPU)
    assert not wants_compile("auto", GPU)
    assert [record.getMessage().split(".")[0] for record in caplog.records] == [
        "shading is compiled while the first batch waits: a compiler is there",
        "shading is not compiled: no C++ compiler is found",
    ]


def test_true_without_a_compiler_is_an_error_whose_advice_works(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "_missing_compiler", lambda: "no C++ compiler is found")
    with pytest.raises(BackendError, match=r"render\.compile must be false or auto .* Set render\.compile=auto\."):
        wants_compile(True, GPU)
    assert wants_compile("auto", GPU) is False


def test_false_asks_for_no_compiler(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "_missing_compiler", lambda: pytest.fail("asked"))
    assert not wants_compile(False, GPU)


def test_missing_compiler_is_found_out(monkeypatch: pytest.MonkeyPatch):
    def absent() -> str:
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(compiled.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", absent)
    assert compiled._missing_compiler() == "no C++ compiler is found"
    monkeypatch.setattr(compiled.importlib.util, "find_spec", lambda name: None)
    assert compiled._missing_compiler() == "triton is not installed"


def test_the_cpu_needs_no_compiler(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "_missing_compiler", lambda: pytest.fail("asked"))
    assert wants_compile("auto", CPU)
    assert wants_compile(True, CPU)
    assert not wants_compile(False, CPU)


def test_more_shapes_than_torch_allows_by_itself(monkeypatch: pytest.MonkeyPatch):
    real = torch.compile
    # The limit is the same whatever makes the code; eager makes it at once.
    monkeypatch.setattr(torch, "compile", lambda f, options, **settings: real(f, backend="eager", **settings))

    def double(values: torch.Tensor) -> torch.Tensor:
        return values * 2

    compiled.compiled.cache_clear()
    for size in range(2, 2 + 2 * torch._dynamo.config.recompile_limit):
        assert compiled.compiled(double)(torch.ones(size)).sum() == 2 * size
    assert not compiled.compiled(double)(torch.ones(2, requires_grad=True)).requires_grad
    compiled.compiled.cache_clear()


def test_options_that_this_torch_does_not_have_are_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "OPTIONS", {"max_fusion_size": 1024, "no_such_option": 1})
    assert compiled._known_options() == {"max_fusion_size": 1024}


@pytest.mark.skipif(os.environ.get("ONDR_TYPECHECK") == "1", reason="a compiler cannot look through the checks")
def test_the_table_of_noise_is_no_part_of_a_compiled_function():
    """A compiler looks through caches: what they keep would be computed at every call."""
    graphs = []

    def keep(graph: torch.fx.GraphModule, _: object):
        graphs.append(graph.code)
        return graph

    linear = torch.rand(2, 3, 4, 5)
    drawn = effects(2, noise_std=0.05)
    torch._dynamo.reset()
    made = torch.compile(expose_fused, fullgraph=True, backend=keep)(linear, drawn, normal_table(), 7, torch.arange(2))
    assert torch.equal(made, expose_fused(linear, drawn, normal_table(), 7, torch.arange(2)))
    assert len(graphs) == 1
    assert "ndtri" not in graphs[0]


def test_free_rows_never_has_one_row():
    tables = tables_behind(bank_from_meshes([trimesh.creation.box()]), background(1, color=(0.1, 0.2, 0.3)))
    assert mark_rows_dynamic(tables).color.tolist() == tables.color.repeat(2, 1).tolist()
    assert torch.equal(mark_rows_dynamic(tables.texels.repeat(3)), tables.texels.repeat(3))


def world(batch: int):
    """Returns tables, background and ids of images of a sphere under two lights."""
    mesh = trimesh.creation.icosphere(2)
    bank = bank_from_meshes([mesh])
    at = pose(0.1, 0, 4).repeat(batch, 1, 1, 1)
    intrinsics = pinhole(40.0, *SIZE, batch=batch)
    triangle = cast(mesh, at[0, 0], intrinsics[0], SIZE)[0].repeat(batch, 1, 1)
    slot = torch.where(triangle >= 0, 0, -1).to(torch.int16)
    sources = lights([[1, -1, 1, 1], [0.6, 0, -0.8, 0]], [[1, 0.5, 0.2], [0.3] * 3], batch=batch)
    tables = shading_tables(bank, scene(intrinsics, lights=sources), place(bank, [[0]] * batch, at))
    behind = tables_behind(bank, background(batch, color=(0.2, 0.3, 0.4)))
    return tables, behind, Visibility(triangle, slot, torch.zeros(batch, 1, dtype=torch.int32))


def has_compiler() -> bool:
    """Returns whether torch.compile can make code for the CPU."""
    try:
        cpp_builder.get_cpp_compiler()
    except (exc.InvalidCxxCompiler, RuntimeError):
        return False
    return True


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="there is no C++ compiler for torch.compile")


def test_fragments_as_one_loop_equal_eager_ones():
    for batch in (3, 1, 2):
        tables, _, visibility = world(batch)
        seen = fragments_of(visibility)
        got, eager = (shade_fragments(tables, seen, SIZE, trilinear=True, compile=c) for c in (True, False))
        # Fused multiply-adds round once where two operations round twice.
        torch.testing.assert_close(got, eager, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("pixels", [FLOATS, PixelFormat(torch.float16, True), PixelFormat(torch.uint8)])
def test_shading_is_one_kernel_and_background_and_exposure_another(pixels: PixelFormat):
    tables, behind, visibility = world(2)
    centers = points_of_centers(visibility)
    # Two pixels more, with samples.
    planes = {name: torch.cat([plane, plane[:8]]) for name, plane in vars(centers).items() if name != "edges"}
    planes["sample"][-8:] = torch.arange(1, 5, dtype=torch.uint8).repeat(2)
    planes["pixel"][-8:] = torch.tensor([3, 40]).repeat_interleave(4)
    points = ShadingPoints(**planes, edges=2)
    drawn = effects(2, brightness=1.1, hue_degrees=10.0, noise_std=0.05)
    what = (tables, behind, points, SIZE, False, (drawn, normal_table(), 7, torch.arange(2)), pixels)
    torch._dynamo.reset()
    compiled.compiled.cache_clear()
    got, code = run_and_get_code(lambda: encoded_images(*what, compile=True))
    # One for points, whose number differs, and one for all that follows.
    assert [part.count("= async_compile.") for part in code] == [1, 1]
    # Within it, one loop writes all planes pixel by pixel. The others put finished planes in their place, which a GPU
    # does within the last.
    loops = [re.findall(r"for\(int64_t x0=.*?; x0<static_cast<int64_t>\((\w+)\)", part) for part in code]
    assert [[size for size in sizes if size not in ("2L",)] for sizes in loops] == [["ks0"], ["2048L"]]
    assert PixelFormat.like(got) == pixels
    # A byte may be rounded the other way.
    close = 1.01 / 255 if pixels.dtype == torch.uint8 else 1e-3
    torch.testing.assert_close(as_floats(got), as_floats(encoded_images(*what)), rtol=0, atol=close)
