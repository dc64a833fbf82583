# make setup | demo | test | test-large | test-crash | bench | bench-gpu | bench-quality | lint | docs | docs-site | wheel

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-large test-crash bench bench-gpu bench-quality lint docs docs-site wheel clean

help:  ## say what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/'

setup: $(STAMP)  ## install vp2p into .venv, at the tested versions

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: setup  ## edit a small clip from start to end with the bundled model
	$(BIN)/vp2p demo

test: setup  ## run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 25

test-large: setup  ## take models of full size with random weights through every command (minutes, up to 21 GB of memory)
	$(BIN)/python -m pytest tests/large --large -s

test-crash: setup  ## mislead, damage, crowd and break off every command, thousands of times (about 40 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.crash --trials 1000 --processes 2
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.crash.broken

bench: setup  ## time a step of each stage, beside the straightforward form (about an hour on a CPU)
	mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.speed --against 3 --out build/speed-sprites.json
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.speed --model sd15 --steps 1 --stages none --against 1 --out build/speed-sd15.json

bench-gpu: setup  ## the same with Stable Diffusion 1.5's shapes on a GPU: 8 and 24 frames of 512x512 (minutes)
	mkdir -p build
	$(BIN)/python -m tests.speed --model sd15 --device cuda --dtype bf16 --side 512 --frames 8 24 --out build/speed-gpu.json

bench-quality: setup  ## edit drawn clips by every method and compare with the true answers (hours)
	$(BIN)/python -m vp2p.bench --out bench

lint: setup  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## write docs/commands.md from the commands' own help
	$(BIN)/typer vp2p.cli.app utils docs --name vp2p --title Commands --output docs/commands.md

docs-site: setup  ## build the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: setup  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## remove .venv and what was built
	rm -rf .venv build dist bench
