# Each target installs what it needs. Start with `make quickstart` and `make test`.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: .venv quickstart resume report workflow-report estimate fetch-list test test-faults test-slurm test-browser lint fuzz lock audit licences dist bench test-gpu bench-gpu clean

# Packages for studies, in the versions and with the hashes of the lock. Dependencies missing from the lock are installed
# without hashes. Each stamp (.venv/workflow, ...) is written last, so that a broken installation is repeated.
.venv/workflow: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --upgrade pip
	python -m pip install --quiet --require-hashes --requirement requirements.lock
	python -m pip install --quiet --editable '.[workflow]'
	touch $@

# Packages for tests, linters and pre-training.
.venv/dev: .venv/workflow requirements-dev.lock
	python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	python -m pip install --quiet --editable '.[workflow,pretrain,dev]'
	touch $@

.venv: .venv/dev

quickstart: .venv/workflow
	snakemake --cores all --workflow-profile quickstart
	@echo "Table 1:  results/quickstart/tables/table1.md"
	@echo "Report:   results/quickstart/report.html"

# After a crash: wait for orphaned jobs, delete and list the study's damaged files, and continue. PROFILE and CONFIG choose the study.
resume: .venv/workflow
	python scripts/verify.py --delete --profile $(PROFILE) $(if $(CONFIG),--config $(CONFIG))
	snakemake --cores all --workflow-profile $(PROFILE) $(if $(CONFIG),--configfile $(CONFIG))

# List the downloads of the paper's study; `make fetch-list CONFIG=studies/yours.yaml` for another study.
fetch-list: .venv/workflow
	@python scripts/fetch_list.py $(if $(CONFIG),--config $(CONFIG))

# The report as one HTML page. It is part of every study; this updates it. STUDY and PROFILE choose the study.
STUDY ?= quickstart
PROFILE ?= quickstart
report: .venv/workflow
	snakemake results/$(STUDY)/report.html --cores all --workflow-profile $(PROFILE)

# Snakemake's own report: the rules, their code and the runtime of every job.
workflow-report: report
	snakemake --workflow-profile $(PROFILE) --report results/$(STUDY)/unfinished-report.html
	mv results/$(STUDY)/unfinished-report.html results/$(STUDY)/workflow-report.html

# Estimate hours and disk of fine-tuning on this machine, from a short probe.
estimate: .venv/workflow
	@python scripts/estimate.py $(if $(CONFIG),--config $(CONFIG))

test: .venv/dev
	pytest -n 2 --dist loadfile --no-loadscope-reorder

# Crashes, full disks and changed files, then 200 kills at random points of the quickstart: an hour on two cores. Tests of
# full disks need root with the right to mount, and are skipped otherwise. KILLS=10 is quicker.
KILLS ?= 200
test-faults: .venv/dev
	pytest -rs tests/faults/faults.py
	python tests/faults/kills.py --kills $(KILLS)

# Open the report of the finished quickstart in a headless Chromium.
test-browser: .venv/dev report
	PEDRANK_REPORT=results/quickstart/report.html pytest -rs tests/test_browser.py

# The quickstart on a private Slurm cluster of four nodes on this machine, then with faults. Needs root, Debian and a
# few minutes.
.venv/slurm: .venv/workflow
	python -m pip install --quiet --editable '.[workflow,slurm]'
	touch $@

test-slurm: .venv/slurm
	python tests/slurm/run.py

lint: .venv/dev
	ruff check .
	ruff format --check .
	snakefmt --check .
	mypy
	snakemake --lint
	snakemake --lint --workflow-profile quickstart

# Hostile input for every reader: FUZZ new inputs each, with statistics at the end. 20 minutes on one core.
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

# Look up known vulnerabilities of the locked packages; needs a network.
audit: .venv/dev
	@python scripts/audit.py

licences: .venv/dev
	python scripts/licences.py

# The sdist and the wheel that `pip install` takes, below dist/.
dist: .venv/dev
	python -m pip install --quiet build twine
	python -m build --outdir dist .
	twine check --strict dist/pedrank-*

bench: .venv/dev
	python benchmarks/run.py
	python benchmarks/features.py

# Everything that a device computes: on CUDA where there is one, otherwise on torch's CPU device.
test-gpu: .venv/dev
	pytest -rs tests/test_accelerator.py tests/test_on_device.py tests/test_device.py tests/test_float_precision.py

# Metrics, extraction and fine-tuning on the GPU. Writes docs/benchmarks-gpu.md, also where there is no GPU to measure.
bench-gpu: .venv/dev
	CUBLAS_WORKSPACE_CONFIG=:4096:8 python benchmarks/gpu.py

clean:
	rm -rf .venv
