"""The tool that asks whether training on rendered images helps on photos."""

# From here on, the examples are found by their bare names.
from benchmarks.transfer import EXAMPLES as EXAMPLES
