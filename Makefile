# `make` alone lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST_FLAGS ?= -n auto --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format simulate strict fuzz faults soak bench docs verify chart image cluster-assets lock clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## the command and all that its tests need, into .venv

$(INSTALLED): pyproject.toml requirements/dev.txt requirements/runtime.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer with venv is needed; name one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## see it work on this machine; DEMO_SECONDS=30 ends it by itself
	@$(BIN)/secret-refresher demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: install ## the tests; STRICT=1 makes a missing part a failure instead of a skip
	$(BIN)/pytest $(PYTEST_FLAGS)

lint: install ## style, types and the directions of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## bring the code into form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: install ## INPUTS random inputs for all parsers, from SEED; ONLY="token answer" for one
	@PYTHONPATH=tests $(BIN)/python -m support.fuzzing $(if $(INPUTS),--inputs $(INPUTS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)")

faults: install ## try every fault on a running daemon, and write docs/reliability.md; ONLY=text for some
	@KUBEBUILDER_ASSETS="$$(tools/cluster/build)" PYTHONPATH=tests:. \
		$(BIN)/python -m tools.faults $(if $(ONLY),--only "$(ONLY)")

simulate: install ## years in a simulated world, by seed; SEEDS=1000 FIRST_SEED=7 PROFILE=calm
	@PYTHONPATH=tests $(BIN)/python -m tools.simulate $(if $(SEEDS),--seeds $(SEEDS)) \
		$(if $(FIRST_SEED),--first $(FIRST_SEED)) $(if $(LIVES),--lives $(LIVES)) $(if $(PROFILE),--profile $(PROFILE)) \
		$(if $(DAYS),--days $(DAYS)) $(if $(JOBS),--jobs $(JOBS))

strict: install ## break promises in a copy: does the simulation see it? Writes docs/simulation.md; ONLY=text for some
	@PYTHONPATH=tests:. $(BIN)/python -m tools.strict $(if $(ONLY),--only "$(ONLY)")

soak: install ## REFRESHES refreshes, 200,000 unless named: does anything grow? Draws docs/pictures/soak.svg
	@PYTHONPATH=tests:. $(BIN)/python -m tools.soak $(if $(REFRESHES),--refreshes $(REFRESHES))

bench: install ## measure against the smallest program that does the same job; BENCH="--report start memory"
	$(BIN)/python -m bench $(BENCH)

verify: lint ## all that must hold before a change lands: lints, strict tests, demo
	tools/authorization/build
	KUBEBUILDER_ASSETS="$$(tools/cluster/build)" STRICT=1 $(MAKE) test
	DEMO_SECONDS=30 $(MAKE) demo

docs: install ## build the site of the documents into build/site; a broken link fails
	$(BIN)/sphinx-build -q -W --keep-going -n -c docs . build/site
	@echo "open build/site/docs/index.html"

chart: install ## the chart's tests, with a real Helm and API server where there are any
	$(BIN)/pytest $(PYTEST_FLAGS) tests/chart

image: ## build the container image with docker, podman or buildah
	tools/image/build

cluster-assets: ## build the API server, etcd, kubectl and helm that cluster tests use
	@tools/cluster/build

lock: install ## resolve the dependencies anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --upgrade --output-file requirements/runtime.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --upgrade --constraint requirements/runtime.txt \
		--group dev --output-file requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --constraint requirements/dev.txt \
		--group build --output-file requirements/build.txt

clean: ## remove what was built here
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
