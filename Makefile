# Two commands on a fresh machine: `make demo` runs the main job on embedded data, `make test` runs every check.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint types imports tests clean
.DELETE_ON_ERROR:

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch first and pinned: otherwise some package may pull a newer one with gigabytes of CUDA
.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) torch
	$(PIP) -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(PIP) -e ".[test]"
	touch $@

# one thread: the models are small, and threads that wait for each other cost more than they bring
demo: .venv/.installed
	OMP_NUM_THREADS=1 $(BIN)/labformer run load-forecast --out runs/demo --overwrite
	@echo "open runs/demo/report.html"

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# a link named after the package keeps the checks independent of the checkout's folder name
types: .venv/.installed-test
	mkdir -p .check && ln -sfn .. .check/labformer
	cd .check && ../$(BIN)/mypy --config-file ../pyproject.toml -p labformer

imports: .venv/.installed-test
	$(BIN)/lint-imports --no-cache

# two processes of one thread each: torch's threads would fight over the same cores
tests: .venv/.installed-test
	OMP_NUM_THREADS=1 MPLBACKEND=Agg $(BIN)/python -m pytest -n 2

test: lint types imports tests

clean:
	rm -rf .venv .check build *.egg-info
