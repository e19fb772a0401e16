# make demo | test | test-backends | sanitize | lint | format | bench | clean
# Each target builds the environment it needs. What you may set:
#   PYTHON    the Python (3.11 or newer) to build environments from
#   TORCH     the torch to test with
#   BACKENDS  which of jax, torch, tensorflow `make test-backends` runs
#   ARGS      more arguments for pytest or the benchmark, as in  make test ARGS="-k lstm"
PYTHON ?= python3
TORCH ?= torch==2.13.0
BACKENDS ?= jax torch tensorflow
ARGS ?=

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
PIP := python -m pip install -qq --disable-pip-version-check
NATIVE := $(wildcard CMakeLists.txt) $(shell find native -type f)
CXX_FILES := $(filter %.cpp %.cc %.h %.hpp %.inc,$(NATIVE))
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DELETE_ON_ERROR:
.PHONY: demo test test-backends sanitize lint format bench clean

demo: .venv/.elman
	@.venv/bin/elman demo

# Two test processes, one OpenMP thread each: two cores with four threads spin more than they work.
# What JAX compiles here runs once or twice: code that is made quickly beats code that is quick.
test test-backends: export OMP_NUM_THREADS = 1
test test-backends: export JAX_DISABLE_MOST_OPTIMIZATIONS = 1

test: .venv/.elman
	@.venv/bin/ctest --test-dir build/.venv --output-on-failure
	@KERAS_BACKEND=jax .venv/bin/python -m pytest -n 2 $(ARGS)

test-backends: .venv-backends/.elman
	@for backend in $(BACKENDS); do \
	    echo "== $$backend"; \
	    KERAS_BACKEND=$$backend .venv-backends/bin/python -m pytest -n 2 $(ARGS) || exit 1; \
	done

# The C++ tests, with memory and undefined behaviour checked, then threads.
sanitize: .venv/.elman
	@export PATH="$$PWD/.venv/bin:$$PATH"; for preset in asan tsan; do \
	    echo "== $$preset"; \
	    said=$$(cmake --preset $$preset && cmake --build --preset $$preset) || { echo "$$said"; exit 1; }; \
	    ctest --preset $$preset || exit 1; \
	done

lint: .venv/.lint
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@$(if $(CXX_FILES),.venv/bin/clang-format --dry-run --Werror $(CXX_FILES))
	@said=$$(.venv/bin/lint-imports --no-cache --no-logo) || { echo "$$said"; exit 1; }
	@# No text may name a path of the machine it was written on.
	@! git grep -nIE '(^|[^[:alnum:]_.-])/(home|opt|root|tmp|work)/'

format: .venv/.lint
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format --quiet .
	@$(if $(CXX_FILES),.venv/bin/clang-format -i $(CXX_FILES))

bench: .venv-backends/.elman
	@.venv-backends/bin/python benchmarks/compare.py $(ARGS)

clean:
	rm -rf .venv .venv-backends build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: the stamps make a second call instant; a change in native/ rebuilds the library
.venv/.python .venv-backends/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "Python must be 3.11 or newer, got " + sys.version.split()[0] + "; set one: make PYTHON=python3.12")'
	@echo "Setting up $(@D) (a few minutes the first time)"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/$(PIP) --upgrade pip
	@touch $@

.venv/.elman: .venv/.python pyproject.toml $(NATIVE)
	@echo "  packages"
	@$(@D)/bin/$(PIP) --group build --group test
	@echo "  the kernels"
	@$(@D)/bin/$(PIP) --no-build-isolation -C build-dir=build/$(@D) -C cmake.define.BUILD_TESTING=ON \
	    --editable '.[jax,tasks]'
	@touch $@

.venv/.lint: .venv/.elman
	@$(@D)/bin/$(PIP) --group lint
	@touch $@

# tf-keras asks for the tensorflow package, which tensorflow-cpu stands in for.
.venv-backends/.elman: .venv-backends/.python pyproject.toml $(NATIVE)
	@echo "  packages"
	@$(@D)/bin/$(PIP) --group build --group test --group bench $(TORCH) tensorflow-cpu==2.21.*
	@$(@D)/bin/$(PIP) --no-deps tf-keras==2.21.*
	@echo "  the kernels"
	@$(@D)/bin/$(PIP) --no-build-isolation -C build-dir=build/$(@D) --editable '.[jax,tasks]'
	@touch $@
