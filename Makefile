# Everything a person types. Nothing needs to be activated or installed before; `make help` lists the targets.
# Paths are relative throughout: make cannot handle a folder with a space in its name otherwise.

PYTHON ?= python3
PORT ?= 6379
DASHBOARD_PORT ?= 8265
CLUSTER ?= cluster.yaml
RESULTS ?= results.json
PAGE ?= report.html

# Nobody is asked, and nothing is sent, about how Ray is used here.
export RAY_USAGE_STATS_ENABLED ?= 0

IN_VENV := .venv/bin/python
.DEFAULT_GOAL := help

.PHONY: help
help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

# ---- run

.PHONY: local
local: $(if $(findstring --html,$(ARGS)),.venv/.installed-html,.venv/.installed) ## compare on this machine, on a Ray of its own; ARGS="--instances 8" goes to the comparison
	@env -u RAY_ADDRESS $(IN_VENV) job/main.py $(ARGS)

.PHONY: page
page: .venv/.installed-html ## make a page with charts of saved results: RESULTS=results.json PAGE=report.html
	@$(IN_VENV) job/main.py report "$(RESULTS)" --html "$(PAGE)" >/dev/null
	@echo "$(PAGE)"

.PHONY: cluster
cluster: .venv/.installed ## start a Ray cluster on this machine, with a token; PORT=6379 DASHBOARD_PORT=8265
	@$(IN_VENV) deploy/local_cluster.py start --port $(PORT) --dashboard-port $(DASHBOARD_PORT)

# Any Python can end a cluster whose virtualenv is gone.
.PHONY: cluster-stop
cluster-stop: ## end the cluster that `make cluster` started here, and no other Ray
	@$(firstword $(wildcard $(IN_VENV)) $(PYTHON)) deploy/local_cluster.py stop

.PHONY: submit
submit: .venv/.installed-cluster ## run the comparison as a job: ADDRESS=http://host:8265, or CLUSTER's head; WITH=../mine PIP=pandas SUBMIT=… ARGS=…
	@$(IN_VENV) deploy/submit.py --address "$(ADDRESS)" --cluster "$(CLUSTER)" \
	  --with="$$WITH" --pip="$$PIP" --submit="$$SUBMIT" -- $(ARGS)

# ---- clusters of several machines; Ray asks before it makes or ends anything, ARGS=-y does not

.PHONY: up
up: .venv/.installed-cluster ## start the cluster of CLUSTER=cluster.yaml (AWS), or bring it up to date
	@$(IN_VENV) deploy/clusters.py up "$(CLUSTER)" $(ARGS)

.PHONY: dashboard
dashboard: .venv/.installed-cluster ## its dashboard and Jobs API on this machine's port 8265, until Ctrl-C
	@$(IN_VENV) deploy/clusters.py dashboard "$(CLUSTER)" $(ARGS)

.PHONY: down
down: .venv/.installed-cluster ## end it, workers included
	@$(IN_VENV) deploy/clusters.py down "$(CLUSTER)" $(ARGS)

# ---- check

# A process of its own for each tier: a Ray that one starts must not be the one that another finds. Two run side by
# side, the longest first, and what each prints comes when it has ended; all run, whichever fails. For a release those that
# compare times run alone.
TIMED := ray_local ray_cluster
OTHERS := others unit e2e docs browser architecture
PYTEST = $(IN_VENV) -m pytest $(patsubst %,tests/%,$*)
SIDE_BY_SIDE := $(MAKE) --no-print-directory --keep-going --jobs=2 \
  $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
.PHONY: test
test: .venv/.installed-dev ## run the tests, about 4 minutes on 2 cores
	@echo 'Two tiers of tests run side by side; each is shown when it has ended.'
	@$(SIDE_BY_SIDE) $(TIMED:%=quick-%) $(OTHERS:%=quick-%)

quick-%:
	@echo "== tests/$*"; $(PYTEST) -m 'not release'

.PHONY: test-all
test-all: .venv/.installed-dev ## run all of them, real hosts and older Rays included; about 35 minutes
	@$(MAKE) --no-print-directory --keep-going test test-release test-cluster test-rays

.PHONY: test-release
test-release: .venv/.installed-dev ## run only those that `make test` leaves out
	@$(MAKE) --no-print-directory --keep-going $(TIMED:%=release-%); timed=$$?; \
	  $(SIDE_BY_SIDE) $(OTHERS:%=release-%) && exit $$timed

release-%:
	@echo "== tests/$*, what only a release needs"; $(PYTEST) -m release || [ $$? = 5 ]  # 5: there are none

