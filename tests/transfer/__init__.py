"""The tool that asks whether training on rendered images helps on photos."""
