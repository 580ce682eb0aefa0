# Every target sets up what it needs by itself: Python 3.11 or newer, git and make are enough.

VENV := .venv
PYTHON := $(VENV)/bin/python
COMMAND := $(VENV)/bin/campaign-monitor
# What the commands need; and with what tests, linter and cluster-demo need beside it.
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: setup demo cluster-demo sync check doctor dev report compact maintain forget bench test test-slow test-all test-duckdb test-lake test-lake-all coverage definitions docs lint format clean

setup: $(READY_DEV)

$(READY): setup.cfg constraints.txt
	@$(or $(BASE_PYTHON),python3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed; name one with BASE_PYTHON=python3.12'; exit 1; }
	$(or $(BASE_PYTHON),python3) -m venv $(VENV)
	@echo 'Installing what the commands need into $(VENV): once, some two minutes.'
	$(INSTALL) '.[webserver,report]'
	@touch $@

$(READY_DEV): $(READY)
	@echo 'Installing what tests and development need into $(VENV): once, some minutes.'
	$(INSTALL) '.[dev]'
	@touch $@

demo: $(READY)
	$(COMMAND) demo

cluster-demo: $(READY_DEV)
	$(COMMAND) cluster-demo

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

maintain: $(READY)
	$(COMMAND) maintain

# Make gives EMAIL to the command by its environment, and shows no recipe that holds it.
forget: $(READY)
	@$(COMMAND) forget

bench: $(READY_DEV)
	$(PYTHON) -m campaign_monitor_assets_tests.benchmarks

test: $(READY_DEV)
	$(PYTHON) -m pytest -n auto --dist loadfile

# Most of these wait for daemons, retries and browsers: two more than there are processors keep them busy.
test-slow: $(READY_DEV)
	$(PYTHON) -m pytest -n $$(expr $$(getconf _NPROCESSORS_ONLN) + 2) --dist loadfile -m slow

test-all: test test-slow test-duckdb test-lake-all

# The lowest DuckDB and the newest, each in front of the pinned one: whatever reads or writes the file.
# Left out is what starts whole runs and kills them, which test_crash_steps.py does to the writing alone;
# what is removed while the disk is full; the checks, whose SQL is plain; and lakes, which need one DuckDB.
WAREHOUSE_TESTS := campaign_monitor_assets_tests/warehouse
OF_DUCKDB := $(WAREHOUSE_TESTS) campaign_monitor_assets_tests/analytics campaign_monitor_assets_tests/test_end_to_end.py \
	--ignore=$(WAREHOUSE_TESTS)/test_crash.py --ignore=$(WAREHOUSE_TESTS)/test_removal.py \
	--ignore=$(WAREHOUSE_TESTS)/test_checks.py --ignore-glob=$(WAREHOUSE_TESTS)/test_lake*.py
test-duckdb: test-duckdb-1.5.0 test-duckdb-2.0.1

test-duckdb-%: build/duckdb/%
	PYTHONPATH=$(CURDIR)/$< $(PYTHON) -c 'import duckdb; assert duckdb.__version__ == "$*", duckdb.__version__'
	PYTHONPATH=$(CURDIR)/$< $(PYTHON) -m pytest -n auto --dist loadfile $(OF_DUCKDB)

.PRECIOUS: build/duckdb/%
build/duckdb/%: $(READY_DEV)
	rm -rf $@
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --target $@ duckdb==$*
	@touch $@

# The same suite on DuckLakes: with an embedded catalogue, and with one in PostgreSQL. A part of it after
# each change; all of it, kill -9 of whole runs included, takes half an hour of processor time on each kind.
# Whatever is missing here, wheels or PostgreSQL, is said for each test that is skipped. A module that
# opens no lake fails, and so does a test that opens a DuckDB file.
TESTS := campaign_monitor_assets_tests
LAKE := $(TESTS)/warehouse/test_crash_steps.py $(TESTS)/warehouse/test_write.py \
	$(TESTS)/warehouse/test_enforce.py $(TESTS)/warehouse/test_spellings.py $(TESTS)/test_end_to_end.py \
	$(TESTS)/orchestration/test_assets.py $(TESTS)/orchestration/test_history.py
LAKE_ALL := $(LAKE) $(TESTS)/warehouse/test_history.py $(TESTS)/warehouse/test_forget.py \
	$(TESTS)/warehouse/test_checks.py $(TESTS)/warehouse/test_hostile.py \
	$(TESTS)/warehouse/test_removal.py $(TESTS)/warehouse/test_crash.py $(TESTS)/analytics $(TESTS)/report \
	$(TESTS)/api/test_faults.py $(TESTS)/extract/test_missing_parents.py \
	$(TESTS)/orchestration/test_increments.py $(TESTS)/orchestration/test_io_manager.py \
	$(TESTS)/orchestration/test_partitions.py $(TESTS)/orchestration/test_preview.py \
	$(TESTS)/orchestration/test_retries.py
POSTGRES := $(TESTS)/warehouse/test_crash_steps.py $(TESTS)/warehouse/test_spellings.py \
	$(TESTS)/orchestration/test_history.py
LAKE_SLOW := $(TESTS)/warehouse/test_crash_steps.py $(TESTS)/warehouse/test_removal.py \
	$(TESTS)/warehouse/test_crash.py \
	$(TESTS)/orchestration/test_lives.py::test_an_account_lives_for_some_days
test-lake: $(READY_DEV)
	WAREHOUSE=lake $(PYTHON) -m pytest -n auto --dist loadfile $(LAKE)
	WAREHOUSE=postgres $(PYTHON) -m pytest -n auto --dist loadfile $(POSTGRES)

test-lake-all: test-lake-all-lake test-lake-all-postgres

test-lake-all-%: $(READY_DEV)
	WAREHOUSE=$* $(PYTHON) -m pytest -n auto --dist loadfile $(LAKE_ALL)
	WAREHOUSE=$* $(PYTHON) -m pytest -n auto --dist loadfile -m slow $(LAKE_SLOW)

# Of the processes that tests start, too. From Python 3.14 on it costs next to nothing, before it half as
# much again: so it is the workflow's, not a part of `make test`.
coverage: $(READY_DEV)
	mkdir -p build/coverage
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -n auto --dist loadfile
	$(VENV)/bin/coverage combine --quiet
	$(VENV)/bin/coverage report

definitions: $(READY_DEV)
	$(VENV)/bin/dg check defs

docs: $(READY_DEV)
	$(PYTHON) -m campaign_monitor_assets.cli.documentation docs
	$(VENV)/bin/zensical build --strict --clean

lint: $(READY_DEV)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	git ls-files -z | xargs -0 $(VENV)/bin/codespell

format: $(READY_DEV)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info
