# What a newcomer types. Needs Python 3.11 or newer and make; everything else is installed into .venv from the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv)

PYTHON_VERSION ?= 3.12
QUICK := tests/registry tests/packaging tests/flows/bars tests/flows/gate tests/flows/recipes tests/flows/report

.DEFAULT_GOAL := help
.PHONY: help run up test test-slow test-python test-lowest check lint types types-of-tests test-s3 test-ui screenshots fuzz coverage mutants bench bench-gate bench-promotion bench-probability docs notebooks site lock clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.run ## one night through the Prefect flow; on your own files: make run DATA=path/to/folder
	@$(BIN)/retrain run --prefect $(if $(DATA),--data "$(DATA)")

up: $(VENV)/.run ## server, deployments, alerts and a worker until Ctrl-C; on another port: make up PORT=4300
	@$(if $(DATA),RETRAIN_DATA="$(DATA)") $(BIN)/retrain up $(if $(PORT),--port $(PORT))

# Whole files go to as many processes as there are cores, in the order of tests/conftest.py. Where the environment forbids to
# keep compiled files, each of a thousand processes would compile the project anew.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
CORES := -n auto --dist loadfile --no-loadscope-reorder

test: check ## lint, types and all tests
	@$(PYTEST) $(CORES)

test-slow: $(VENV)/.dev ## what takes long: kills at random moments, what browser and server ask for, every threshold
	@TEST_SLOW=1 $(PYTEST) $(CORES) tests/flows/operations/orchestrator/test_kills.py \
		tests/flows/operations/orchestrator/test_browser.py tests/flows/operations/orchestrator/test_offline.py \
		tests/flows/gate/nightly/test_calibration.py tests/flows/fleet/test_cluster.py

coverage: $(VENV)/.dev ## how much of registry/ its own tests reach, branches too (at least 95 %)
	@$(BIN)/python -m coverage run --source=registry -m pytest tests/registry \
		-k "not interleavings and not kills and not random and not faults_one"
	@$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=95

mutants: $(VENV)/.dev ## each check of the registry's write path removed: some test must fail (takes long; its fast part: python -m tests.mutants --fast)
	@$(BIN)/python -m tests.mutants

check: $(VENV)/.dev ## lint, format, types and import rules
	@$(MAKE) --no-print-directory -j 2 --output-sync lint types types-of-tests

lint:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache

types:
	@$(BIN)/mypy

types-of-tests:
	@$(BIN)/mypy --config-file tests/mypy.ini

test-python: ## the tests on another Python (needs uv and that interpreter): make test-python PYTHON_VERSION=3.13
	@command -v uv >/dev/null || { echo "uv is not installed: https://docs.astral.sh/uv/" >&2; exit 1; }
	@uv python find --no-python-downloads "$(PYTHON_VERSION)" >/dev/null 2>&1 || \
		{ echo "there is no Python $(PYTHON_VERSION) here: install it, then make test-python PYTHON_VERSION=$(PYTHON_VERSION)" >&2; exit 1; }
	uv venv -q --clear --no-python-downloads --python "$(PYTHON_VERSION)" $(VENV)-$(PYTHON_VERSION)
	uv pip install -q --python $(VENV)-$(PYTHON_VERSION) --require-hashes -r requirements-dev.lock
	uv pip install -q --python $(VENV)-$(PYTHON_VERSION) --no-deps -e .
	$(VENV)-$(PYTHON_VERSION)/bin/python -m pytest $(or $(TESTS),tests)

test-lowest: ## the registry's tests and quick ones of the flows with the lowest versions pyproject.toml allows (needs uv)
	@command -v uv >/dev/null || { echo "uv is not installed: https://docs.astral.sh/uv/" >&2; exit 1; }
	uv venv -q --clear --no-python-downloads --python 3.11 $(VENV)-lowest
	uv pip compile -q --resolution lowest-direct --python-version 3.11 --all-extras --group test pyproject.toml \
		-o $(VENV)-lowest/requirements.txt
	uv pip install -q --python $(VENV)-lowest -r $(VENV)-lowest/requirements.txt
	uv pip install -q --python $(VENV)-lowest --no-deps -e .
	$(VENV)-lowest/bin/python -m pytest $(or $(TESTS),$(QUICK))

