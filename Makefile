# Each target makes the virtual environment it needs, once for each lock file, in the user's cache folder
# (PRETSCOPE_CACHE, else ~/.cache/pretscope). ARGS goes to the command: make run ARGS="--port 5007".

.POSIX:
.SUFFIXES:
.PHONY: help run test test-fast lint bench clean python python-bench lock chromium

PYTHON ?= python3
ARGS ?=
PYTEST = -m pytest -q

# Sets $python to the interpreter of environment $(1), or stops with a message.
use = command -v "$(PYTHON)" >/dev/null || { \
	echo "There is no $(PYTHON). Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	python=$$("$(PYTHON)" scripts/environment.py $(1)) || exit 1

help:
	@echo "make run           serve the dashboard (prepares a synthetic portfolio the first time)"
	@echo "make test          lint, then every test: fast, slow, browser"
	@echo "make test-fast     the fast tests alone, under two minutes"
	@echo "make lint          ruff, mypy, import-linter"
	@echo "make bench         measure the score's latency"
	@echo "make clean         remove caches, build/ and what tests left; artifacts/ stays"
	@echo "make python        print the core environment's interpreter, making the environment first"
	@echo "make python-bench  the same for the benchmark's environment (several GB)"
	@echo "make lock          write requirements/*.txt anew from requirements/*.in"

run:
	@$(call use,core); exec "$$python" -m dashboard $(ARGS)

test: chromium lint
	@$(call use,dev); "$$python" $(PYTEST) -m "not slow and not browser" $(ARGS)
	@$(call use,dev); "$$python" $(PYTEST) -m "slow and not browser" $(ARGS)
	@$(call use,dev); "$$python" $(PYTEST) -m "browser" $(ARGS)

test-fast:
	@$(call use,dev); "$$python" $(PYTEST) -m "not slow and not browser" $(ARGS)

lint:
	@$(call use,dev); bin=$$(dirname "$$python"); set -ex; \
	"$$bin/ruff" check .; \
	"$$bin/ruff" format --check .; \
	"$$bin/mypy"; \
	"$$bin/lint-imports"

bench:
	@$(call use,core); "$$python" -m bench scoring latency $(ARGS)

chromium:
	@$(call use,dev); "$$python" scripts/chromium.py

python:
	@$(call use,core); echo "$$python"

python-bench:
	@$(call use,bench); echo "$$python"

lock:
	@"$(PYTHON)" scripts/lock.py $(ARGS)

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
	@echo "Kept: artifacts/ (portfolios, models, records) and the environments in the cache folder."
