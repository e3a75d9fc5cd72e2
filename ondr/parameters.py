"""The parameters of the laws by name, movable during training: the interface of curricula and learned laws."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import torch
from torch import Tensor

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.laws import Law
from ondr.quantity import Spec, parse
from ondr.runtime.device import upload
from ondr.settings.wording import nearest

State = dict[str, list[float]]


class Parameters(MutableMapping[str, Tensor]):
    """The parameters of all laws: `lights.intensity.high` to a float64 tensor, 0-d or, for weights, 1-d.

    `parameters[name]` returns a copy. Assign a number or a tensor to move a parameter; the tensor may require grad if
    the law is continuous. The change takes effect with the next batch that is rendered. All values lie in one host
    tensor that is shared with workers.
    """

    def __init__(self, cfg: Config) -> None:
        """Takes the initial parameters from a config."""
        self._laws: dict[str, tuple[Law, Spec]] = {
            name: (law, spec) for name, (law, spec) in cfg.quantities().items() if isinstance(law, Law)
        }
        self._places: dict[str, tuple[str, str, slice]] = {}
        values: list[float] = []
        for name, (law, _) in self._laws.items():
            for parameter, value in law.parameters.items():
                numbers = value if isinstance(value, tuple) else (value,)
                place = slice(len(values), len(values) + len(numbers))
                self._places[f"{name}.{parameter}"] = (name, parameter, place)
                values.extend(numbers)
        self._first = torch.tensor(values, dtype=torch.float64)
        self._values = self._first.clone().share_memory_()
        self._live: dict[str, Tensor] = {}
        self._read: tuple[bytes, dict[str, tuple[Any, ...]], dict[str, Law]] = (b"", {}, {})

    def __getitem__(self, name: str) -> Tensor:
        quantity, parameter, place = self._place(name)
        if name in self._live:
            return self._live[name]
        value = self._values[place].clone()
        return value if self._is_vector(quantity, parameter) else value[0]

    def __setitem__(self, name: str, value: float | Tensor) -> None:
        """Moves a parameter.

        Raises:
            ConfigError: There is no such parameter, or the law would leave its domain.
        """
        self.update({name: value})

    def update(self, *others: Any, **more: float | Tensor) -> None:
        """Moves several parameters at once, as `dict.update` does: the law has to be in its domain when all have moved.

        Raises:
            ConfigError: There is no such parameter, or a law would leave its domain. Then none has moved.
        """
        given: dict[str, float | Tensor] = dict(*others, **more)
        new = self._values.clone()
        tensors = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in given.items()}
        for name, tensor in tensors.items():
            quantity, _, place = self._place(name)
            self._check_tensor(name, *self._laws[quantity], tensor)
            if tensor.numel() != new[place].numel():
                raise ConfigError(
                    f"{name} must have {new[place].numel()} values, got {tensor.numel()}. Give as many as the config."
                )
            new[place] = tensor.detach().cpu().reshape(-1)
        for name in given:
            self._check_law(name, self._places[name][0], new)
        self._values.copy_(new)
        for name, value in given.items():
            self._live.pop(name, None)
            if tensors[name].requires_grad:
                self._live[name] = value  # type: ignore[assignment]

    def __delitem__(self, name: str) -> None:
        """Moves a parameter back to the config's value."""
        _, _, place = self._place(name)
        self._live.pop(name, None)
        self._values[place] = self._first[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{n}={self[n].tolist()}' for n in self)})"

    def moved(self) -> State:
        """Returns the values that differ from the config's."""
        different = (self._values != self._first).tolist()
        return {n: self._values[p].tolist() for n, (_, _, p) in self._places.items() if any(different[p])}

    def restore(self, moved: State) -> None:
        """Sets the parameters that `moved` returned, and all others to the config's values.

        Raises:
            ConfigError: There is no such parameter, or a law would leave its domain.
        """
        new = self._first.clone()
        for name, value in moved.items():
            new[self._place(name)[2]] = torch.tensor(value, dtype=torch.float64)
        for name in moved:
            self._check_law(name, self._places[name][0], new)
        self._live.clear()
        self._values.copy_(new)

    def place(self, quantity: str) -> list[slice]:
        """Returns the places of a quantity's parameters in `vector`, in the order of `Law.parameters`."""
        law, _ = self._laws[quantity]
        return [self._places[f"{quantity}.{p}"][2] for p in law.parameters]

    def host(self, quantity: str) -> tuple[Any, ...]:
        """Returns the current parameters of a quantity as Python numbers, weights as a tuple."""
        _, known, _ = self._as_it_stands()
        if quantity not in known:
            law, _ = self._laws[quantity]
            values = (self._values[s].tolist() for s in self.place(quantity))
            known[quantity] = tuple(
                tuple(v) if self._is_vector(quantity, p) else v[0] for p, v in zip(law.parameters, values, strict=True)
            )
        return known[quantity]

    def law(self, quantity: str) -> Law:
        """Returns the law of a quantity with its current parameters."""
        _, _, known = self._as_it_stands()
        if quantity not in known:
            law, _ = self._laws[quantity]
            known[quantity] = law.moved(dict(zip(law.parameters, self.host(quantity), strict=True)))
        return known[quantity]

    def _as_it_stands(self) -> tuple[bytes, dict[str, tuple[Any, ...]], dict[str, Law]]:
        """Returns what was cached since the values last changed; another process may have changed them."""
        values = self._values.numpy().tobytes()
        if values != self._read[0]:
            self._read = (values, {}, {})
        return self._read

    def stamp(self) -> bytes | None:
        """Returns bytes that differ whenever a value has changed; None while a value is a tensor that requires grad."""
        return None if self._live else self._values.numpy().tobytes()

    def vector(self, device: torch.device | str) -> Tensor:
        """Returns all parameters as one float32 tensor on `device`, differentiable in those that require grad."""
        vector = upload(self._values.to(torch.float32), device)
        for name, value in self._live.items():
            place = self._places[name][2]
            index = torch.arange(place.start, place.stop, device=vector.device)
            vector = vector.index_put((index,), value.reshape(-1).to(vector))
        return vector

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_live": {}, "_read": (b"", {}, {})}

    def _place(self, name: str) -> tuple[str, str, slice]:
        if name not in self._places:
            raise ConfigError(
                f"parameters[{name!r}] must be the parameter of a law.{nearest(name, list(self._places))}"
            )
        return self._places[name]

    def _is_vector(self, quantity: str, parameter: str) -> bool:
        return isinstance(self._laws[quantity][0].parameters[parameter], tuple)

    def _check_tensor(self, name: str, law: Law, spec: Spec, value: Tensor) -> None:
        if value.requires_grad and law.discrete:
            raise ConfigError(
                f"{name} must not require grad, since its law is discrete. Use the law's log_prob as a score function."
            )
        if spec.structure and value.device.type != "cpu":
            raise ConfigError(
                f"{name} must be moved with a number or a CPU tensor, got one on {value.device}, since it decides on "
                "the host how much is drawn. Call .cpu() first."
            )

    def _check_law(self, name: str, quantity: str, values: Tensor) -> None:
        law, spec = self._laws[quantity]
        numbers = {}
        for parameter in law.parameters:
            part = values[self._places[f"{quantity}.{parameter}"][2]].tolist()
            numbers[parameter] = tuple(part) if self._is_vector(quantity, parameter) else part[0]
        moved = law.moved(numbers)
        try:
            parse(moved, spec)
        except ValueError as error:
            raise ConfigError(f"{name} {error}. Keep the law within its domain.") from None
        if spec.capacity and moved.support[1] > law.support[1]:
            raise ConfigError(
                f"{name} must not exceed {law.support[1]:g}, got {moved.support[1]:g}, since tensors are made for that "
                f"many. Start with a larger {quantity} in the config."
            )
