"""Which quantities can differ from their neutral value; the others are left out of the scene and cost nothing."""

from __future__ import annotations

from collections.abc import Iterable

from ondr.config import Config
from ondr.laws import Choice, Cycle, Law, Schedule
from ondr.parameters import Parameters
from ondr.sampling.overrides import Overrides


class Active:
    """Which quantities of a batch may differ from their neutral value.

    It depends on the current laws and the overrides, never on what is drawn: the same features are on for all images
    of a stream.
    """

    def __init__(self, cfg: Config, parameters: Parameters, overrides: Overrides) -> None:
        """Keeps references only; a law is read when its quantity is asked about."""
        self._quantities, self._parameters, self._overridden = cfg.quantities(), parameters, frozenset(overrides)

    def __contains__(self, name: str) -> bool:
        """Returns whether a quantity may differ from its neutral value."""
        if name in self._overridden:
            return True
        law, spec = self._law(name), self._quantities[name][1]
        return law.support != (spec.neutral, spec.neutral)

    def any(self, names: Iterable[str]) -> bool:
        """Returns whether any of several quantities may differ from neutral."""
        return any(name in self for name in names)

    def may_be(self, name: str, option: str) -> bool:
        """Returns whether a `one_of` quantity may choose an option."""
        if name in self._overridden:
            return True
        law = self._law(name)
        ends = (law.start, law.end) if isinstance(law, Schedule) else (law,)
        return any(_may_be(end, option) for end in ends)

    def _law(self, name: str) -> Law:
        return self._parameters.law(name)


def _may_be(law: Law, option: str) -> bool:
    if isinstance(law, Choice):
        return any(o == option and w > 0 for o, w in zip(law.options, law.weights, strict=True))
    # Any other law chooses from everything there is.
    return not (isinstance(law, Cycle) and law.options) or option in law.options
