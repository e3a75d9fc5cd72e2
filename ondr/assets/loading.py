"""From folders to `Assets`: which files, one after the other, with a progress bar and what to do with a bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ondr.assets.annotations import Note, annotate, read_note, say_strays
from ondr.assets.bank import Assets
from ondr.assets.bending import bend
from ondr.assets.cache import read_cached
from ondr.assets.files import (
    PANORAMA_SUFFIXES,
    MeshFile,
    content_share,
    find_images,
    held_out,
    held_out_by_class,
    name_share,
    read_bytes,
    sample_folder,
)
from ondr.assets.meshes import Mesh, build_mesh, up_in
from ondr.assets.packing import pack_bank
from ondr.assets.panoramas import harmonics_of, read_panorama
from ondr.assets.parts import ImageData, Part, Surface
from ondr.assets.primitives import PrimitiveMesh, distractor_shapes, surface_shapes
from ondr.assets.sources import OTHERS, made_here, object_files, other_files, parts_of
from ondr.assets.textures import TextureStore, noise_tiles, ramp_tile
from ondr.config import Config
from ondr.errors import AssetError, ConfigError, say_once
from ondr.laws import Resting

PANORAMAS = "background.panoramas"
Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


def load_assets(cfg: Config) -> Assets:
    """Loads meshes, textures and photos and packs them into a bank on the CPU.

    Raises:
        AssetError: A folder or file is missing, empty or cannot be used; with `assets.on_bad: skip`, no file can.
        ConfigError: `classes` names a class that is not there.
    """
    files, class_names = _mesh_files(cfg)
    say_strays(files)
    others = other_files(cfg, files)
    tiles, photos, panoramas = _image_files(cfg)
    store = TextureStore(cfg.assets.max_texture_size)
    number = len(files) + sum(map(len, others.values())) + len(tiles) + len(photos) + len(panoramas)
    with _progress(cfg, number) as advance:
        loader = _Loader(cfg, advance)
        objects = loader.each(files, lambda file: _noted(file, store, cfg), "objects.meshes")
        shelf = _Shelf([made for _, (made, _, _) in objects])
        distractors: dict[str, int] = {
            name: shelf.add(_shape(name, distractor_shapes()[name], cfg)) for name in cfg.distractors.shapes
        }
        surfaces = {name: shelf.add(_shape(name, solid, cfg)) for name, solid in surface_shapes().items()}
        other_rows = _other_rows(others, loader, shelf, store, cfg)
        bent = [shelf.add(made) for _, (_, all_bent, _) in objects for made in all_bent]
        tile_rows = loader.each(tiles, lambda path: store.add_tile(_image(path)), "materials.textures")
        noise_rows = [store.add_linear(tile) for tile in noise_tiles()]
        ramp = store.add_linear(ramp_tile())
        first_photo = len(store.rows)
        aspects = loader.each(
            photos, lambda path: store.add_photo(_image(path), cfg.background.photo_size), "background.photos"
        )
        surrounding = loader.each(panoramas, lambda path: _panorama(path, store, cfg), PANORAMAS)
    store.say_scaled()
    loaded = [file for file, _ in objects]
    class_names = _classes_with_meshes(class_names, {file.label for file in loaded}, cfg)
    labels = tuple(class_names.index(file.label) for file in loaded)
    notes = [note for _, (_, _, note) in objects]
    rest = cfg.objects.up if _asks_for_rest(cfg) else None
    return Assets(
        bank=pack_bank(shelf.meshes, shelf.textures, store, levels=_has_levels(cfg), resting=rest),
        class_names=class_names,
        mesh_files=tuple(file.name for file in loaded),
        mesh_paths=tuple(str(file.path) for file in loaded),
        mesh_labels=labels,
        mesh_subjects=tuple(file.subject for file in loaded),
        distractors=distractors,
        others={group: other_rows.get(group, tuple(distractors.values())) for group in OTHERS},
        surfaces=surfaces,
        annotations=annotate(notes, shelf.meshes, labels, _span(bent), cfg),
        bent=_span(bent),
        ramp_texture=ramp,
        foreign_textures=_span([row for _, row in tile_rows]),
        noise_textures=_span(noise_rows),
        photos=range(first_photo, first_photo + len(aspects)),
        photo_aspects=tuple(aspect for _, aspect in aspects),
        panoramas=_span([panorama.row for _, panorama in surrounding]),
        panorama_harmonics=torch.stack([panorama.harmonics for _, panorama in surrounding]) if surrounding else None,
        panorama_scale=torch.tensor([panorama.scale for _, panorama in surrounding]) if surrounding else None,
    )


Made = tuple[Mesh, list[int]]
"""A mesh and the store's textures of its surfaces."""


