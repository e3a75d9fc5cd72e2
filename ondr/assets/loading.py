"""From folders to `Assets`: chooses the files, loads them and packs the bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ondr.assets.annotations import annotate, say_strays
from ondr.assets.bank import Assets
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
from ondr.assets.loader import Loader, progress
from ondr.assets.mesh_loading import Meshes, load_meshes, span
from ondr.assets.packing import pack_bank
from ondr.assets.panoramas import harmonics_of, read_panorama
from ondr.assets.parts import ImageData
from ondr.assets.sources import OTHERS, object_files, other_files
from ondr.assets.textures import TextureStore, noise_tiles, ramp_tile
from ondr.config import Config
from ondr.errors import AssetError, ConfigError, say_once
from ondr.laws import Resting
from ondr.runtime.isolation import isolated

PANORAMAS = "background.panoramas"


@isolated(torch.device("cpu"))
def load_assets(cfg: Config) -> Assets:
    """Loads meshes, textures and photos and packs them into a bank on the CPU.

    Raises:
        AssetError: A folder or file is missing, empty or cannot be used; with `assets.on_bad: skip`, no file can.
        ConfigError: `classes` names a class that is not there.
    """
    files, class_names = _mesh_files(cfg)
    say_strays(files)
    others = other_files(cfg, files)
    pictures = _image_files(cfg)
    store = TextureStore(cfg.assets.max_texture_size)
    number = len(files) + sum(map(len, others.values())) + sum(map(len, pictures))
    with progress(cfg, number) as advance:
        loader = Loader(cfg, advance)
        meshes = load_meshes(files, others, loader, store, cfg)
        images = _load_images(*pictures, loader, store, cfg)
    store.say_scaled()
    return _packed(meshes, images, store, class_names, cfg)


def _packed(meshes: Meshes, images: _Images, store: TextureStore, class_names: tuple[str, ...], cfg: Config) -> Assets:
    """Packs the bank and says what its rows mean."""
    files, loaded = meshes.files, meshes.meshes
    class_names = _classes_with_meshes(class_names, {file.label for file in files}, cfg)
    labels = tuple(class_names.index(file.label) for file in files)
    panoramas = images.panoramas
    rest = cfg.objects.up if _asks_for_rest(cfg) else None
    return Assets(
        bank=pack_bank(loaded.meshes, loaded.textures, store, levels=_has_levels(cfg), resting=rest),
        class_names=class_names,
        mesh_files=tuple(file.name for file in files),
        mesh_paths=tuple(str(file.path) for file in files),
        mesh_labels=labels,
        mesh_subjects=tuple(file.subject for file in files),
        distractors=meshes.distractors,
        others={group: meshes.others.get(group, tuple(meshes.distractors.values())) for group in OTHERS},
        surfaces=meshes.surfaces,
        annotations=annotate(meshes.notes, loaded.meshes, labels, meshes.bent, cfg),
        bent=meshes.bent,
        ramp_texture=images.ramp,
        foreign_textures=images.tiles,
        noise_textures=images.noise,
        photos=images.photos,
        photo_aspects=images.photo_aspects,
        panoramas=span([panorama.row for panorama in panoramas]),
        panorama_harmonics=torch.stack([panorama.harmonics for panorama in panoramas]) if panoramas else None,
        panorama_scale=torch.tensor([panorama.scale for panorama in panoramas]) if panoramas else None,
    )


@dataclass(frozen=True)
class _Images:
    """Which rows of the bank's textures hold what."""

    tiles: range
    """Foreign textures."""
    noise: range
    ramp: int
    photos: range
    photo_aspects: tuple[float, ...]
    panoramas: list[_Panorama]


def _load_images(
    tiles: Sequence[Path],
    photos: Sequence[Path],
    panoramas: Sequence[Path],
    loader: Loader,
    store: TextureStore,
    cfg: Config,
) -> _Images:
    tile_rows = loader.each(tiles, lambda path: store.add_tile(_image(path)), "materials.textures")
    noise_rows = [store.add_linear(tile) for tile in noise_tiles()]
    ramp = store.add_linear(ramp_tile())
    first_photo, side = len(store.rows), cfg.background.photo_size
    aspects = loader.each(photos, lambda path: store.add_photo(_image(path), side), "background.photos")
    around = loader.each(panoramas, lambda path: _panorama(path, store, cfg), PANORAMAS)
    return _Images(
        tiles=span([row for _, row in tile_rows]),
        noise=span(noise_rows),
        ramp=ramp,
        photos=range(first_photo, first_photo + len(aspects)),
        photo_aspects=tuple(aspect for _, aspect in aspects),
        panoramas=[panorama for _, panorama in around],
    )


def _has_levels(cfg: Config) -> bool:
    # Numbers of single faces must not wander as faces are joined.
    return cfg.render.detail_pixels > 0 and "stencil" not in cfg.outputs


def _asks_for_rest(cfg: Config) -> bool:
    return any(isinstance(law, Resting) for law, _ in cfg.quantities().values())


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
