# Everything a checkout can do. Needs Python >= 3.11 with venv, and make; `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# Written when an installation is complete. What changes them is what an installation reads.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PROJECT := pyproject.toml web/build_hook.py

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.PHONY: help demo serve test check fix web lock screenshots stateful chaos bench clean
.PHONY: install install-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## Install, then run the loop on 1,797 real images with simulated workers (ARGS="--no-serve --seed 7")
	@$(BIN)/crowd-hitl demo $(ARGS)

serve: install ## Install, then serve API and pages (ARGS="--data DIR --port 8000")
	@$(BIN)/crowd-hitl serve $(ARGS)

test: install-dev ## Install, then run all tests, TESTERS (2) files at a time (ARGS="-k assigning" for some)
	@$(BIN)/python web/build_hook.py npm test
	@$(BIN)/python -m pytest --numprocesses $(or $(TESTERS),2) --dist loadfile $(ARGS)

check: install-dev ## Lint, format, types (Python and TypeScript), import contracts and house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python web/build_hook.py npm run check
	@$(BIN)/python -m pytest --quiet tests/test_house.py

fix: install-dev ## Let ruff repair and format what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The build hook knows by a checksum whether there is anything to do; what it says matters only when it fails.
define build_web
@$(BIN)/python web/build_hook.py 2>$(VENV)/.web-build.log || { cat $(VENV)/.web-build.log >&2; exit 1; }
endef

install: $(RUNTIME)
	$(build_web)

install-dev: $(DEV)
	$(build_web)

web: $(RUNTIME) ## Build the browser side into crowd_hitl/static/dist
	@$(BIN)/python web/build_hook.py

lock: $(DEV) ## Write the lock files anew (LOCK_ARGS=--upgrade for newer versions)
	$(LOCK) $(LOCK_ARGS) --group tools --output-file requirements-tools.lock
	$(LOCK) $(LOCK_ARGS) pyproject.toml --group build --output-file requirements.lock
	$(LOCK) $(LOCK_ARGS) pyproject.toml --group build --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock

screenshots: install-dev ## Take pictures of the pages at desktop and phone width
	@$(BIN)/python -m tests.screenshots $(ARGS)

stateful: install-dev ## Drive all services at random against a model (ARGS="--steps 10000 --machine-seed 7")
	@$(BIN)/python -m pytest -s tests/stateful $(if $(ARGS),$(ARGS),--steps 10000)

chaos: install-dev ## 64 clients while servers are killed for 10 minutes (ARGS="--seconds 60 --seed 7 --database both")
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: install-dev ## Measure the hot path (ARGS="--database postgresql"); benchmarks.size has its own command
	@$(BIN)/python -m benchmarks.serving $(ARGS)

clean: ## Remove what was installed and built here (not your data)
	rm -rf $(VENV) .cache web/node_modules crowd_hitl/static/dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find crowd_hitl tests web -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in seconds what takes pip a minute. Where uv finds no index (a mirror that only pip is told of), pip does it.
define install_locked
	@echo "Installing $(1) into $(VENV) …"
	@{ $(BIN)/python -m pip install --quiet --require-hashes -r requirements-tools.lock \
		&& $(BIN)/uv --quiet pip install --python $(BIN)/python --require-hashes -r $(1); } \
		|| { echo "uv could not; pip does it, which takes a minute or two."; \
			$(BIN)/python -m pip install --quiet --require-hashes -r $(1); }
	@echo "Building the browser side …"
	@$(BIN)/python web/build_hook.py # before pip runs it, because pip would bury its words
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endef

$(RUNTIME): $(VENV)/pyvenv.cfg requirements.lock requirements-tools.lock $(PROJECT)
	$(call install_locked,requirements.lock)
	@touch $@

$(DEV): $(VENV)/pyvenv.cfg requirements-dev.lock requirements-tools.lock $(PROJECT)
	$(call install_locked,requirements-dev.lock)
	@touch $@ $(RUNTIME) # the development lock holds all of the runtime's

# Each candidate is run, not only found: a version manager leaves commands on PATH that start nothing.
# Named after pyvenv.cfg: bin/python is a link whose age is that of the system's Python.
$(VENV)/pyvenv.cfg:
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$python" --version) …"; \
			rm -rf $(VENV); "$$python" -m venv $(VENV) && exit 0; \
		fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found (on Debian and Ubuntu: the package python3-venv)." >&2; \
	echo "If you have one, name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1