class _Shelf:
    """The meshes of the bank, in the order of its rows."""

    def __init__(self, made: Sequence[Made]) -> None:
        self.meshes = [mesh for mesh, _ in made]
        self.textures = [textures for _, textures in made]

    def add(self, made: Made) -> int:
        """Adds a mesh and returns its row."""
        self.meshes.append(made[0])
        self.textures.append(made[1])
        return len(self.meshes) - 1


def _other_rows(
    others: dict[str, list[MeshFile]], loader: _Loader, shelf: _Shelf, store: TextureStore, cfg: Config
) -> dict[str, tuple[int, ...]]:
    """Loads the meshes of other groups, each file once, and returns their rows."""
    rows: dict[Path, int] = {}
    for group, files in others.items():
        new = [file for file in files if file.path not in rows]
        for file, (made, _) in loader.each(new, lambda file: _object(file, store, cfg, bends=False), f"{group}.meshes"):
            rows[file.path] = shelf.add(made)
    return {group: tuple(rows[f.path] for f in files if f.path in rows) for group, files in others.items()}


def _has_levels(cfg: Config) -> bool:
    # Numbers of single faces must not wander as faces are joined.
    return cfg.render.detail_pixels > 0 and "stencil" not in cfg.outputs


def _asks_for_rest(cfg: Config) -> bool:
    return any(isinstance(law, Resting) for law, _ in cfg.used_quantities.values())


def _mesh_files(cfg: Config) -> tuple[list[MeshFile], tuple[str, ...]]:
    """Returns the files to load, and the class names, which a split does not change."""
    files = object_files(cfg)
    found = sorted({file.label for file in files})
    class_names = tuple(found) if cfg.classes is None else cfg.classes
    unknown = [name for name in class_names if name not in found]
    if unknown or len(set(class_names)) < len(class_names) or not class_names:
        wrong = repr(unknown[0]) if unknown else str(list(class_names))
        raise ConfigError(f"classes must name folders of meshes, each once, got {wrong}. Found: {', '.join(found)}.")
    files = [file for file in files if file.label in class_names]
    if cfg.split is None:
        return files, class_names
    return held_out_by_class(files, cfg.split.share, cfg.split.part), class_names


def _classes_with_meshes(class_names: tuple[str, ...], loaded: set[str], cfg: Config) -> tuple[str, ...]:
    """Leaves out classes none of whose files can be used, unless that would change what others rely on."""
    empty = [name for name in class_names if name not in loaded]
    if empty and cfg.split is not None:
        raise AssetError(
            f"split must leave each class a mesh, got none for {empty[0]!r} in the {cfg.split.part} part. "
            f"Add files with other content to it or leave it out with `classes`."
        )
    if empty and cfg.classes is not None:
        raise AssetError(
            f"classes must have meshes that can be used, got none for {empty[0]!r}. "
            f"Repair its files or leave it out of `classes`."
        )
    return tuple(name for name in class_names if name in loaded)


