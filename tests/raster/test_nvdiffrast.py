"""What of the CUDA rasterizer needs no GPU: ranges, room, the way in which nvdiffrast is found, and its errors."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ondr.errors import BackendError
from ondr.raster import nvdiffrast, plugin


def test_short_parts_are_padded_with_empty_images() -> None:
    ranges = nvdiffrast.image_ranges(torch.tensor([5, 0, 7]), 5)
    assert ranges.dtype == torch.int32
    assert ranges.tolist() == [[0, 5], [5, 0], [5, 7], [12, 0], [12, 0]]


def test_a_batch_is_counted_once_until_it_changes() -> None:
    count = torch.tensor([[1, 2], [0, 4]], dtype=torch.int32)
    found = nvdiffrast._counts_on_host(count)
    assert found.tolist() == [3, 4]
    assert nvdiffrast._counts_on_host(count) is found
    count[0, 0] = 5
    assert nvdiffrast._counts_on_host(count).tolist() == [7, 4]
    with torch.inference_mode():
        assert nvdiffrast._counts_on_host(count.clone()).tolist() == [7, 4]


def test_batches_of_varying_size_share_a_few_contexts() -> None:
    rounded = [nvdiffrast.rounded_up(images) for images in range(1, 257)]
    assert all(images <= found <= 1.25 * images for images, found in enumerate(rounded, 1))
    assert rounded[255] == 256
    assert rounded[31] == 32
    assert len(set(rounded[128:])) == 4
    assert len(set(rounded)) < 30


def test_room_for_triangles_only_grows() -> None:
    capacity, seen = 0, []
    for total in (1, 10, 70_000, 60_000, 131_072, 500_000, 3):
        capacity = nvdiffrast.grow(capacity, total)
        assert capacity >= total
        seen.append(capacity)
    assert seen == sorted(seen)
    assert len(set(seen)) == 3


def test_without_nvdiffrast_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.load_nvdiffrast.cache_clear()
    monkeypatch.setitem(sys.modules, "nvdiffrast", None)
    monkeypatch.setitem(sys.modules, "nvdiffrast.torch", None)
    with pytest.raises(BackendError, match=r'Run pip install "ondr\[cuda\]", or set device: cpu\.'):
        plugin.load_nvdiffrast()


def test_without_cuda_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.load_nvdiffrast.cache_clear()
    monkeypatch.setitem(sys.modules, "nvdiffrast", ModuleType("nvdiffrast"))
    monkeypatch.setitem(sys.modules, "nvdiffrast.torch", ModuleType("nvdiffrast.torch"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        BackendError, match=r"must find a CUDA device for nvdiffrast, got none with torch .* CUDA build"
    ):
        plugin.load_nvdiffrast()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module in the place of nvdiffrast.torch."""
    module = ModuleType("nvdiffrast.torch")
    monkeypatch.setattr(plugin, "load_nvdiffrast", lambda: module)
    return module


@pytest.mark.parametrize(
    "error", [RuntimeError("Ninja is required"), OSError("CUDA_HOME is not set"), ImportError("x")]
)
def test_without_a_compiler_the_error_says_what_to_install(library: ModuleType, error: Exception) -> None:
    def fail(device: torch.device) -> None:
        raise error

    library.RasterizeCudaContext = fail
    with pytest.raises(
        BackendError, match=rf"compile itself once with nvcc and ninja, got '{error}'\. Install the CUDA"
    ):
        plugin.make_context(torch.device("cuda"))


