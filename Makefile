# allybin: every target sets itself up; nothing but make, sh and Python 3.12+ is needed.

SHELL := /bin/sh
RUN := .venv/bin/python -m
# Workers of the test run: one a core, at most four.
PYTEST_FLAGS ?= -n auto --maxprocesses 4
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup:  ## make .venv ready (instant when it already is)
	@sh scripts/setup.sh

demo: setup  ## propose bins for a shipped batch of real notifications
	@.venv/bin/allybin demo

test: setup  ## run every test
	@$(RUN) pytest $(PYTEST_FLAGS)

check: setup  ## formatting, lint, types, import contracts, then every test
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy --strict app optimizer
	.venv/bin/lint-imports
	@$(RUN) pytest $(PYTEST_FLAGS)

bench: setup  ## measure speed and quality on generated batches
	@if [ -d benchmarks ]; then $(RUN) benchmarks; \
	else echo "There is no benchmarks folder yet." >&2; exit 1; fi

# Needs uv. Both locks hold the same versions: the first for work, the second to ship.
UV ?= uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	pyproject.toml

lock:  ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --group dev --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock

clean:  ## remove everything that can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage \
		htmlcov build dist out
	find app optimizer tests -name __pycache__ -type d -prune -exec rm -rf {} +
