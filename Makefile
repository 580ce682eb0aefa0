# Every target sets up what it needs by itself: Python 3.11 or newer, git and make are enough.

VENV := .venv
PYTHON := $(VENV)/bin/python
COMMAND := $(VENV)/bin/campaign-monitor
READY := $(VENV)/.ready
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: setup demo sync check doctor dev report compact forget bench test test-slow test-all coverage definitions docs lint format clean

setup: $(READY)

$(READY): setup.cfg constraints.txt
	@$(or $(BASE_PYTHON),python3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed; name one with BASE_PYTHON=python3.12'; exit 1; }
	$(or $(BASE_PYTHON),python3) -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)
	$(COMMAND) demo

sync: $(READY)
	$(COMMAND) sync

check: $(READY)
	$(COMMAND) check

doctor: $(READY)
	$(COMMAND) doctor

dev: $(READY)
	$(COMMAND) dev

report: $(READY)
	$(COMMAND) report

compact: $(READY)
	$(COMMAND) compact

# Make gives EMAIL to the command by its environment, and shows no recipe that holds it.
forget: $(READY)
	@$(COMMAND) forget

bench: $(READY)
	$(PYTHON) -m campaign_monitor_assets_tests.benchmarks

test: $(READY)
	$(PYTHON) -m pytest -n auto --dist loadfile

test-slow: $(READY)
	$(PYTHON) -m pytest -n auto --dist loadfile -m slow

test-all: test test-slow

# Of the processes that tests start, too. From Python 3.14 on it costs next to nothing, before it half as
# much again: so it is the workflow's, not a part of `make test`.
coverage: $(READY)
	mkdir -p build/coverage
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -n auto --dist loadfile
	$(VENV)/bin/coverage combine --quiet
	$(VENV)/bin/coverage report

definitions: $(READY)
	$(VENV)/bin/dg check defs

docs: $(READY)
	$(PYTHON) -m campaign_monitor_assets.cli.documentation docs
	$(VENV)/bin/zensical build --strict --clean

lint: $(READY)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	git ls-files -z | xargs -0 $(VENV)/bin/codespell

format: $(READY)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info
