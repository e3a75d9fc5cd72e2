"""What may be set, one file for each part of a scene; each setting is documented where it stands."""

from ondr.settings.labels import Output as Output
from ondr.settings.material import SOURCES as SOURCES
from ondr.settings.section import Layout as Layout
from ondr.settings.section import Section as Section
from ondr.settings.tree import Settings as Settings
from ondr.settings.unlabelled import SHAPES as SHAPES
