# make PYTHON=python3.13 VENV=.venv313 test     another Python, beside the first
VENV ?= .venv
PYTHON ?=
ARGS ?=
PROJECT ?= -e .

BIN := $(VENV)/bin
# The first that is there and new enough; a name alone says nothing, as pyenv has shims for versions that it does not run.
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --extra embedded $(ARGS) pyproject.toml

# What is decided before a statement is run is the same on each PostgreSQL: who may ask, what HTTP is, and what a request says.
SAME_ON_EACH := $(patsubst %,--ignore=tests/api/test_%.py,asked_scopes auth_none bad_input bad_messages bad_refresh_tokens bad_tokens \
	body_limits contract cors every_answer outside_issuers outside_scopes pages request_ids_and_log scopes through_a_cache)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install oauth-libraries runtime serve test quick test-system-postgres matrix coverage check lint types house format lock openapi release-contract clients sql bench bench-pair bench-quick dist image-dry clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.dev ## everything for development, into $(VENV)

runtime: $(VENV)/.runtime ## what a server needs, into $(VENV)

oauth-libraries: tests/oauth/node_modules/.package-lock.json ## the OAuth library of Node that tests/api/test_oauth_libraries.py drives; needs npm

serve: $(VENV)/.runtime ## the server, with its own database unless DATABASE_URL is set (ARGS=--help)
	$(BIN)/taskwell serve $(ARGS)

test: $(VENV)/.dev ## all tests, on every core (ARGS="tests/rules -k url")
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

quick: $(VENV)/.dev ## the shortest of them: one case of each test of the API, the database and the rules, and no slow one
	$(BIN)/python -m pytest -q -n auto --dist worksteal --quick $(or $(ARGS),tests/api tests/database tests/rules tests/web)

test-system-postgres: $(VENV)/.dev ## the tests of what PostgreSQL does, on the system's newest in place of the embedded one (ARGS=tests: all of them)
	$(BIN)/python -m tests.support.system_postgres $(BIN)/python -m pytest -n auto --dist worksteal $(or $(ARGS),tests/api tests/database $(SAME_ON_EACH))

matrix: $(VENV)/.dev ## all tests on each Python and PostgreSQL of this machine, and a table of them (ARGS="tests/rules": some)
	$(BIN)/python -m tests.box.matrix $(ARGS)

coverage: $(VENV)/.dev ## all tests, and at least 95 % of the code run by them
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=95

check: lint types house ## format, lint, types and the house rules

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

house: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n auto --dist worksteal tests/house

format: $(VENV)/.dev ## puts right what `make check` says about format and lint, where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## the locked dependencies anew, after a change in pyproject.toml (ARGS=--upgrade: the newest versions); needs uv
	$(LOCK) --group build --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		tests/clients/requirements.in --output-file tests/clients/requirements.txt
	cd tests/clients && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
	@echo "The newest PostgreSQL that Taskwell knows of, in src/taskwell/database/embedded/programs.py:"
	@grep '^NEWEST_KNOWN' src/taskwell/database/embedded/programs.py
	@echo "Is there a newer one? See https://www.postgresql.org/support/versioning/, and set the date in any case."

openapi: $(VENV)/.dev ## contracts/openapi.json as the code has it; review the difference
	$(BIN)/python -m taskwell.api > contracts/openapi.json.new
	mv contracts/openapi.json.new contracts/openapi.json

release-contract: $(VENV)/.dev ## keeps contracts/openapi.json as the contract of this version, which later ones are held to
	cp contracts/openapi.json contracts/released/openapi-$$($(BIN)/python -c 'import taskwell; print(taskwell.__version__)').json

clients: .clients/.made ## the environment of tests/clients, with three client generators, into .clients; needs npm

sql: $(VENV)/.dev ## docs/sql.md as the code has it; review the difference
	$(BIN)/python -m tests.house.sql_page > docs/sql.md.new
	mv docs/sql.md.new docs/sql.md

bench: $(VENV)/.dev ## the benchmarks of docs/benchmarks.md
	$(BIN)/python -m bench $(ARGS)

bench-pair: $(VENV)/.dev ## this version against another one, in pairs: AGAINST=<revision or folder> (main)
	$(BIN)/python -m bench --against $(or $(AGAINST),main) $(ARGS)

bench-quick: $(VENV)/.dev ## a short run of them, to see that they work
	$(BIN)/python -m bench --quick $(ARGS)

dist: $(VENV)/.dev ## a release in dist/: the wheel and the sdist, looked through, installed into an empty environment and run
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	$(MAKE) --no-print-directory VENV=dist/.venv PROJECT=$$(echo dist/*.whl) runtime
	$(BIN)/python -m tests.box.released dist dist/.venv

image-dry: $(VENV)/.dev ## the steps of the Dockerfile and what it starts, in an empty root, where no engine is; needs root (ARGS=EMBEDDED=yes)
	unshare --mount --fork --kill-child $(BIN)/python -m tests.box.dry_image $(ARGS)

clean: ## removes what the other targets made, the environment included
	rm -rf $(VENV) .clients .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* dist contracts/openapi.json.new
	find src tests $(wildcard bench) -name __pycache__ -type d -prune -exec rm -rf {} +

# `make serve` on a fresh clone downloads only what the server needs; .dev holds all of that, so it counts for both.
$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.txt)
	@touch $(VENV)/.runtime $@

tests/oauth/node_modules/.package-lock.json: tests/oauth/package-lock.json
	cd tests/oauth && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error

.clients/.made: tests/clients/package.json tests/clients/package-lock.json tests/clients/requirements.txt | $(BIN)/python
	mkdir -p .clients
	cp tests/clients/package.json tests/clients/package-lock.json .clients/
	cd .clients && npm ci --ignore-scripts --no-audit --no-fund
	$(BIN)/python -m venv .clients/venv
	.clients/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/clients/requirements.txt
	@touch $@

$(BIN)/python:
	@found=""; for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$($$python -c 'import sys; print(sys.executable)'); break; \
		fi; \
	done; \
	if [ -z "$$found" ] && { [ -n "$(PYTHON)" ] || ! command -v uv >/dev/null; }; then \
		echo "Taskwell needs Python 3.11 or newer, and found none ($(PYTHONS)). Install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python "$${found:-3.13}" $(VENV); \
	else \
		"$$found" -m venv $(VENV); \
	fi

# Two steps, because pip refuses an editable project among hashes. An environment made by uv has no pip.
define install
	@echo "Installing $(1) into $(VENV)"
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(PROJECT); \
	else \
		{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PROJECT); \
	fi
endef