def test_a_plugin_that_was_compiled_but_not_entered_is_entered(
    library: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "nvdiffrast_plugin_0_3_3_torch2_11"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(plugin, "_compiled", ModuleType)

    def make(device: torch.device) -> str:
        # What diffrp-nvdiffrast does once it has compiled its plugin.
        return importlib.import_module(name).__name__

    library.RasterizeCudaContext = make
    assert plugin.make_context(torch.device("cuda")) == name
    monkeypatch.delitem(sys.modules, name)


def test_other_missing_modules_are_not_taken_for_the_plugin() -> None:
    with pytest.raises(ModuleNotFoundError, match="ninja"):
        plugin.enter_plugin(ModuleNotFoundError("No module named 'ninja'", name="ninja"))


def test_packaged_headers_stand_in_for_a_toolkit_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("cu13", "cusparse", "other"):
        (tmp_path / "nvidia" / folder / "include").mkdir(parents=True)
    found = [tmp_path / "nvidia" / folder / "include" for folder in ("cu13", "cusparse")]
    assert plugin.packaged_headers([str(tmp_path), str(tmp_path / "none")]) == found
    monkeypatch.setattr(plugin, "toolkit_has", lambda header: False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    for before in (None, "/somewhere/include"):
        monkeypatch.delenv("CPATH", raising=False)
        if before is not None:
            monkeypatch.setenv("CPATH", before)
        with plugin.cuda_headers():
            assert os.environ["CPATH"].split(os.pathsep) == [*([before] if before else []), *map(str, found)]
        assert os.environ.get("CPATH") == before


def test_a_toolkit_with_headers_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "toolkit_has", lambda header: True)
    monkeypatch.delenv("CPATH", raising=False)
    with plugin.cuda_headers():
        assert "CPATH" not in os.environ


def test_the_packaged_runtime_stands_in_for_a_toolkit_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "nvidia" / "cu13" / "lib" / "libcudart.so.13"
    library.parent.mkdir(parents=True)
    library.write_text("a library")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("LIBRARY_PATH", "/somewhere/lib")
    monkeypatch.setattr(plugin, "toolkit_has", lambda *_: False)
    with plugin.cuda_runtime():
        # What a linker that is told -lcudart looks for.
        found = [Path(folder) / "libcudart.so" for folder in os.environ["LIBRARY_PATH"].split(os.pathsep)]
        assert [file.read_text() for file in found if file.exists()] == ["a library"]
    assert os.environ["LIBRARY_PATH"] == "/somewhere/lib"
    monkeypatch.setattr(plugin, "toolkit_has", lambda *_: True)
    with plugin.cuda_runtime():
        assert os.environ["LIBRARY_PATH"] == "/somewhere/lib"


def test_a_toolkit_is_searched_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils import cpp_extension

    monkeypatch.setattr(cpp_extension, "CUDA_HOME", str(tmp_path))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libcudart.so").touch()
    assert plugin.toolkit_has("libcudart.so", ("lib64", "lib"))
    assert not plugin.toolkit_has("libcudart.so", ("lib64",))
    assert not plugin.toolkit_has("cusparse.h")


def test_the_error_is_the_line_that_says_what_is_wrong() -> None:
    built = "\n".join([
        "Error building extension 'nvdiffrast_plugin': [1/2] c++ -Werror -c a.cpp",
        "[2/2] c++ a.o -lcudart -o plugin.so",
        "/usr/bin/ld: cannot find -lcudart: No such file or directory",
        "collect2: error: ld returned 1 exit status",
    ])  # fmt: skip
    assert plugin.reason(RuntimeError(built)) == "/usr/bin/ld: cannot find -lcudart: No such file or directory"
    assert plugin.reason(OSError("CUDA_HOME is not set.\nAn error.")) == "CUDA_HOME is not set."
    assert plugin.reason(RuntimeError()) == "RuntimeError"


def test_ninja_is_found_beside_python_without_an_activated_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ninja = tmp_path / "ninja"
    ninja.touch(mode=0o755)
    monkeypatch.setattr(plugin.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    with plugin.ninja_on_path():
        assert shutil.which("ninja") == str(ninja)
    assert os.environ["PATH"] == "/nowhere"


@pytest.mark.cuda
def test_memory_stays_the_same_when_batches_shrink() -> None:
    from tests.raster.oracles import render
    from tests.raster.test_rules import world

    bank, instances, k, size = world()
    for _ in range(3):
        render(torch.device("cuda"), bank, instances, k, size)
    held = torch.cuda.memory_allocated()
    for _ in range(20):
        render(torch.device("cuda"), bank, instances, k, size)
    assert torch.cuda.memory_allocated() == held
