"""Fixed sets of images on disk, in the formats that others read: what `ondr export` does."""

from ondr.export.formats import FORMATS as FORMATS
from ondr.export.write import Written as Written
from ondr.export.write import write as write
