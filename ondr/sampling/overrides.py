"""Overrides: values from the caller in place of draws, for replay, counterfactuals and ablations."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from ondr.draws import Draws
from ondr.errors import ConfigError
from ondr.quantity import Spec
from ondr.sampling.options import Choices
from ondr.settings.wording import nearest

Overrides = Mapping[str, "float | Tensor"]
Given = Mapping[str, "float | str | Tensor"]
"""Overrides as a caller writes them: options that have names may be given by name."""


def check_names(overrides: Given, draws: Mapping[str, object], derived: frozenset[str]) -> None:
    """Refuses names that are not draws.

    Raises:
        ConfigError: A name is unknown, or its value is derived from other draws.
    """
    for name in overrides:
        if name in derived:
            raise ConfigError(f"overrides[{name!r}] must name a draw, but it follows from others. Override those.")
        if name not in draws:
            raise ConfigError(f"overrides[{name!r}] must name a draw.{nearest(name, list(draws))}")


def expand(name: str, value: float | Tensor, shape: tuple[int, ...]) -> Tensor:
    """Expands an override, a number, `[B]` or `[B, slot]`, to the shape of its draw.

    Raises:
        ConfigError: It has another shape, or is not finite.
    """
    tensor = torch.as_tensor(value)
    if tensor.device.type == "cpu" and not torch.isfinite(tensor.detach().double()).all():
        raise ConfigError(f"overrides[{name!r}] must be finite, got {value}. Give numbers.")
    if tensor.ndim == 1 and len(shape) > 1 and len(tensor) == shape[0]:
        tensor = tensor.reshape(-1, *(1 for _ in shape[1:]))
    try:
        return tensor.expand(shape)
    except RuntimeError:
        slots = len(shape) > 1
        raise ConfigError(
            f"overrides[{name!r}] must be a number{f', [{shape[0]}]' if slots else ''} or {list(shape)}, got "
            f"{list(tensor.shape)}. Give one value for each image{', or for each slot of each image' if slots else ''}."
        ) from None


def check_domains(overrides: Overrides, quantities: Mapping[str, tuple[object, Spec]]) -> None:
    """Refuses values that no law of the quantity may take. Of those on a GPU nothing is known: it is not asked.

    Raises:
        ConfigError: A value makes no sense for its quantity.
    """
    for name, value in overrides.items():
        spec, tensor = quantities[name][1], torch.as_tensor(value).detach()
        outside = tensor.device.type == "cpu" and bool(((tensor < spec.low) | (tensor > spec.high)).any())
        if outside:
            unit = f" {spec.unit}" if spec.unit else ""
            raise ConfigError(
                f"overrides[{name!r}] must lie within {spec.low:g} and {spec.high:g}{unit}, got {tensor.tolist()}. "
                "Give a value from there."
            )


def numbered(overrides: Given, choices: Mapping[str, Choices]) -> Overrides:
    """Returns overrides with names of options replaced by their numbers.

    Args:
        overrides: As given.
        choices: The possible values of each draw that has options.

    Raises:
        ConfigError: There is no such option.
    """
    nothing = Choices((), frozenset())
    return {name: _chosen(name, value, choices.get(name, nothing)) for name, value in overrides.items()}


def _chosen(name: str, value: float | str | Tensor, choices: Choices) -> float | Tensor:
    if not choices.allowed:
        if isinstance(value, str):
            raise ConfigError(f"overrides[{name!r}] must be a number or a tensor, got {value!r}. Give its value.")
        return value
    known = [choices.words[i] if choices.words else str(i) for i in sorted(choices.allowed)]
    if isinstance(value, str):
        if value not in known:
            raise ConfigError(f"overrides[{name!r}] must be one of {_some(known)}, got {value!r}. Give one of them.")
        return float(choices.words.index(value)) if choices.words else float(value)
    tensor = torch.as_tensor(value).detach()
    if tensor.device.type == "cpu" and not set(tensor.double().flatten().tolist()) <= choices.allowed:
        numbers = _some([str(i) for i in sorted(choices.allowed)])
        raise ConfigError(
            f"overrides[{name!r}] must be one of {numbers}, got {tensor.tolist()}. Only for these is there anything."
        )
    return value


def _some(known: list[str]) -> str:
    return ", ".join(known) if len(known) <= 8 else f"{known[0]}, {known[1]}, ..., {known[-1]}"


def host_override(
    name: str, value: float | Tensor, shape: tuple[int, ...], largest: Tensor
) -> Int64[Tensor, "batch *slot"]:
    """Returns an override of a draw that is made on the host, as whole numbers on the CPU.

    Raises:
        ConfigError: It is on a GPU, not a whole number, or out of range.
    """
    tensor = expand(name, value, shape)
    if tensor.device.type != "cpu":
        raise ConfigError(
            f"overrides[{name!r}] must be a number or a CPU tensor, got one on {tensor.device}, since it decides on "
            "the host how much is drawn. Call .cpu() first."
        )
    whole = tensor.detach().to(torch.int64)
    if ((whole != tensor) | (whole < 0) | (whole > largest)).any():
        raise ConfigError(
            f"overrides[{name!r}] must be whole numbers from 0 to {int(largest.max())}, got {tensor.tolist()}. "
            "Tensors are made for the largest count of the config, and classes and files count from 0."
        )
    return whole.clone()


def apply(draws: Draws, overrides: Overrides) -> Draws:
    """Returns the draws with overrides applied, on the draws' device."""
    if not overrides:
        return draws
    return draws.replaced({name: expand(name, value, tuple(draws[name].shape)) for name, value in overrides.items()})