.PHONY: test-cluster
test-cluster: .venv/.installed-dev .venv/.installed-hosts ## run the tests on three real hosts, and on 24 nodes; needs root
	@$(IN_VENV) -m pytest tests/hosts
	@$(IN_VENV) -m pytest tests/many_nodes

# The Rays of the tested range besides the newest, which all other tests run on: its oldest, and one in the middle.
RAYS ?= 2.48.0 2.54.0
.PHONY: test-rays
test-rays: .venv/.installed-dev $(RAYS:%=.venv/rays/%/.made) ## run the main ways on clusters of older Rays; RAYS="2.48.0 2.54.0"
	@RAYS="$(RAYS)" $(IN_VENV) -m pytest tests/rays

.PHONY: lint
lint: .venv/.installed-dev ## check style, format and types
	@$(IN_VENV) -m ruff check
	@$(IN_VENV) -m ruff format --check
	@$(IN_VENV) -m mypy

.PHONY: format
format: .venv/.installed-dev ## mend style and format where a tool can
	@$(IN_VENV) -m ruff check --fix
	@$(IN_VENV) -m ruff format

.PHONY: bench-quick
bench-quick: .venv/.installed ## check that neither the baseline nor the actors have become slower
	@$(IN_VENV) benchmarks/quick.py

.PHONY: bench
bench: .venv/.installed-bench ## measure the same work under our strategies and their peers, into results/
	@$(IN_VENV) benchmarks/run.py

.PHONY: bench-docs
bench-docs: .venv/.installed-bench ## the same, published in docs/
	@$(IN_VENV) benchmarks/run.py --folder docs

.PHONY: soak
soak: .venv/.installed ## kill actors in 200 runs and compare the states of each with a plain loop's
	@$(IN_VENV) benchmarks/soak.py

# ---- install

# What an earlier build has left in build/ would be in the wheel again.
.PHONY: wheel
wheel: .venv/.made ## build the package into dist/, for pip or uv to install elsewhere
	@rm -rf build dist
	@$(IN_VENV) -m pip wheel -qq --disable-pip-version-check --no-deps -w dist .
	@ls dist/*.whl

# For all Pythons from the oldest on, in one file below the comment it begins with. Pins stay while pyproject.toml lets them.
.PHONY: lock
lock: .venv/bin/uv ## pin in constraints.txt what pyproject.toml asks for; ARGS=--upgrade renews all pins
	@cp constraints.txt .venv/pins.txt
	@$< pip compile -q --universal --python-version 3.10 --system-certs --no-python-downloads --all-extras --no-header --no-annotate \
	  --output-file .venv/pins.txt $(ARGS) pyproject.toml
	@{ grep '^#' constraints.txt; cat .venv/pins.txt; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

.PHONY: clean
clean: cluster-stop ## remove what make and the tools have made, a running cluster included
	@rm -rf .venv build dist uv.lock tests/browser/screenshots *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv is made only when missing or half made. Old Pythons must be able to read the test of their age.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'Python 3.10 or later is needed, as in: make PYTHON=python3.11 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo '$(PYTHON) cannot make virtualenvs: install its venv module (Debian: apt-get install python3-venv).' >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
	@touch $@

# One stamp for the package alone and one per extra; each is older than a pyproject.toml that has changed.
INSTALL = echo 'Installing $(1) into .venv …' >&2; \
  $(IN_VENV) -m pip install -qq --disable-pip-version-check -c constraints.txt -e '$(1)'

.venv/.installed: .venv/.made pyproject.toml constraints.txt
	@$(call INSTALL,.)
	@touch $@

.venv/.installed-%: .venv/.made pyproject.toml constraints.txt
	@$(call INSTALL,.[$*])
	@touch .venv/.installed $@

# Without the package: that cannot be installed while constraints.txt contradicts pyproject.toml.
.venv/bin/uv: | .venv/.made
	@$(IN_VENV) -m pip install -qq --disable-pip-version-check -c constraints.txt uv

# As on a cluster that `make submit` has been to: Ray, what runtime_env.yaml names, and nothing else.
.venv/rays/%/.made: constraints.txt runtime_env.yaml | .venv/.installed-dev
	@echo 'Installing Ray $* into .venv/rays …' >&2
	@$(IN_VENV) -m venv --clear .venv/rays/$*
	@grep -v '^ray==' constraints.txt > .venv/rays/$*/constraints.txt
	@.venv/rays/$*/bin/python -m pip install -qq --disable-pip-version-check -c .venv/rays/$*/constraints.txt \
	  'ray[default]==$*' $$($(IN_VENV) -c "import yaml; print(*yaml.safe_load(open('runtime_env.yaml'))['pip'])")
	@touch $@
