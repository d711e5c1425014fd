# The ways into bayesnu. `make` alone lists them.

BIN := .venv/bin
OUT := out
STAMP := .venv/.installed

# Compiled code is kept from one run to the next; one thread for linear algebra, because the chains
# and the walkers are what runs in parallel.
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
export PYTENSOR_FLAGS ?= base_compiledir=$(CURDIR)/.cache/pytensor
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo notebooks test test-parts test-wholes check bench calibrate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the pinned dependencies (PYTHON=/path/to/python3.12 to choose)

demo: install ## fit COHERENT CsI 2017 and print the limits
	$(BIN)/bayesnu fit coherent-csi-tmm --profile --seed 1 --out $(OUT)/coherent-csi-tmm.nc > /dev/null
	$(BIN)/bayesnu limits $(OUT)/coherent-csi-tmm.nc --plots $(OUT)

notebooks: install ## execute the notebooks, with their output under out/ (some minutes)
	@mkdir -p $(OUT)
	@set -e; for script in notebooks/*.py; do \
	    executed=$(OUT)/$$(basename $$script .py).ipynb; \
	    $(BIN)/jupytext --quiet --to ipynb --output $$executed $$script; \
	    $(BIN)/jupyter-execute --inplace $$executed; \
	    echo "written: $$executed"; \
	done

test: install ## run the tests, without calibration and timings: two halves, side by side
	@$(MAKE) --no-print-directory -j 2 test-parts test-wholes

test-parts: install
	@echo "units, faults, properties, notebooks"
	@$(BIN)/pytest -q -m "not slow and not bench" tests/unit tests/faults tests/property tests/notebooks

test-wholes: install
	@echo "agreement of methods, published numbers"
	@$(BIN)/pytest -q -m "not slow and not bench" tests/agree tests/published

check: install ## style, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@echo OK

bench: install ## time what claims to be fast
	$(BIN)/pytest tests/bench --benchmark-only --benchmark-sort=fullname \
	    --benchmark-columns=min,median,iqr,rounds

calibrate: install ## test coverage and calibration by simulation, and write notebooks/evidence (long)
	$(BIN)/pytest -m slow tests/calibration tests/agree

clean: ## remove results, builds and caches; .venv stays
	rm -rf $(OUT) build dist .cache .benchmarks .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find bayesnu tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Each candidate is run, not merely found: a pyenv shim exists even where its version does not.
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.12 python3.13 python3.14 python3 python)

$(STAMP): pyproject.toml constraints.txt
	@recent='import sys; raise SystemExit(sys.version_info < (3, 12))'; \
	if ! $(BIN)/python -c "$$recent" 2>/dev/null; then \
	    python=; found=; \
	    for candidate in $(CANDIDATES); do \
	        if "$$candidate" -c "$$recent" 2>/dev/null; then python=$$candidate; break; fi; \
	        version=$$("$$candidate" -V 2>&1) && found="$${found:+$$found, }$$version ($$candidate)"; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "bayesnu needs Python 3.12 or newer; found $${found:-none$(if $(PYTHON), that runs as $(PYTHON))}."; \
	        echo "Install it (for instance with: pyenv install 3.12)"; \
	        echo "or run: make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.12"; \
	        exit 1; \
	    fi; \
	    "$$python" -m venv --clear .venv; \
	fi
	@echo "Installing bayesnu and its dependencies into .venv with $$($(BIN)/python -V): one to three minutes."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@
	@echo "Installed: $(BIN)/bayesnu"
