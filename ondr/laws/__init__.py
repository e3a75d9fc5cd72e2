"""Distributions as inverse CDFs: how a random word becomes a value.

A law object holds the kind and the initial parameters. The current ones are passed in, so that one expression evaluates
all quantities of a kind at once, and moving a law is a copy into a tensor. Continuous laws are differentiable in their
parameters. Discrete laws compare words with integer thresholds computed on the host, so that all devices agree.
"""

from ondr.laws.base import TWO_32 as TWO_32
from ondr.laws.base import Continuous as Continuous
from ondr.laws.base import Discrete as Discrete
from ondr.laws.base import Law as Law
from ondr.laws.base import index as index
from ondr.laws.base import thresholds as thresholds
from ondr.laws.compound import Schedule as Schedule
from ondr.laws.compound import Sometimes as Sometimes
from ondr.laws.compound import base_of as base_of
from ondr.laws.compound import kind_of as kind_of
from ondr.laws.compound import middle as middle
from ondr.laws.compound import unscheduled as unscheduled
from ondr.laws.continuous import Constant as Constant
from ondr.laws.continuous import Elevation as Elevation
from ondr.laws.continuous import LogUniform as LogUniform
from ondr.laws.continuous import Normal as Normal
from ondr.laws.continuous import TruncatedNormal as TruncatedNormal
from ondr.laws.continuous import Uniform as Uniform
from ondr.laws.discrete import AnyOf as AnyOf
from ondr.laws.discrete import Bernoulli as Bernoulli
from ondr.laws.discrete import Choice as Choice
from ondr.laws.discrete import Cycle as Cycle
from ondr.laws.discrete import First as First
from ondr.laws.discrete import Integers as Integers
from ondr.laws.discrete import share as share
from ondr.laws.rotations import SO3 as SO3
from ondr.laws.rotations import Resting as Resting
from ondr.laws.rotations import Upright as Upright
from ondr.laws.rotations import Views as Views
from ondr.laws.rotations import Yaw as Yaw
