# Every habit of this repository is one word. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
ARGS ?=
export PYTHON
# Bytecode is kept, whatever the machine's habit: who compiles all that it imports takes twice as long to start.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache

.PHONY: help set-up run test check check-style check-layers check-types check-schemas check-tidy bench chaos lock format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

set-up: ## Make .venv what requirements.lock says (the others do it by themselves)
	@.ci/set-up

run: ## Start everything and watch case reviews survive a kill [ARGS=--once]
	@.ci/set-up --broker
	@exec $(PY) -m penstock.examples.casework.demo $(ARGS)

test: ## Run the tests [ARGS="tests/decisions -x"]
	@.ci/set-up --broker
	@$(PY) -m pytest -n auto $(ARGS)

check: check-style check-layers check-types check-schemas check-tidy ## All that CI checks before the tests

check-style: set-up
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

check-layers: set-up
	.venv/bin/lint-imports

check-types: set-up
	.venv/bin/mypy
	.venv/bin/mypy tests bench
	.venv/bin/pyright

check-schemas: set-up
	$(PY) -m penstock.schemas.generate --check
	$(PY) -m penstock.schemas.registry

check-tidy: set-up
	$(PY) -m pytest -q tests/tidy

bench: ## Measure: make bench ARGS="casework|peers|runner|... [--quick]"
	@.ci/set-up --broker
	@$(PY) bench/run.py $(ARGS)

chaos: ## Break it on a schedule [ARGS="--seed 7 --quick | --rounds 200 --from 1 | --summary | --simulate --rounds 5000"]
	@.ci/set-up --broker
	@$(PY) -m tests.chaos.matrix $(ARGS)

format: set-up ## Let ruff lay out the code and mend what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Without index addresses, so that the lock is the same whoever's registry it was made from. ARGS=--upgrade renews all.
lock: ## Resolve requirements.lock anew from pyproject.toml [ARGS=--upgrade]
	@.ci/set-up
	.venv/bin/uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-emit-index-url --no-header --quiet $(ARGS) --output-file requirements.lock

clean: ## Remove what was made here: .venv, caches, dist (.penstock, with its data, stays)
	rm -rf .venv .bench-peers dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
