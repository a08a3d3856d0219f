# The two commands are `make demo` and `make test`. Each sets up what it needs: a virtual environment in .venv, with the
# versions of constraints.txt. That happens once, and again when pyproject.toml or constraints.txt change; nothing else
# here needs a network.

VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUN := runs/digits

# What stands in these files is of no interest, only their time: when the environment was last brought up to date.
FOR_DEMO := $(VENV)/installed-for-demo
FOR_TEST := $(VENV)/installed-for-test

.DEFAULT_GOAL := help
.PHONY: help demo test slow lint format bench clean distclean
.DELETE_ON_ERROR:

help: ## show this list
	@echo "scratchwork: neural networks from scratch, with the work shown"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Python 3.11 or newer is all that must be there; PYTHON=/path/to/python picks one."

demo: $(FOR_DEMO) ## train a digit classifier on real digits and show what it learned
	@$(VENV)/bin/scratchwork train digits --out $(RUN) --force

test: $(FOR_TEST) ## run the tests, without the slow ones
	$(PY) -m pytest -n 2 -m "not slow"

slow: $(FOR_TEST) ## run the slow tests (the MNIST ones read the folder that SCRATCHWORK_DATA names)
	$(PY) -m pytest -n 2 -m slow --timeout 1200

# Two test processes on two cores: one BLAS thread each, else four threads that spin wait for one another.
test slow: export OPENBLAS_NUM_THREADS := 1
test slow: export OMP_NUM_THREADS := 1
test slow: export MKL_NUM_THREADS := 1
test slow: export VECLIB_MAXIMUM_THREADS := 1
test slow: export MPLBACKEND := Agg

lint: $(FOR_TEST) ## check format, style and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: $(FOR_TEST) ## put the code into its format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: $(FOR_TEST) ## measure, and write benchmarks/results/ (best on a machine that does nothing else)
	@for script in import_time digits_accuracy; do \
	  echo "== benchmarks/$$script.py"; $(PY) benchmarks/$$script.py || exit 1; \
	done
	@echo "The others in benchmarks/ need MNIST's files or a rival's library (PyTorch, JAX): each says so, and is run by itself."

clean: ## remove caches and builds; .venv and runs stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf $(VENV)

# The build tool is installed first and used without isolation: pinned like the rest, and a later repetition that has
# nothing to fetch works without a network. What the tests need contains what the demo needs. Compiling is what pip does
# for every package but an editable one: the first import is then as quick as the next.
$(FOR_DEMO): pyproject.toml constraints.txt $(PY)
	@echo "Installing what the demo needs into $(VENV) (once; NumPy, matplotlib, SciPy: some 80 MB) ..."
	@$(PIP_INSTALL) hatchling && $(PIP_INSTALL) --no-build-isolation --editable '.[all]' || $(INSTALL_FAILED)
	@$(PY) -m compileall -q src
	@touch $@

$(FOR_TEST): pyproject.toml constraints.txt $(PY)
	@echo "Installing what the tests need into $(VENV) (once; some 120 MB) ..."
	@$(PIP_INSTALL) hatchling && $(PIP_INSTALL) --no-build-isolation --editable '.[dev]' || $(INSTALL_FAILED)
	@$(PY) -m compileall -q src
	@touch $@ $(FOR_DEMO)

INSTALL_FAILED = { echo "The installation failed, see above: pip needs to reach a package index this once." >&2; exit 1; }

# The first Python that is new enough and can make environments; python3 is what its owner chose, so it is asked first.
$(PY):
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  found=$$python; \
	  "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue; \
	  echo "Making $(VENV) with $$("$$python" --version) ..."; \
	  exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	  echo "$$found is new enough but lacks its venv module: install it (Debian, Ubuntu: apt install python3-venv)." >&2; \
	else \
	  echo "scratchwork needs Python 3.11 or newer and found none: install one, or name it with PYTHON=/path/to/python." >&2; \
	fi; exit 1
