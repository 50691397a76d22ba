# What a newcomer types. Needs Python 3.11 or newer and make; everything else is installed into .venv from the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run up test test-slow check test-s3 coverage mutants bench bench-gate docs lock clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.run ## one night through the Prefect flow; on your own files: make run DATA=path/to/folder
	@$(BIN)/retrain run --prefect $(if $(DATA),--data "$(DATA)")

up: $(VENV)/.run ## server, deployments, alerts and a worker until Ctrl-C; on another port: make up PORT=4300
	@$(if $(DATA),RETRAIN_DATA="$(DATA)") $(BIN)/retrain up $(if $(PORT),--port $(PORT))

test: check ## lint, types and all tests
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(VENV)/.dev ## what takes long: kills at random moments, what browser and server ask for, every threshold
	@RETRAIN_SLOW=1 $(BIN)/python -m pytest tests/flows/operations/orchestrator/test_kills.py \
		tests/flows/operations/orchestrator/test_browser.py tests/flows/operations/orchestrator/test_offline.py \
		tests/flows/gate/nightly/test_calibration.py

coverage: $(VENV)/.dev ## how much of registry/ its own tests reach, branches too (at least 95 %)
	@$(BIN)/python -m coverage run --source=registry -m pytest tests/registry \
		-k "not interleavings and not kills and not random and not faults_one"
	@$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=95

mutants: $(VENV)/.dev ## each check of the registry's write path removed: some test must fail (takes long; its fast part: python -m tests.mutants --fast)
	@$(BIN)/python -m tests.mutants

check: $(VENV)/.dev ## lint, format, types and import rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

test-ui: $(VENV)/.dev ## a night by hand, its report and an approval in a real browser (Debian's chromium, installed if root)
	@.ci/ui

test-s3: $(VENV)/.dev ## the store's tests against a Ceph RADOS Gateway (Debian packages, installed if root)
	@.ci/rgw

bench: $(VENV)/.dev ## how fast everything is beside what people would use instead (25 minutes); a part: make bench PART=imports
	@$(BIN)/python -m benchmarks $(PART)

bench-gate: $(VENV)/.dev ## the gate's error rates and powers by simulation (9 minutes)
	@$(BIN)/python -m benchmarks.gate

docs: $(VENV)/.dev ## write what the docs say of settings and modules anew
	@$(BIN)/python docs/configuration.py && $(BIN)/python docs/modules.py

lock: ## resolve the lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		-o requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		--extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean: ## remove the environment and the caches; the registry in .retrain stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

# --no-deps: the lock names every package, so nothing is resolved; without it pip drops the pins of extras
$(VENV)/.run: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/it" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -e $(VENV)/.dev || echo "installing into $(VENV) (a minute or so, once)"
	@test -e $(VENV)/.dev || $(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
