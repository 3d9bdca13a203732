# Each target sets up what it needs. `make quickstart` and `make test` are all that a newcomer has to know.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: .venv quickstart fetch-list report test lint bench clean

# What the studies need; the stamps are written last, so that a broken installation is not taken for a whole one.
.venv/workflow: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --upgrade pip
	python -m pip install --quiet --editable '.[workflow]'
	touch $@

# Tests, linters, and what pre-trains the tiny zoo.
.venv/dev: .venv/workflow
	python -m pip install --quiet --editable '.[workflow,pretrain,dev]'
	touch $@

.venv: .venv/dev

quickstart: .venv/workflow
	snakemake --cores all --workflow-profile quickstart
	@$(MAKE) --no-print-directory results/quickstart/report.html
	@echo "Table 1:  results/quickstart/tables/table1.md"
	@echo "Report:   results/quickstart/report.html"

# What the paper's study would fetch; `make fetch-list CONFIG=studies/yours.yaml` for another study.
fetch-list: .venv/workflow
	@PYTHONPATH=. python scripts/fetch_list.py --config $(CONFIG)

report: results/quickstart/report.html

# Snakemake's own report of a finished study, for a browser; `make results/NAME/report.html` with PROFILE=... for another study.
PROFILE ?= quickstart
.SECONDEXPANSION:
results/%/report.html: results/%/summary.csv $$(wildcard results/$$*/tables/* results/$$*/figures/*) \
		$(wildcard report/*) | .venv/workflow
	snakemake --workflow-profile $(PROFILE) --report results/$*/unfinished-report.html
	mv results/$*/unfinished-report.html $@

results/%/summary.csv: | .venv/workflow
	snakemake --cores all --workflow-profile $(PROFILE)

test: .venv/dev
	pytest -n 2 --dist loadgroup

lint: .venv/dev
	ruff check .
	ruff format --check .
	snakefmt --check .
	snakemake --lint
	snakemake --lint --workflow-profile quickstart

bench: .venv/dev
	python benchmarks/run.py

clean:
	rm -rf .venv