test-ui: $(VENV)/.dev ## a night by hand, its report and an approval in a real browser (Debian's chromium, installed if root)
	@.ci/ui

screenshots: test-ui ## the pictures of docs/ui.md, as the browser's tests saw the pages
	$(VENV)/bin/python docs/screenshots.py

test-s3: $(VENV)/.dev ## the store's tests against a Ceph RADOS Gateway (Debian packages, installed if root)
	@.ci/rgw

SECONDS ?= 3600
fuzz: $(VENV)/.dev ## real inputs changed at random for an hour of one core, shared by all targets; corpus and finds in .fuzz: make fuzz SECONDS=200
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(TARGETS),--targets $(TARGETS))

bench: $(VENV)/.dev ## how fast everything is beside what people would use instead (12 minutes); a part: make bench PART=imports
	@$(BIN)/python -m benchmarks $(PART)

bench-gate: $(VENV)/.dev ## the gate's error rates and powers by simulation (20 minutes; a part: make bench-gate PART=firsts)
	@$(BIN)/python -m benchmarks.gate $(PART)

bench-promotion: $(VENV)/.dev ## promotion rules of others beside the gate (half an hour; a part: make bench-promotion PART=simulated)
	@$(BIN)/python -m benchmarks.promotion $(PART)

bench-probability: $(VENV)/.dev ## calibration and Brier skill of scores and probabilities on real bars (8 minutes)
	@$(BIN)/python -m benchmarks.probability

docs: $(VENV)/.dev ## write what the docs say of settings and modules anew
	@$(BIN)/python docs/configuration.py && $(BIN)/python docs/modules.py

notebooks: $(VENV)/.dev ## run the notebooks of examples/ and keep what their cells give
	@$(BIN)/python -m tests.examples.notebooks

# not --quiet: that would hide the warnings from --strict too
site: $(VENV)/.site ## the documentation as a site that needs no network: site/index.html
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html; with search: $(BIN)/python -m http.server --directory site"

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml
lock: ## resolve the lock files anew (needs uv)
	$(LOCK) --extra nights -o requirements.lock
	$(LOCK) --all-extras --group test -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group site -c requirements-dev.lock -o requirements-site.lock

clean: ## remove the environment and the caches; the registry in .retrain stays
	rm -rf $(VENV) $(VENV)-* .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist site

# With uv where it is there, else with pip, whose installation alone takes minutes on a busy machine. Wheels only: nothing is
# built here but this project itself. --no-deps: the lock names every package, so nothing is resolved; without it pip drops the
# pins of extras. Nothing is compiled ahead (a third of the size): what a command imports is compiled when it first does.
# uv reads UV_* and uv.toml, and not pip.conf: where it cannot install, pip does.
INSTALL := install --quiet --no-deps
LOCKED := --only-binary :all: --require-hashes
define install
	@if [ -n "$(UV)" ] && $(UV) pip $(INSTALL) --python $(BIN)/python $(1); then :; else \
		$(if $(UV),echo "uv could not install: now with pip" >&2; $(BIN)/python -m ensurepip >/dev/null;) \
		$(BIN)/python -m pip --disable-pip-version-check $(INSTALL) --no-compile $(1); fi
endef

$(VENV)/.run: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/it" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(if $(UV),$(UV) venv --quiet --seed --no-python-downloads --python $(PYTHON),$(PYTHON) -m venv) $(VENV)
	@test -e $(VENV)/.dev || echo "installing into $(VENV), once: $(if $(UV),some seconds with uv,a minute or two with pip; with uv (https://docs.astral.sh/uv/) seconds)"
	$(if $(wildcard $(VENV)/.dev),,$(call install,$(LOCKED) -r requirements.lock))
	$(call install,-e .)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing what the tests need into $(VENV)"
	$(call install,$(LOCKED) -r requirements-dev.lock)
	@touch $@

$(VENV)/.site: requirements-site.lock $(VENV)/.run
	@echo "installing what the site needs into $(VENV)"
	$(call install,--require-hashes -r requirements-site.lock)
	@touch $@
