"""Distributions as inverse CDFs: how a random word becomes a value.

A law knows its kind and its first parameters; the parameters that hold while training runs are passed in, so that
one expression evaluates all quantities of one kind at once and moving a law is a copy. Continuous laws are
differentiable in their parameters. Discrete ones compare words with integer thresholds made on the host, so that
every device agrees.
"""

from ondr.laws.base import TWO_32, Continuous, Discrete, Law, index, thresholds
from ondr.laws.compound import Schedule, Sometimes, base_of, kind_of, middle, unscheduled
from ondr.laws.continuous import Constant, Elevation, LogUniform, Normal, TruncatedNormal, Uniform
from ondr.laws.discrete import AnyOf, Bernoulli, Choice, Cycle, First, Integers, share
from ondr.laws.rotations import SO3, Resting, Upright, Views, Yaw

__all__ = [
    "SO3",
    "TWO_32",
    "AnyOf",
    "Bernoulli",
    "Choice",
    "Constant",
    "Continuous",
    "Cycle",
    "Discrete",
    "Elevation",
    "First",
    "Integers",
    "Law",
    "LogUniform",
    "Normal",
    "Resting",
    "Schedule",
    "Sometimes",
    "TruncatedNormal",
    "Uniform",
    "Upright",
    "Views",
    "Yaw",
    "base_of",
    "index",
    "kind_of",
    "middle",
    "share",
    "thresholds",
    "unscheduled",
]
