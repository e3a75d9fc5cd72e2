"""Moving the laws' parameters: checked, restorable, shared between processes."""

from __future__ import annotations

import pytest
import torch

from ondr.config import Config
from ondr.errors import ConfigError
from ondr.parameters import Parameters


def test_every_parameter_starts_where_the_config_says() -> None:
    parameters = Parameters(Config())
    assert parameters["lights.intensity.high"].item() == 3.0
    assert parameters["objects.material.source.weights"].tolist() == [0.6, 0.25, 0.15]
    assert parameters["lights.directional.probability"].item() == 0.3
    assert parameters.moved() == {}


def test_moved_parameters_are_listed_and_restored() -> None:
    parameters, other = Parameters(Config()), Parameters(Config())
    parameters["lights.intensity.high"] = 10.0
    parameters["objects.material.source.weights"] = torch.tensor([0.0, 1.0, 0.0])
    assert parameters.moved() == {"lights.intensity.high": [10.0], "objects.material.source.weights": [0.0, 1.0, 0.0]}
    other["camera.fov_degrees.low"] = 45
    other.restore(parameters.moved())
    assert other.moved() == parameters.moved()
    del parameters["lights.intensity.high"]
    assert parameters["lights.intensity.high"].item() == 3.0


def test_bounds_that_move_together_only_have_to_fit_in_the_end() -> None:
    parameters = Parameters(Config())
    high = torch.tensor(20.0, dtype=torch.float64, requires_grad=True)
    parameters.update({"lights.intensity.low": 10.0, "lights.intensity.high": high})
    assert parameters.moved() == {"lights.intensity.low": [10.0], "lights.intensity.high": [20.0]}
    assert parameters["lights.intensity.high"] is high
    with pytest.raises(ConfigError, match="must have 0 < low <= high"):
        parameters.update({"camera.fov_degrees.low": 45, "lights.intensity.low": 30})
    assert parameters.moved() == {"lights.intensity.low": [10.0], "lights.intensity.high": [20.0]}


def test_what_is_returned_is_a_copy() -> None:
    parameters = Parameters(Config())
    parameters["lights.intensity.high"].fill_(9)
    assert parameters["lights.intensity.high"].item() == 3.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lights.intensity.hihg", 1.0, "must be the parameter of a law. Did you mean 'lights.intensity.high'"),
        ("lights.intensity.high", 0.1, "must have 0 < low <= high"),
        ("camera.fov_degrees.high", 500.0, "must lie within 1 and 170"),
        ("objects.count.high", 7, "must not exceed 6, got 7, since tensors are made for that many"),
        ("objects.count.high", 2.5, "must be whole numbers"),
        ("objects.material.source.weights", torch.ones(2), "must have 3 values, got 2"),
        ("objects.material.source.weights", torch.zeros(3), "not all zero"),
        ("lights.directional.probability", torch.tensor(0.5, requires_grad=True), "must not require grad"),
    ],
)
def test_a_move_that_is_not_possible_is_an_error_and_changes_nothing(name: str, value: object, message: str) -> None:
    parameters = Parameters(Config())
    with pytest.raises(ConfigError, match=message):
        parameters[name] = value
    assert parameters.moved() == {}


def test_a_parameter_that_requires_grad_is_kept() -> None:
    parameters = Parameters(Config())
    high = torch.tensor(5.0, requires_grad=True)
    parameters["lights.intensity.high"] = high
    assert parameters["lights.intensity.high"] is high
    parameters.vector("cpu").sum().backward()
    assert high.grad == 1
    parameters["lights.intensity.high"] = 4.0
    assert not parameters["lights.intensity.high"].requires_grad


def _move(parameters: Parameters) -> None:
    parameters["lights.intensity.high"] = 7.0


def test_processes_share_the_values() -> None:
    parameters = Parameters(Config())
    process = torch.multiprocessing.get_context("fork").Process(target=_move, args=(parameters,))
    process.start()
    process.join()
    assert parameters["lights.intensity.high"].item() == 7.0
