"""What discrete quantities choose from: classes, files, shapes, and the sources for which there are images."""

from __future__ import annotations

from dataclasses import dataclass

from ondr.assets.bank import Assets
from ondr.config import GROUPS, Config
from ondr.errors import ConfigError
from ondr.laws import AnyOf, Choice, Cycle, First, Law, Schedule
from ondr.quantity import Spec
from ondr.settings.wording import nearest


@dataclass(frozen=True)
class Options:
    """The options of a discrete quantity."""

    number: int = 0
    """Number of options."""
    values: tuple[float, ...] | None = None
    """The value of each option: an index into the quantity's names, or a number. None: 0, 1, ..."""
    allowed: tuple[bool, ...] = ()
    """Which options these assets provide. Empty: all."""


def resolve(cfg: Config, assets: Assets) -> dict[str, Options]:
    """Finds what each discrete quantity of a config chooses from.

    Raises:
        ConfigError: A law names something that does not exist, or leaves nothing to choose from.
    """
    light = cfg.lights.environment.support
    if not assets.panoramas and light != (0, 0):
        raise no_panoramas(f"{light[0]} to {light[1]}")
    names = {"objects.label": assets.class_names, "distractors.shape": cfg.distractors.shapes}
    numbers = _numbers(cfg, assets)
    result = {}
    for name, (law, spec) in cfg.quantities().items():
        if isinstance(law, Schedule):
            law = law.start
        if isinstance(law, Choice | Cycle) and law.numeric:
            result[name] = Options(len(law.options), tuple(law.options))
        elif isinstance(law, AnyOf | Choice | Cycle | First):
            known = names.get(name, spec.options)
            result[name] = Options(numbers[name]) if known is None else _named(name, law, spec, known, assets)
            if known is None and not isinstance(law, AnyOf | First) and law.options:
                raise ConfigError(f"{name} must be uniform, got {law.to_config()}. Leave out files from the folder.")
    return result


def no_panoramas(got: str) -> ConfigError:
    """Returns the error for light from panoramas where there are none."""
    return ConfigError(
        f"lights.environment must be 0 without panoramas, got {got}. Set background.panoramas to a folder of them, of "
        "which `split` leaves some."
    )


def _numbers(cfg: Config, assets: Assets) -> dict[str, int]:
    """Returns the number of options of each quantity whose options have no names."""
    return {
        # The number of subjects and meshes depends on the class that was drawn: `structure` counts them.
        "objects.instance": 0,
        "objects.variant": 0,
        "objects.bend": len(cfg.objects.bends_degrees),
        "background.photo": len(assets.photos),
        "background.panorama": len(assets.panoramas),
        "background.noise": len(assets.noise_textures),
        "background.texture": len(assets.foreign_textures),
        **{f"{group}.material.texture": len(assets.foreign_textures) for group in GROUPS},
        **{f"{group}.instance": len(assets.others.get(group, ())) for group in ("context", "occluders", "clutter")},
    }


@dataclass(frozen=True)
class Choices:
    """The values with which a discrete quantity can be overridden."""

    words: tuple[str, ...]
    """Names of the values 0, 1, ...; empty where they have none."""
    allowed: frozenset[int]


def choices(cfg: Config, assets: Assets, options: dict[str, Options]) -> dict[str, Choices]:
    """Returns the possible overrides of each `one_of` quantity that is not drawn on the host.

    Args:
        cfg: The settings.
        assets: What there is to choose from.
        options: From `resolve`.
    """
    found = {}
    for name, (_, spec) in cfg.quantities().items():
        if spec.kind != "one_of" or spec.structure or name not in options:
            continue
        words = spec.options or ()
        missing = _missing(name, assets) if words else set()
        number = len(words) or max(options[name].number, 1)
        allowed = frozenset(i for i in range(number) if not words or words[i] not in missing)
        found[name] = Choices(words, allowed)
    return found


def _named(name: str, law: Law, spec: Spec, known: tuple[str, ...], assets: Assets) -> Options:
    options = (law.options if isinstance(law, Choice | Cycle) else ()) or known
    weights = law.weights if isinstance(law, Choice) else (1.0,) * len(options)
    unknown = [str(o) for o in options if o not in known]
    if unknown:
        raise ConfigError(
            f"{name} must choose from {', '.join(known)}, got {unknown[0]!r}.{nearest(unknown[0], list(known))}"
        )
    missing = _missing(name, assets) if spec.options else set()
    allowed = tuple(o not in missing for o in options)
    if not any(w > 0 and a for w, a in zip(weights, allowed, strict=True)):
        raise ConfigError(
            f"{name} must choose something that is there, got {law.to_config()} without images for it. Set "
            "materials.textures, background.photos or background.panoramas to a folder, or choose color."
        )
    values = tuple(known.index(o) for o in options)
    if isinstance(law, Cycle | First):  # Missing options are skipped.
        values = tuple(v for v, a in zip(values, allowed, strict=True) if a)
        return Options(len(values), values)
    return Options(len(options), values, allowed)


def _missing(name: str, assets: Assets) -> set[str]:
    missing = {"texture"} if not assets.foreign_textures else set()
    if name == "background.source":
        there = {"photo": assets.photos, "panorama": assets.panoramas}
        missing |= {source for source, rows in there.items() if not rows}
    return missing
