"""Laws: values follow their distributions, densities match, parameters are differentiable."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from ondr import laws


class ElevationReference:
    """Degrees of latitude such that heights, the sines, are uniform."""

    low, high = np.sin(np.radians([-20.0, 70.0]))

    def ppf(self, u: np.ndarray) -> np.ndarray:
        return np.degrees(np.arcsin(self.low + u * (self.high - self.low)))

    def logpdf(self, value: np.ndarray) -> np.ndarray:
        density = np.cos(np.radians(value)) * np.pi / 180 / (self.high - self.low)
        return np.log(np.where((value >= -20) & (value <= 70), density, 0.0))


CONTINUOUS = [
    (laws.Uniform(-2.0, 5.0), stats.uniform(-2, 7)),
    (laws.LogUniform(0.1, 10.0), stats.loguniform(0.1, 10)),
    (laws.Normal(1.0, 2.0), stats.norm(1, 2)),
    (laws.TruncatedNormal(1.0, 2.0, 0.0, 4.0), stats.truncnorm(-0.5, 1.5, 1, 2)),
    (laws.Elevation(-20.0, 70.0), ElevationReference()),
]
# Inverse CDF of float64 uniforms: what is left is the rounding of the special functions.
ROUNDING = 1e-9


@pytest.mark.parametrize(("law", "reference"), CONTINUOUS)
def test_value_is_the_inverse_cdf(law: laws.Continuous, reference: stats.rv_continuous) -> None:
    u = torch.linspace(0.001, 0.999, 301, dtype=torch.float64)
    torch.testing.assert_close(law.value(u), torch.from_numpy(reference.ppf(u.numpy())), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(("law", "reference"), CONTINUOUS)
def test_log_prob_is_the_log_density(law: laws.Continuous, reference: stats.rv_continuous) -> None:
    value = torch.linspace(-4, 12, 101, dtype=torch.float64)
    torch.testing.assert_close(
        law.log_prob(value), torch.from_numpy(reference.logpdf(value.numpy())), rtol=ROUNDING, atol=ROUNDING
    )


@pytest.mark.parametrize(("law", "reference"), CONTINUOUS)
def test_value_is_differentiable_in_the_parameters(law: laws.Continuous, reference: object) -> None:
    u = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    parameters = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in law.parameters.values()]
    assert torch.autograd.gradcheck(lambda *p: law.inverse_cdf(u, *p), parameters)


DISCRETE = [
    (laws.Integers(2, 6), dict.fromkeys(range(2, 7), 0.2)),
    (laws.Choice(("a", "b", "c"), (1.0, 0.0, 3.0)), {0: 0.25, 1: 0.0, 2: 0.75}),
    (laws.Bernoulli(0.3), {0: 0.7, 1: 0.3}),
]


@pytest.mark.parametrize(("law", "expected"), DISCRETE)
def test_discrete_values_have_their_probabilities(law: laws.Discrete, expected: dict[int, float]) -> None:
    n = 100_000
    words = (torch.arange(n, dtype=torch.int64) * 2**32) // n  # Equidistant: the shares are exact to 1/n.
    values = law.value(words)
    for value, probability in expected.items():
        assert (values == value).double().mean().item() == pytest.approx(probability, abs=2 / n)
    assert set(values.tolist()) == {v for v, p in expected.items() if p > 0}


@pytest.mark.parametrize(("law", "expected"), DISCRETE)
def test_discrete_log_prob(law: laws.Discrete, expected: dict[int, float]) -> None:
    values = torch.tensor([*expected, -1, 99])
    log = [math.log(p) if p else -math.inf for p in expected.values()] + [-math.inf, -math.inf]
    torch.testing.assert_close(law.log_prob(values).double(), torch.tensor(log, dtype=torch.float64))


def test_thresholds_split_the_words_exactly() -> None:
    begins = laws.thresholds([0.25, 0.75])
    assert begins == [2**30]
    assert laws.index(torch.tensor([0, 2**30 - 1, 2**30, 2**32 - 1]), begins).tolist() == [0, 0, 1, 1]


def test_share_reaches_every_option_and_no_more() -> None:
    words = torch.tensor([0, 2**32 - 1])
    for n in (1, 3, 1000, 2**20):
        assert laws.share(words, n).tolist() == [0, n - 1]


@pytest.mark.parametrize(
    ("law", "problem"),
    [
        (laws.Uniform(2.0, 1.0), "low <= high"),
        (laws.LogUniform(0.0, 1.0), "0 < low"),
        (laws.Normal(0.0, 0.0), "std > 0"),
        (laws.TruncatedNormal(0.0, 1.0, 2.0, 1.0), "low < high"),
        (laws.Integers(3, 1), "low <= high"),
        (laws.Choice((), ()), "options"),
        (laws.Choice((1,), (0.0,)), "not all zero"),
        (laws.Bernoulli(1.5), "0 to 1"),
        (laws.Elevation(-100.0, 0.0), "-90 <= low"),
        (laws.Sometimes(laws.Uniform(0.0, 1.0), 1.2, 0.0), "0 to 1"),
        (laws.Sometimes(laws.Uniform(2.0, 1.0), 0.2, 0.0), "low <= high"),
        (laws.Views(9, 12, False), "subdivisions from 0 to 5"),
        (laws.Schedule(laws.Uniform(0.0, 1.0), laws.Constant(1.0), 10), "same kind"),
        (laws.Schedule(laws.SO3(), laws.SO3(), 10), "with parameters"),
        (laws.Schedule(laws.Bernoulli(0.0), laws.Bernoulli(1.0), 0), "samples of 1 or more"),
    ],
)
def test_a_wrong_law_says_what_is_wrong(law: laws.Law, problem: str) -> None:
    assert problem in (law.problem() or "")


def test_constant_is_constant() -> None:
    law = laws.Constant(3.0)
    assert law.value(torch.tensor([0.1, 0.9])).tolist() == [3.0, 3.0]
    assert law.log_prob(torch.tensor([3.0, 2.0])).tolist() == [math.inf, -math.inf]


def test_a_law_that_holds_sometimes_supports_its_neutral_value() -> None:
    law = laws.Sometimes(laws.Uniform(2.0, 3.0), 0.5, 0.0)
    assert law.support == (0.0, 3.0)
    assert law.moved({**law.parameters, "probability": 0.0}).support == (0.0, 0.0)
    assert law.moved({"low": 1.0, "high": 4.0}).law == laws.Uniform(1.0, 4.0)


def test_a_schedule_names_the_parameters_of_both_ends() -> None:
    law = laws.Schedule(laws.Uniform(0.0, 1.0), laws.Uniform(4.0, 5.0), 100)
    assert law.parameters == {"from.low": 0.0, "from.high": 1.0, "to.low": 4.0, "to.high": 5.0}
    assert law.moved({**law.parameters, "to.high": 9.0}).end == laws.Uniform(4.0, 9.0)
    assert law.support == (0.0, 5.0)
    assert law.share(torch.tensor([0, 25, 100, 10**9])).tolist() == [0.0, 0.25, 1.0, 1.0]
