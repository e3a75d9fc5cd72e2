"""From visibility and scene to targets: which objects are visible, where, and how much of them.

All labels come from unfiltered ids at pixel centres, so that antialiasing and blur never move a box. An object without
a visible pixel is a hole: label -1, everything else 0. So is one below the limits of `labels.*`, unless `ignored` is
among the outputs to mark it. The same code runs on every device.
"""

from ondr.labels.fields import label as label
