# Each target sets up what it needs. `make quickstart` and `make test` are all that a newcomer has to know.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: .venv quickstart report workflow-report estimate fetch-list test test-browser lint bench clean

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
	@echo "Table 1:  results/quickstart/tables/table1.md"
	@echo "Report:   results/quickstart/report.html"

# What the paper's study would fetch; `make fetch-list CONFIG=studies/yours.yaml` for another study.
fetch-list: .venv/workflow
	@python scripts/fetch_list.py $(CONFIG:%=--config %)

# One page for a browser; part of every study, and remade here when anything it shows has changed. STUDY and PROFILE name another.
STUDY ?= quickstart
PROFILE ?= quickstart
report: .venv/workflow
	snakemake results/$(STUDY)/report.html --cores all --workflow-profile $(PROFILE)

# Snakemake's own report beside it: the rules, their code and the runtime of every job.
workflow-report: report
	snakemake --workflow-profile $(PROFILE) --report results/$(STUDY)/unfinished-report.html
	mv results/$(STUDY)/unfinished-report.html results/$(STUDY)/workflow-report.html

# Hours and disk that fine-tuning would take here, from a short probe.
estimate: .venv/workflow
	@python scripts/estimate.py config.yaml $(CONFIG)

test: .venv/dev
	pytest -n 2 --dist loadfile

# The report of the finished quickstart, opened in a real headless Chromium.
test-browser: .venv/dev report
	PEDRANK_REPORT=results/quickstart/report.html pytest -rs tests/test_browser.py

lint: .venv/dev
	ruff check .
	ruff format --check .
	snakefmt --check .
	snakemake --lint
	snakemake --lint --workflow-profile quickstart

bench: .venv/dev
	python benchmarks/run.py
	python benchmarks/features.py

clean:
	rm -rf .venv
