# Each target sets up what it needs, in .venv inside the checkout, from requirements locked with hashes.
# A second run does nothing twice: stamps in .venv remember which lock is installed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv
# Bytecode is cached as for any user; without it every start compiles the checkout anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak fuzz check bench build lock vectors peers clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt install python3-venv" >&2; exit 1; }

# Wheels only, and hashes for every file: nothing is built from source but this project itself.
define install
	@echo "installing $(1) into $(VENV)"
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r $(1)
	@$(PIP) install --quiet --no-build-isolation --no-deps --no-index --editable .
	@touch $@
endef

$(VENV)/demo.stamp: requirements/demo.txt pyproject.toml | $(BIN)/python
	$(call install,requirements/demo.txt)

# dev.txt holds all of demo.txt, at the same versions.
$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(call install,requirements/dev.txt)
	@touch $(VENV)/demo.stamp

demo: $(VENV)/demo.stamp ## the main job, for real, in a scratch directory
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py

peers: $(VENV)/dev.stamp ## the programs that tests compare with, built once into a cache
	@$(BIN)/python -m tests.servers.peers

test: $(VENV)/dev.stamp peers ## all tests, file by file on up to four processors (PYTEST_ARGS)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile \
	  --no-loadscope-reorder $(PYTEST_ARGS)

soak: $(VENV)/dev.stamp ## run for ten minutes under churn (SOAK_SECONDS, SOAK_CHANGES)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.soak

fuzz: $(VENV)/dev.stamp ## scanner, then templates, under atheris, which is installed for it (FUZZ_SECONDS each)
	@$(PIP) install --quiet atheris
	@$(BIN)/python -m tests.hooks.fuzz_atheris -max_total_time=$(or $(FUZZ_SECONDS),600) -rss_limit_mb=4096
	@$(BIN)/python -m tests.sealer.template.fuzz_atheris -max_total_time=$(or $(FUZZ_SECONDS),600) -rss_limit_mb=4096 -timeout=60

check: $(VENV)/dev.stamp ## lint, format, types, import rules, our own hooks on ourselves
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/sealer-scan
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/sealer-check

bench: $(VENV)/dev.stamp peers ## speed as ratios against a peer measured in the same run, and the scanner's accuracy
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.benchmarks

build: $(VENV)/dev.stamp ## the wheel and the source archive, in dist/
	@$(BIN)/python -m build --no-isolation

vectors: $(VENV)/dev.stamp ## write the test vectors anew
	@$(BIN)/python -m tests.vectors.generate

# Extras are kept: pip 23 takes the hashes of `coverage` for `coverage` alone, and would look for a `coverage[toml]` of its own.
UV_LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras
UV_COMPILE = $(UV_LOCK) --custom-compile-command "make lock" --extra all pyproject.toml

lock: $(VENV)/dev.stamp ## the lock files, from pyproject.toml and requirements/*.in
	@$(UV_COMPILE) requirements/demo.in -o requirements/demo.txt
	@$(UV_COMPILE) requirements/demo.in requirements/dev.in -o requirements/dev.txt
	@for peer in requirements/peers/*.in; do $(UV_LOCK) --custom-compile-command "make lock" "$$peer" -o "$${peer%.in}.txt"; done

clean: ## what the other targets made
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
