# Each target sets up what it needs. `make quickstart` and `make test` are all that a newcomer has to know.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: .venv quickstart resume report workflow-report estimate fetch-list test test-faults test-slurm test-browser lint fuzz lock audit licences bench clean

# What the studies need, in the versions and with the hashes of the lock; what pyproject.toml asks for beyond it comes
# without. The stamps are written last, so that a broken installation is not taken for a whole one.
.venv/workflow: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --upgrade pip
	python -m pip install --quiet --require-hashes --requirement requirements.lock
	python -m pip install --quiet --editable '.[workflow]'
	touch $@

# Tests, linters, and what pre-trains the tiny zoo.
.venv/dev: .venv/workflow requirements-dev.lock
	python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	python -m pip install --quiet --editable '.[workflow,pretrain,dev]'
	touch $@

.venv: .venv/dev

quickstart: .venv/workflow
	snakemake --cores all --workflow-profile quickstart
	@echo "Table 1:  results/quickstart/tables/table1.md"
	@echo "Report:   results/quickstart/report.html"

# After any crash: wait for orphaned jobs, delete what is damaged and name it, and go on. PROFILE and CONFIG name another study.
resume: .venv/workflow
	python scripts/verify.py --delete
	snakemake --cores all --workflow-profile $(PROFILE) $(CONFIG:%=--configfile %)

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
	@python scripts/estimate.py $(CONFIG:%=--config %)

test: .venv/dev
	pytest -n 2 --dist loadfile

# What crashes, full disks and changed files lead to; then 200 kills at random points of the quickstart. An hour on two
# cores, and a root who may mount, or the tests of full disks are left out. KILLS=10 is quicker.
KILLS ?= 200
test-faults: .venv/dev
	pytest -rs tests/faults/faults.py
	python tests/faults/kills.py --kills $(KILLS)

# The report of the finished quickstart, opened in a real headless Chromium.
test-browser: .venv/dev report
	PEDRANK_REPORT=results/quickstart/report.html pytest -rs tests/test_browser.py

# The quickstart on a private Slurm of four nodes on this machine, then with faults; a few minutes, root, Debian.
.venv/slurm: .venv/workflow
	python -m pip install --quiet --editable '.[workflow,slurm]'
	touch $@

test-slurm: .venv/slurm
	python tests/slurm/run.py

lint: .venv/dev
	ruff check .
	ruff format --check .
	snakefmt --check .
	snakemake --lint
	snakemake --lint --workflow-profile quickstart

# Hostile input for every reader: FUZZ inputs for each, new ones each time; figures at the end. 20 minutes of one core.
FUZZ ?= 1000
fuzz: .venv/dev
	PEDRANK_FUZZ=$(FUZZ) pytest tests/test_fuzz_*.py

# The newest releases that pyproject.toml allows, each with the hashes of its files, for every platform and Python from 3.11.
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make lock' pyproject.toml
lock: .venv/dev
	python -m pip install --quiet uv
	$(COMPILE) --upgrade --extra workflow --extra pretrain --extra dev --output-file requirements-dev.lock
	$(COMPILE) --upgrade --extra workflow --constraint requirements-dev.lock --output-file requirements.lock

# Known vulnerabilities of what the lock names; asks a service on the network.
audit: .venv/dev
	@python scripts/audit.py

licences: .venv/dev
	python scripts/licences.py

bench: .venv/dev
	python benchmarks/run.py
	python benchmarks/features.py

clean:
	rm -rf .venv
