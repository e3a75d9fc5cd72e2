"""Does it transfer? Small networks that have seen nothing but the stream, scored on labelled photos.

python -m benchmarks.transfer detect --meshes fruit/ --photos real/ --labels real.coco.json --minutes 15

What is trained, and the loop that trains it, are those of examples/: what a user has is what is measured.
"""

import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
# The examples are programs that import each other by bare names.
if str(EXAMPLES) not in sys.path:
    sys.path.insert(0, str(EXAMPLES))
