# Every command of this project. Bare `make` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# PyTorch's own CPU index, where no CPU build is at hand: make setup PIP_FLAGS="--extra-index-url URL"
PIP_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test prove lint format bench pictures schema real clean

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" PIP_FLAGS="$(PIP_FLAGS)" bash deploy/setup.sh

setup: $(VENV)/.ready ## Make the virtual environment with everything in it, and the embedding model

run: setup ## Start the hub with the demo brand on the embedded store: http://127.0.0.1:8470
	@$(BIN)/tutti run --demo

test: setup ## Run every test
	@bash deploy/test.sh "$(BIN)"

prove: setup ## Run the long proofs of the laws, 1,000 random sequences each; takes a while
	TUTTI_HYPOTHESIS=explore $(BIN)/python -m pytest -m prove tests

lint: setup ## ruff, mypy --strict, the import contract, the printed schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tutti schema --check

format: setup ## Put the code into one shape
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

bench: setup ## Measure: latency, ingest and query cost, as ratios of one run
	$(BIN)/python -m benchmarks

pictures: setup ## Take the documentation's screenshots anew, in a real browser, into docs/images
	$(BIN)/python deploy/screenshots.py

schema: setup ## Print the GraphQL schema into schema/schema.graphql
	$(BIN)/tutti schema

real: setup ## Import the real retail data: make real FILE=path/to/online_retail.parquet
	@test -n "$(FILE)" || { echo "say where the file lies: make real FILE=path/to/online_retail.parquet"; exit 2; }
	TUTTI_DATA_DIR=.tutti/online_retail $(BIN)/tutti import "$(FILE)" --mapping examples/online_retail/mapping.toml

clean: ## Remove the virtual environment and the demo's data
	rm -rf $(VENV) .tutti
