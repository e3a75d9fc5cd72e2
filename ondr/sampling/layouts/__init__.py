"""Where things are: one file for each layout, and `arrange`, which runs the one that a config names."""

from ondr.sampling.layouts.arrangement import arrange as arrange
from ondr.sampling.layouts.things import Placement as Placement
from ondr.sampling.layouts.things import Things as Things
