"""What a set was made from: enough to make it again, and to tell whether a folder holds the beginning of the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ondr.assets.bank import Assets, Bank
from ondr.config import Config
from ondr.doctor import version
from ondr.leaves import leaves_of

LIBRARIES = ("ondr", "torch", "numba", "numpy", "scipy", "trimesh", "kornia", "pillow")
"""What the bits of an image or a file depend on."""
MOST_DIFFERENCES = 3
"""How many differences an error names."""
NOTHING = "nothing"


def describe(cfg: Config, assets: Assets, device: torch.device, **choices: Any) -> dict[str, Any]:
    """Returns the manifest of a set, of plain numbers, strings, lists and dicts.

    Args:
        cfg: With the outputs of the format.
        assets: On the CPU.
        device: What renders.
        choices: What else decides what is written.
    """
    about = {
        "made_by": "ondr export",
        **choices,
        "seed": cfg.seed,
        "device": device.type,
        "versions": {name: version(name) for name in LIBRARIES},
        "assets": {"packed": _digest_of_bank(assets.bank), "meshes": dict(_digests(assets))},
        "config": cfg.to_dict(),
    }
    # As it will be read again: tuples become lists, and so on.
    plain: dict[str, Any] = json.loads(json.dumps(about))
    return plain


def differences(there: dict[str, Any], asked: dict[str, Any]) -> str:
    """Returns in words how two manifests differ; an empty string if they do not."""
    flat_there, flat_asked = dict(_flat(there)), dict(_flat(asked))
    said = [
        f"{name} {flat_there.get(name, NOTHING)} there, {flat_asked.get(name, NOTHING)} now"
        for name in flat_there | flat_asked
        if flat_there.get(name) != flat_asked.get(name)
    ]
    more = [f"and {len(said) - MOST_DIFFERENCES} more"] if len(said) > MOST_DIFFERENCES else []
    return "; ".join(said[:MOST_DIFFERENCES] + more)


def _flat(manifest: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields values by their dotted names, settings by their own."""
    for name, value in manifest.items():
        if isinstance(value, dict):
            yield from _flat(value, "" if name == "config" else f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _digest_of_bank(bank: Bank) -> str:
    """Returns a digest of all meshes, materials and textures, as they are rendered."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in leaves_of(bank):
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def _digests(assets: Assets) -> Iterator[tuple[str, str]]:
    """Yields the digest of each mesh file by its name; composed meshes are no files."""
    for name, path in zip(assets.mesh_files, map(Path, assets.mesh_paths), strict=True):
        if path.is_file():
            yield name, hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
