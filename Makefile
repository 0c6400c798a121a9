# `make demo` and `make test` set everything up: they need Python 3.11 or newer, and make.
# uv does the work: the one on PATH if it is new enough, else one in .tools/ that pip installs.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.9
UV_OLDEST := 0.13.0
KEPT_UV := .tools/uv/bin/uv
ifndef UV
UV := $(shell found=$$(command -v uv) && version=$$(uv --version 2>/dev/null | cut -d' ' -f2) \
	&& printf '%s\n' $(UV_OLDEST) "$$version" | sort -V -C && echo "$$found")
ifeq ($(UV),)
UV := $(CURDIR)/$(KEPT_UV)
UV_READY := $(KEPT_UV)
endif
endif
export UV
# One environment, here, whatever else is active in the shell.
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_COMPILE_BYTECODE := 1
# The tests start hundreds of programs, and each would compile everything anew.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
LABEL_STUDIO := .goldloop/label-studio
LABEL_STUDIO_VERSION := 1.23.2
LOCKED := pyproject.toml uv.lock
PROMPTFOO := .tools/promptfoo
PROMPTFOO_LOCKED := tests/sync/exports/promptfoo/package.json tests/sync/exports/promptfoo/package-lock.json

# make demo: SIMULATE=1 DATA=runs.jsonl PORT=8080 BACKEND_PORT=9090 DIR=.goldloop/demo
DEMO_FLAGS = $(if $(filter-out 0,$(SIMULATE)),--simulate) \
	$(if $(DATA),--data "$(DATA)") \
	$(if $(PORT),--port "$(PORT)") \
	$(if $(BACKEND_PORT),--backend-port "$(BACKEND_PORT)") \
	$(if $(DIR),--directory "$(DIR)")
# make test: ARGS="-k consensus -x"
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: .venv/goldloop-run ## See it work: SIMULATE=1 DATA=path PORT=8080 BACKEND_PORT=9090 DIR=.goldloop/demo
	@exec $(BIN)/goldloop demo $(DEMO_FLAGS)

.PHONY: test
# Three on two cores: a third of the time they wait. numpy's own threads would only wait for each other.
test: export OMP_NUM_THREADS := 1
test: setup label-studio ## Run the tests against a real Label Studio: ARGS="-k consensus"
	@exec $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: static test ## The checks and the tests; CI also runs make site and make promptfoo

.PHONY: static
static: setup ## The checks that run nothing: format, lint, types, imports, lock
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	"$$UV" lock --check

.PHONY: format
format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: docs
docs: setup ## Write the pages of docs/ that are made from the program anew
	$(BIN)/python docs/commands.py
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/file_formats.py

.PHONY: plots
plots: setup ## Run the benches that the explanations quote, and draw their plots anew: long
	$(BIN)/python docs/plots.py --run

.PHONY: site
site: setup ## Build the documentation as static pages into site/
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs site

.PHONY: setup
setup: .venv/goldloop-dev ## Install Goldloop and its development tools into .venv

.PHONY: label-studio
label-studio: .venv/goldloop-run ## Install Label Studio, for the demo and the tests
	@$(BIN)/python -m sync.labelstudio $(LABEL_STUDIO)

.PHONY: promptfoo
promptfoo: $(PROMPTFOO)/installed ## Install promptfoo, which the tests let read our exports: npm, Linux x86-64, 0.5 GB

.PHONY: lock-promptfoo
lock-promptfoo: setup ## Lock promptfoo and all that it needs, anew
	cd $(dir $(firstword $(PROMPTFOO_LOCKED))) && rm -f package-lock.json && npm install \
		--package-lock-only --ignore-scripts --omit-lockfile-registry-resolved=false --loglevel=error
	$(BIN)/python -m tests.sync.exports.promptfoo.lock $(lastword $(PROMPTFOO_LOCKED))

# Outside the checkout: inside, uv would apply our overrides to Label Studio's requirements.
.PHONY: lock-label-studio
lock-label-studio: | $(UV_READY) ## Lock Label Studio and all that it needs, anew
	cd / && echo 'label-studio==$(LABEL_STUDIO_VERSION)' | "$$UV" pip compile - --quiet --upgrade \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command 'make lock-label-studio' \
		--output-file "$(CURDIR)/sync/labelstudio/label-studio.txt"

.PHONY: clean
clean: ## Remove what was installed and cached; keeps the demo's data and your store
	rm -rf .venv .tools $(LABEL_STUDIO) .goldloop/label-studio-template
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are inside .venv, so they go when it goes. --inexact leaves the development tools.
.venv/goldloop-run: $(LOCKED) | $(UV_READY)
	@echo "Installing Goldloop into .venv"
	@"$$UV" sync --quiet --locked --no-dev --inexact
	@touch $@

.venv/goldloop-dev: $(LOCKED) | $(UV_READY)
	@echo "Installing Goldloop and its development tools into .venv"
	@"$$UV" sync --quiet --locked
	@touch .venv/goldloop-run $@

# No package may run a program of its own: none of them has to.
$(PROMPTFOO)/installed: $(PROMPTFOO_LOCKED)
	@echo "Installing promptfoo into $(PROMPTFOO)"
	@command -v npm >/dev/null || { \
		echo "promptfoo needs npm (on Debian: apt install npm)" >&2; \
		exit 1; }
	@rm -rf $(PROMPTFOO) && mkdir -p $(PROMPTFOO) && cp $^ $(PROMPTFOO)
	@cd $(PROMPTFOO) && npm ci --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(KEPT_UV):
	@echo "Installing uv $(UV_VERSION) into .tools"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Goldloop needs Python 3.11 or newer, but $(PYTHON) is older; name another with PYTHON=" >&2; \
		exit 1; }
	@$(PYTHON) -m venv --clear .tools/uv || { \
		echo "Python cannot make a virtual environment (on Debian: apt install python3-venv)" >&2; \
		exit 1; }
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
