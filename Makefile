# make app    the studio on http://127.0.0.1:8501 (PORT=… HOST=…)
# make test   the whole test suite, a real browser included (ARGS="-k …")
# make bench  the tables of the README; hours, and a second call goes on where the first was stopped (QUALITY=…)
# All make .venv and install what they need, once. PYTHON=… names the Python to use (3.11 or newer).

PORT ?= 8501
HOST ?= 127.0.0.1
PYTHON ?=
ARGS ?=
QUALITY ?= quality.jsonl

candidates := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
python := .venv/bin/python
pip_install := $(python) -m pip install --disable-pip-version-check --no-input

# A stamp's name holds the checksum of what it stands for, so that a changed requirement is a missing stamp.
runtime_stamp := .venv/installed-$(shell cat constraints.txt requirements.txt | cksum | cut -d ' ' -f 1)
dev_stamp := .venv/installed-dev-$(shell cat constraints.txt requirements.txt requirements-dev.txt | cksum | cut -d ' ' -f 1)
venv_works := $(shell $(python) -c "import pip; print('yes')" 2>/dev/null)

.DEFAULT_GOAL := app
.PHONY: app test lint format bench clean venv

app: $(runtime_stamp)
	@echo "SynthFin is at http://$(HOST):$(PORT) (Ctrl+C stops it)"
	@exec $(python) -m streamlit run app/asgi.py --server.port $(PORT) --server.address $(HOST) --server.headless true

test: $(dev_stamp)
	@OMP_NUM_THREADS=1 $(python) -m pytest -n auto --dist loadfile $(ARGS)

lint: $(dev_stamp)
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

format: $(dev_stamp)
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

bench: $(dev_stamp)
	@$(python) -m benchmarks.speed --samplers --pages
	@$(python) -m benchmarks.verdicts
	@$(python) -m benchmarks.quality --json $(QUALITY)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(runtime_stamp):
	@$(pip_install) -r requirements.txt
	@touch $@

$(dev_stamp): $(runtime_stamp)
	@$(pip_install) --quiet -r requirements-dev.txt
	@touch $@

# Only when .venv is missing or broken: then everything is installed anew.
ifneq ($(venv_works),yes)
$(runtime_stamp): venv
endif

venv:
	@for python in $(candidates); do \
	  if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making .venv with $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear .venv; \
	  fi; \
	done; \
	echo "No Python 3.11 or newer that can make a virtual environment was found (tried: $(candidates));" \
	  "install one (on Debian: python3 and python3-venv) or name it with PYTHON=/path/to/python." >&2; \
	exit 1
