# Everything runs in .venv; `make demo` and `make test` need Python 3.11+, make and git only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench

.PHONY: demo test check bench train wheel clean

demo: $(STAMP)
	$(BIN)/oneclick-sla demo --once

test: $(STAMP)
	$(BIN)/pytest --numprocesses=auto

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=adapters $(BIN)/lint-imports

# The wheel alone, in an environment that never saw this folder.
wheel: $(STAMP)
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/check-wheel-contents dist/*.whl
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	cd .venv-wheel && bin/oneclick-sla demo --once

bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks

# Fits the judges of sensitive data and of messages to what stands in training/ anew.
train: $(STAMP)
	$(BIN)/python -m pip install --quiet --group training
	$(BIN)/python -m training.sensitive.fit
	$(BIN)/python -m training.complaints.fit

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[postgresql]' --group dev
	touch $@

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

clean:
	rm -rf $(VENV) .venv-wheel dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
