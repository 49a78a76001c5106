# `make` alone lists the targets. The virtual environment is built once, from locked files with hashes:
# .venv/.runtime is the run-time closure (enough for `make demo`), .venv/.dev adds what tests and checks need.

VENV  := .venv
BIN   := $(VENV)/bin
PY    := $(BIN)/python
RUNTIME := $(VENV)/.runtime
DEV   := $(VENV)/.dev
PIP   := $(PY) -m pip --disable-pip-version-check --no-input -q
ARGS  ?=
ROUNDS ?= 1000

.DEFAULT_GOAL := help
.PHONY: help dev demo test test-all lint fix bench interop vectors contracts crash docs api package lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(RUNTIME): requirements.lock pyproject.toml scripts/find-python.sh
	@python="$$(sh scripts/find-python.sh)" && { test -x $(PY) && $(PY) -c '' || "$$python" -m venv --clear $(VENV); }
	@echo "installing the run-time closure into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "installing the development tools into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

dev: $(DEV) ## build .venv from the development lock

demo: $(RUNTIME) ## issue, hold, present, verify, revoke: the whole story, on this machine
	@$(PY) -m examples.quickstart $(ARGS)

test: $(DEV) ## the fast tests, no network
	$(PY) -m pytest -q -m "not slow and not interop and not browser" $(ARGS)

test-all: $(DEV) ## every test, slow ones and other implementations included
	$(PY) -m pytest -q $(ARGS)

lint: $(DEV) ## format check, lint, strict types, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PY) -m pytest -q tests/unit/test_import_direction.py

fix: $(DEV) ## format and apply safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

vectors: $(DEV) ## replay the published vectors and print how many ran, per folder
	$(PY) -m pytest -q tests/vectors --vectors-complete $(ARGS)

interop: $(DEV) ## matrix of peer x format x direction
	$(PY) -m tests.interop $(ARGS)

bench: $(DEV) ## measure against the bare primitive and the peers; writes docs/benchmarks.md
	$(PY) -m tests.bench $(ARGS)

contracts: $(DEV) ## ledger backends under faults: backend x fault x rounds x violations (ARGS="--rounds 25")
	$(PY) -m tests.contracts $(ARGS)

crash: $(DEV) ## kill at random during issue, revoke and append (ROUNDS=1000)
	$(PY) -m tests.tools.crash --rounds $(ROUNDS) $(ARGS)

docs: $(DEV) ## run every command and link that the documentation shows
	$(PY) -m pytest -q tests/docs $(ARGS)

api: $(DEV) ## write the public names and signatures anew, after a change that is meant
	@$(PY) -m tests.unit.api_snapshot

package: $(DEV) ## build wheel and source archive twice, compare, add the bill of materials, try the wheel
	$(PY) scripts/build_package.py

lock: $(RUNTIME) ## resolve the locked requirements again (needs a package index)
	sh scripts/lock.sh

clean: ## remove what these targets made
	rm -rf $(VENV) build dist .demo .ceremony .bench .interop .mypy_cache .ruff_cache .pytest_cache .hypothesis
