"""The settings, one file for each part of a scene; every setting is described where it is defined."""

from ondr.settings.labels import Output as Output
from ondr.settings.material import SOURCES as SOURCES
from ondr.settings.section import Layout as Layout
from ondr.settings.section import Section as Section
from ondr.settings.tree import Settings as Settings
from ondr.settings.unlabelled import SHAPES as SHAPES
