# Two commands do all the set-up: `make app` (or `make app PORT=8600`) serves the page,
# `make test` runs every test.
VENV ?= .venv
PYTHON ?= python3
PORT ?= 8501
BIN := $(VENV)/bin

.PHONY: app test units browser check bench mutants versions campaign clean

app: $(VENV)/runtime
	$(BIN)/rs app --port $(PORT)

test: $(VENV)/dev
	$(MAKE) units
	$(MAKE) browser

units: $(VENV)/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --ignore=tests/browser

browser: $(VENV)/dev
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -rs tests/browser

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks $(if $(MNIST),--mnist $(MNIST))

mutants: $(VENV)/dev
	$(BIN)/python -m tests.mutants

versions:  # LOWEST and NEWEST name a Python each
	scripts/versions.sh lowest $(LOWEST)
	scripts/versions.sh newest $(NEWEST)

campaign: $(VENV)/dev
	RS_KILLS=50 $(BIN)/python -m pytest tests/training/test_kills.py
	RS_HUNTED=2000 $(BIN)/python -m pytest tests/attacks/test_hunt.py
	RS_STATEMENTS=20000 $(BIN)/python -m pytest -s tests/guarantees/test_false_statements.py
	RS_LOW_BITS=200 $(BIN)/python -m pytest tests/smoothing/test_low_bits.py
	RS_NORMALS=1e10 $(BIN)/python -m pytest tests/smoothing/test_noise.py
	RS_PATHS=10000000 $(BIN)/python -m pytest tests/test_seeding.py
	$(BIN)/python -m scripts.measurements run $(if $(MNIST),--mnist $(MNIST)) $(if $(CIFAR10),--cifar10 $(CIFAR10))
	$(MAKE) versions

$(VENV)/runtime: requirements.txt constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
