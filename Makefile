# Every task of this repository. `make help` lists them; none needs anything installed beyond
# git, make and Python 3.11 or 3.12.
PYTHON ?= python3
JOBS ?= auto
export PYTHON

BIN := .venv/bin
HEADGATE := $(BIN)/headgate
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo airflow lineage portal spark-deps test test-servers check fix bench bench-curated bench-airflow bench-lineage bench-portal reliability docs lock clean core dev

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

core:
	@requirements/sync.sh core
	@$(HEADGATE) dbt >/dev/null

dev:
	@requirements/sync.sh dev
	@$(HEADGATE) dbt >/dev/null

demo: core ## Set everything up and take demo chat from file to audited gold tables
	@$(HEADGATE) demo

airflow: ## Serve the DAGs by a real Airflow here, with demo chat to take (Ctrl-C stops it; ARGS="--port 8090")
	@requirements/sync.sh airflow
	@$(HEADGATE) dbt >/dev/null
	@exec $(HEADGATE) airflow --demo $(ARGS)

lineage: ## Serve the lake's lineage here over HTTP (Ctrl-C stops it; ARGS="--port 8092")
	@requirements/sync.sh lineage
	@exec $(HEADGATE) lineage serve $(ARGS)

portal: ## Serve the portal here: lineage, quality, ownership, evidence (Ctrl-C stops it; ARGS="--open")
	@requirements/sync.sh portal
	@exec $(HEADGATE) portal $(ARGS)

test: dev ## Set up and run the tests (embedded engine; no server, no JVM)
	@tests/reliability/fuse.sh
	@$(PYTEST) -n $(JOBS) --dist loadgroup -m "not servers and not long" $(ARGS)

spark-deps: ## Install the Spark engine: Python packages, jars (sums checked), Java where there is none
	@requirements/sync.sh spark
	@infra/spark/deps.sh

test-servers: ## Run the tests that need servers (Airflow, PostgreSQL, Spark, Kafka, a browser)
	@requirements/sync.sh servers
	@$(HEADGATE) dbt >/dev/null
	@tests/browser/chromium.sh
	@infra/spark/deps.sh
	@$(PYTEST) -m "servers and not long" $(ARGS)

check: dev ## Format, lint, types, import directions, contracts, lock and reference (under 30 s)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(PYTHON) requirements/lock.py --check
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(HEADGATE) check

fix: dev ## Format the code and mend what the linter can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: dev ## Measure governed ingest against a bare copy (bench_results/)
	@$(BIN)/python -m tests.bench $(ARGS)

bench-curated: dev ## Measure runs over many models, a hundredth of new rows, and a large join
	@$(BIN)/python -m tests.bench.scale
	@$(BIN)/python -m tests.bench.incremental
	@$(BIN)/python -m tests.bench.joining

bench-airflow: ## Measure DAGs of 1,000 contracts, and a curate run in a real Airflow beside Cosmos
	@requirements/sync.sh bench
	@$(BIN)/python -m tests.bench.dagbag --rounds 3
	@$(BIN)/python -m tests.bench.airflow_curate $(ARGS)

bench-lineage: dev ## Measure the lineage store in SQLite and PostgreSQL (ARGS="--full": a million events)
	@$(BIN)/python -m tests.bench.lineage_store $(ARGS)

bench-portal: dev ## Measure the portal at 10,000 datasets with ledgers of a year (ARGS="--keep": use what was made)
	@$(BIN)/python -m tests.bench.portal_speed $(ARGS)

reliability: ## Run the long tests: kills, power cuts, bombs, writers, a million records, ten million messages (hours)
	@requirements/sync.sh servers
	@$(HEADGATE) dbt >/dev/null
	@tests/reliability/fuse.sh
	@infra/spark/deps.sh
	@rm -rf bench_results/reliability
	@$(PYTEST) -n $(JOBS) --dist loadgroup -m "not servers" tests/reliability tests/dbt/test_incremental.py \
	  tests/unit/transforms tests/e2e/test_plan.py tests/e2e/test_maintain.py $(ARGS)
	@$(PYTEST) -m "servers and long" tests/servers tests/conformance/spark $(ARGS)
	@$(BIN)/python -m tests.reliability

docs: dev ## Write docs/reference anew from the code
	@$(BIN)/python -m headgate.cli.reference

lock: ## Resolve the dependencies and write requirements/ (ARGS=--upgrade: the newest that fit)
	@$(PYTHON) requirements/lock.py $(ARGS)

clean: ## Remove the environment, the tools, the demo lake and all caches
	rm -rf .venv .tools .airflow lake demo_data bench_results dist .pytest_cache .ruff_cache .mypy_cache \
	  .import_linter_cache .hypothesis dbt_project/target dbt_project/logs \
	  dbt_project/models/_contracts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