def _image_files(cfg: Config) -> tuple[list[Path], list[Path], list[Path]]:
    """Returns the foreign textures, the photos and the panoramas to load."""
    folder = cfg.materials.textures
    tiles = [] if folder is None else find_images(_texture_folder(folder), "materials.textures")
    behind = cfg.background
    photos = [] if behind.photos is None else find_images(behind.photos, "background.photos")
    panoramas = [] if behind.panoramas is None else find_images(behind.panoramas, PANORAMAS, PANORAMA_SUFFIXES)
    if cfg.split is not None:
        tiles, photos, panoramas = (
            held_out(paths, [content_share(p) for p in paths], cfg.split.share, cfg.split.part)
            for paths in (tiles, photos, panoramas)
        )
    if len(photos) > cfg.background.max_photos:
        say_once(
            f"{cfg.background.max_photos} of {len(photos)} photos are used (background.max_photos), "
            f"chosen by their names."
        )
        chosen = sorted(photos, key=lambda path: name_share(path.name))[: cfg.background.max_photos]
        photos = sorted(chosen)
    return tiles, photos, panoramas


def _texture_folder(folder: str | Path) -> Path:
    return sample_folder("textures") if folder == "sample" else Path(folder)


class _Loader:
    """Loads files one after the other and decides what becomes of a bad one."""

    def __init__(self, cfg: Config, advance: Callable[[], None]) -> None:
        self.skip = cfg.assets.on_bad == "skip"
        self.advance = advance

    def each(self, items: Sequence[Item], load: Callable[[Item], Loaded], setting: str) -> list[tuple[Item, Loaded]]:
        """Returns what was loaded, each beside its file.

        Raises:
            AssetError: A file is bad and not to be skipped, or all are bad.
        """
        loaded = []
        for item in items:
            try:
                loaded.append((item, load(item)))
            except AssetError as error:
                if not self.skip:
                    raise
                say_once(f"{error} It is left out (assets.on_bad: skip).")
            self.advance()
        if items and not loaded:
            raise AssetError(
                f"{setting} must hold a file that can be used, got {len(items)} that cannot. "
                f"Set assets.on_bad to error to see why."
            )
        return loaded


def _object(file: MeshFile, store: TextureStore, cfg: Config, *, bends: bool = True) -> tuple[Made, list[Made]]:
    """Returns a mesh, and the same bent by each of `objects.bends_degrees`."""
    crease, angles = float(cfg.assets.crease_degrees), cfg.objects.bends_degrees if bends else ()
    if cfg.assets.cache and not angles and not made_here(file):
        mesh = read_cached(file.path, crease)
        return (mesh, store.add_own([surface.image for surface in mesh.surfaces])), []
    parts = parts_of(file, cfg)
    name, up = str(file.path), up_in(file.path)
    mesh = build_mesh(name, parts, crease, up)
    textures = store.add_own([surface.image for surface in mesh.surfaces])
    bent = [build_mesh(name, bend(parts, degrees), crease, up) for degrees in angles]
    return (mesh, textures), [(made, textures) for made in bent]


def _noted(file: MeshFile, store: TextureStore, cfg: Config) -> tuple[Made, list[Made], Note]:
    """Returns a mesh of interest, the same bent, and what is said of it."""
    made, bent = _object(file, store, cfg)
    return made, bent, read_note(file, made[0])


def _shape(name: str, shape: PrimitiveMesh, cfg: Config) -> Made:
    white = Surface((1.0, 1.0, 1.0))
    part = Part(shape.vertices[shape.triangles], shape.uvs[shape.triangles].astype(np.float64), None, white)
    mesh = build_mesh(name, [part], float(cfg.assets.crease_degrees))
    return mesh, [0] * len(mesh.surfaces)


@dataclass(frozen=True)
class _Panorama:
    row: int
    scale: float
    harmonics: Tensor


def _panorama(path: Path, store: TextureStore, cfg: Config) -> _Panorama:
    linear = read_panorama(_image(path))
    return _Panorama(*store.add_panorama(linear, cfg.background.panorama_size), harmonics_of(linear))


def _image(path: Path) -> ImageData:
    return ImageData(read_bytes(path), str(path))


def _span(rows: Sequence[int]) -> range:
    return range(rows[0], rows[-1] + 1) if rows else range(0)


@contextmanager
def _progress(cfg: Config, total: int) -> Iterator[Callable[[], None]]:
    """Shows a bar on standard error while files are loaded, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    shown = cfg.assets.progress and console.is_terminal
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("Loading assets", total=total)
        yield lambda: bar.advance(task)
