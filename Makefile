# What can be done here. `make` alone prints it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# PORT= and DATA= of the command line win over ISOTOPE_PORT and ISOTOPE_DATA of the environment.
ifdef PORT
export ISOTOPE_PORT := $(PORT)
endif
ifdef DATA
export ISOTOPE_DATA := $(DATA)
endif

.PHONY: help run test check format bench replay lock clean clean-data

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	echo
	echo "  PORT=8081      another port than 8080, with make run"
	echo "  DATA=folder    another data folder than ./data"
	echo "  TESTS=path     some tests only, with make test"
	echo "  ISOTOPE_DATABASE_URL=postgresql://...   a PostgreSQL server instead of the embedded one"

run: $(VENV)/run.lock ## start everything: PostgreSQL, API, gateway, worker, the demo city and its traffic
	@export ISOTOPE_MODE=$${ISOTOPE_MODE:-demo}
	exec $(BIN)/isotope up

test: $(VENV)/dev.lock ## every test, on the embedded PostgreSQL (ISOTOPE_TEST_DATABASE_URL: on a server)
	@$(BIN)/pytest -n auto $(TESTS)

check: $(VENV)/dev.lock ## lint, format, strict types, import arrows
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/dev.lock ## put the code into its form
	@$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/dev.lock ## measure, each figure beside its floor (minutes)
	@$(BIN)/python -m bench

replay: $(VENV)/dev.lock ## ride some 500 real scooter trips through the running system
	@$(BIN)/python -m tests.journeys.kit.replay

lock: $(VENV)/dev.lock ## pin the newest dependencies that pyproject.toml allows
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"
	options="--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade"
	$(BIN)/uv pip compile $$options pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $$options --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove what was built; the data folder stays
	@rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## remove the data folder: every operator, rider and ride in it
	@folder="$${ISOTOPE_DATA:-data}"
	test ! -e "$$folder" || { read -r -p "Remove $$folder with everything in it? [y/N] " yes && test "$$yes" = y && rm -rf "$$folder"; }

# Installed again only when the list of packages changed, not when its date did.
$(VENV)/run.lock: requirements.lock pyproject.toml
	@cmp -s requirements.lock $(VENV)/dev-run.lock || cmp -s $< $@ || ./.ci/install "$(PYTHON)" $(VENV) $<
	cp $< $@

$(VENV)/dev.lock: requirements-dev.lock requirements.lock pyproject.toml
	@cmp -s $< $@ || ./.ci/install "$(PYTHON)" $(VENV) $<
	cp $< $@
	cp requirements.lock $(VENV)/dev-run.lock
