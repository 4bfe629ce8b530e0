# Two commands are enough: `make demo` and `make test`. Each makes what it needs by itself.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
DEV := $(VENV)/.installed
PEERS := .build/peers
SITE := .build/docs
PAGES := .build/pages
PYTEST_ARGS =
LOCAL = -m "not server" -n auto --dist worksteal
MUTANTS = 40

.PHONY: help demo test coverage test-servers test-pythons interop lint types dist docs bench bench-peers soak mutants clean

help: ## Print this list (the default)
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-13s %s\n", $$1, $$2 }'
	@echo 'PYTHON=python3.12 chooses the interpreter, PYTEST_ARGS="-k name" what pytest is told.'

demo: $(DEV) ## Start an authorization server here and show one client authorized, shared, renewed
	@$(PYTHON_IN_VENV) -m oauthreg.testing._demo

test: $(DEV) ## Run the tests that need nothing but Python
	$(PYTHON_IN_VENV) -m pytest $(LOCAL) $(PYTEST_ARGS)

coverage: $(DEV) ## Run the same tests, and fail where they reach too little (twice as long)
	$(PYTHON_IN_VENV) -m pytest $(LOCAL) --cov \
		$(if $(filter-out -q -v --junitxml=%,$(PYTEST_ARGS)),--cov-fail-under=0) $(PYTEST_ARGS)

test-servers: $(DEV) $(PAGES)/.installed ## Run the tests with real servers and programs (node 20+, npm; JDK 17+, Maven)
	$(PYTHON_IN_VENV) -m pytest -m server $(PYTEST_ARGS)

export PYTHONS
test-pythons: dist ## Test the wheels with every further Python (PYTHONS="python3.12 sid" names them)
	@.ci/pythons $(PYTEST_ARGS)

interop: $(DEV) ## Write docs/interoperability.md anew, from runs against the real servers
	WRITE_INTEROPERABILITY=1 $(PYTHON_IN_VENV) -m pytest -m server $(PYTEST_ARGS) \
		tests/servers/test_interoperability.py

lint: $(DEV) ## Look for faults and unformatted files
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .

types: $(DEV) ## Check the types of the package, of the plugins, and what users see of them
	$(PYTHON_IN_VENV) -m mypy oauthreg tests/typing $(wildcard $(PLUGINS:%=%/oauthreg_*))
	$(PYTHON_IN_VENV) -m pyright --pythonpath $(PYTHON_IN_VENV)

dist: $(DEV) ## Build the wheel and the sdist, and the wheels of the plugins, into dist/
	@rm -rf dist
	@$(PYTHON_IN_VENV) -m build --no-isolation --outdir dist .
	@for plugin in $(PLUGINS); do \
		$(PYTHON_IN_VENV) -m build --no-isolation --outdir dist --wheel $$plugin || exit 1; \
	done

docs: $(SITE)/.installed ## Build the documentation site into .build/site; a warning is an error
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/python -m mkdocs build --quiet --strict

bench: $(DEV) ## Measure: ratios in one run, so that they hold on any machine
	@$(PYTHON_IN_VENV) tests/bench/bench.py

bench-peers: $(PEERS)/.installed ## Measure other libraries doing the same work
	@$(PEERS)/bin/python tests/bench/peers.py

SECONDS = 300
soak: $(DEV) ## Call while all goes wrong (SECONDS=60; STORE=sqlite, valkey or postgres: 8 processes)
	@$(PYTHON_IN_VENV) tests/soak/$(if $(STORE),fleet.py $(STORE),soak.py) $(SECONDS)

mutants: $(DEV) ## Break the code on purpose and see whether a test notices
	@$(PYTHON_IN_VENV) tests/mutants/run.py
	@$(PYTHON_IN_VENV) tests/mutants/generated.py --count $(MUTANTS)

clean: ## Remove everything that make has made
	rm -rf $(VENV) .build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find oauthreg plugins tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

# The tools first: they hold the build backend with which the package is then installed in place.
$(DEV): pyproject.toml .ci/constraints.txt .ci/dev.txt .ci/venv $(PLUGINS:=/pyproject.toml)
	@echo 'Setting up $(VENV) ...'
	@.ci/venv $(VENV) -c .ci/constraints.txt -r .ci/dev.txt
	@.ci/venv $(VENV) -c .ci/constraints.txt --no-build-isolation -e '.[all]' $(PLUGINS:%=-e ./%)
	@touch $@

$(PAGES)/.installed: pyproject.toml .ci/constraints.txt .ci/pages.txt .ci/venv
	@echo 'Setting up $(PAGES) ...'
	@.ci/venv $(PAGES) -c .ci/constraints.txt -r .ci/pages.txt -e '.[all]'
	@touch $@

$(SITE)/.installed: .ci/constraints.txt .ci/docs.txt .ci/venv
	@echo 'Setting up $(SITE) ...'
	@.ci/venv $(SITE) -c .ci/constraints.txt -r .ci/docs.txt
	@touch $@

$(PEERS)/.installed: pyproject.toml .ci/constraints.txt .ci/peers.txt .ci/venv
	@echo 'Setting up $(PEERS) ...'
	@.ci/venv $(PEERS) -c .ci/constraints.txt -r .ci/peers.txt -e '.[all]'
	@touch $@
