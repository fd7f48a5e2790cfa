# allybin: every target sets itself up; nothing but make, sh and Python 3.12+ is needed.

SHELL := /bin/sh
RUN := .venv/bin/python -m
# Workers of the test run: one a core, at most four. Each begins with whole modules, so
# that a server or a browser that a module shares is started once, and takes work over
# from another when it has none left.
PYTEST_FLAGS ?= -n auto --maxprocesses 4 --dist worksteal
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check bench bench-service bench-page pictures faults lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

setup:  ## make .venv ready (instant when it already is)
	@sh scripts/setup.sh

demo: setup  ## propose bins for a shipped batch of real notifications
	@.venv/bin/allybin demo

serve: setup  ## serve the API and its review page on this machine
	@.venv/bin/allybin serve

test: setup  ## run every test
	@$(RUN) pytest $(PYTEST_FLAGS)

check: setup  ## formatting, lint, types, import contracts, then every test
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy --strict app optimizer
	.venv/bin/lint-imports
	@$(RUN) pytest $(PYTEST_FLAGS)

# The short form takes about two minutes; FULL=1 takes hours, and draws what the docs show.
# INSTANCES names a folder of published instances; without it none is run.
BENCH := .venv-bench/bin/python -m benchmarks
INSTANCES ?= instances
ifdef FULL
RESULTS ?= bench-results/full
PICTURES ?= docs/pictures
PEERS := --seeds 1 2
SCALE := --seeds 1 2
else
RESULTS ?= bench-results/short
PICTURES ?= $(RESULTS)
PEERS := --sizes 50:5 500:90 --policies nato-all dense --seeds 1 --time-limit 8 --methods \
	groupby groupby-repaired agglomerative savings cbc highs cp-sat allybin
SCALE := --sizes 300:5 2000:365 --policies nato-all --time-limit 10
endif

bench: setup  ## measure beside what a user could pick instead (FULL=1: all sizes)
	@sh benchmarks/setup.sh
	@$(BENCH) peers --results $(RESULTS) $(PEERS)
	@$(BENCH) scale --results $(RESULTS) $(SCALE)
	@$(BENCH) published --results $(RESULTS) --instances $(INSTANCES)
	@$(BENCH) plots --results $(RESULTS) --out $(PICTURES)

bench-service: setup  ## load the service on both databases, and print how quick it is
	@$(RUN) benchmarks.service

bench-page: setup  ## time every page of a plan of 10,000 requests, and its first paint
	@$(RUN) benchmarks.page

pictures: setup  ## draw the pictures of the review page anew, on the shipped batch
	@$(RUN) pytest -q tests/web/test_whole_path_browser.py --pictures docs/pictures

faults: setup  ## kill, cut off and overload the service at full figures (an hour and a half)
	@$(RUN) tests.faults.promises

# Needs uv. All locks hold the same versions: for work, to ship, and for benchmarks.
UV ?= uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	pyproject.toml

lock:  ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --group dev --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock
	$(COMPILE) --constraint requirements.lock --extra cluster --group bench \
		--output-file requirements-bench.lock

clean:  ## remove everything that can be made again
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.coverage bench-results htmlcov build dist out
	find app optimizer benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +
