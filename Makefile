# Everything runs in a virtual environment of its own; `make demo PIP_ARGS="..."` passes options to pip.
PYTHON ?= python3
VENV ?= .venv
VENV_ARGS ?=
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
PIP_ARGS ?=

.PHONY: demo test shapes slow lint types check docs gpu-check clean clean-kernels
.DEFAULT_GOAL := demo

# The stamp is as old as the files that say what to install.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV_ARGS) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --constraint $(CONSTRAINTS) torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --constraint $(CONSTRAINTS) --editable ".[test,examples]"
	touch $@

demo: $(VENV)/installed
	$(BIN)/python -m ondr demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto

# The fast tests again, with the shapes and types in annotations checked at every call.
shapes: $(VENV)/installed
	ONDR_TYPECHECK=1 $(BIN)/python -m pytest -n auto

slow: $(VENV)/installed
	$(BIN)/python -m pytest -m "slow and not cuda"

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

check: test shapes slow lint types

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --constraint $(CONSTRAINTS) --editable ".[docs]"
	touch $@

# The site, in the folder site/: open site/index.html in a browser, or `$(BIN)/mkdocs serve` to write with it.
docs: $(VENV)/installed-docs
	$(BIN)/mkdocs build --strict

# All that needs a GPU, with whatever $(PYTHON) has installed: tests, speed, and what the stream costs a training loop.
# From the checkout, whether or not it is installed.
gpu-check: export PYTHONPATH := $(CURDIR):$(PYTHONPATH)
gpu-check:
	ONDR_REQUIRE_CUDA=1 $(PYTHON) -m pytest -m cuda
	$(PYTHON) benchmarks/throughput.py --device cuda --json benchmarks/results/cuda.json
	$(PYTHON) benchmarks/training_step.py --device cuda --json benchmarks/results/training_step_cuda.json
	$(PYTHON) benchmarks/peers/against_jpeg_folder.py --device cuda --workers 16 --json benchmarks/results/jpeg_folder_cuda.json

clean-kernels:
	find ondr -name '*.nbi' -delete -o -name '*.nbc' -delete

clean: clean-kernels
	rm -rf $(VENV) build dist site preview.png
