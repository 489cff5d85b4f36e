# Everything sets itself up: a machine with Python 3.11 or newer and make is enough.
PYTHON ?= python3
VENV := .venv
DOCS := .venv-docs
LOWEST := .venv-lowest
DEMO := .venv-demo
BENCH := .venv-bench
RECORDING := .venv-recording
FUZZ := .venv-fuzz
MUTANTS := .venv-mutants
DIST := .venv-dist
RUNTIME := .venv-runtime
WHEEL := .venv-wheel
BIN := $(VENV)/bin
COVERED := .cache/coverage

# What each environment holds.
HOLDS_$(VENV) := --group dev --editable .[audit]
HOLDS_$(DOCS) := --group docs
HOLDS_$(LOWEST) := --resolution lowest-direct --group test --group otel-test --group application-test --editable .
HOLDS_$(DIST) := --group dist
HOLDS_$(FUZZ) := --group fuzz-test --editable .
HOLDS_$(MUTANTS) := --group mutants --editable .
HOLDS_$(DEMO) := --editable .
HOLDS_$(RECORDING) := --group test --group otel-test --group application-test --group recording --editable .
HOLDS_$(BENCH) := --group test --group otel-test --group application-test --editable .

.PHONY: help demo test services lint types unit quick servers coverage lowest bench recording torture fuzz mutants model simulate \
  certainty versions frameworks leaks peers evaluate dist sbom wheel-test clean

help:  ## What there is to run.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(DEMO)/.made  ## The main job: a real 401 storm, without the filter and with it.
	@$(DEMO)/bin/sentry-filters demo

test: services lint types  ## Lint, types, and all tests, on newest and lowest dependencies.
	@$(MAKE) --no-print-directory -j3 quick servers lowest  # side by side: one process uses one core
	@$(MAKE) --no-print-directory limits

services:  ## The servers that some tests start: installed as root by apt, else named.
	@.ci/services

lint: $(VENV)/.made  ## Ruff.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.made  ## mypy --strict.
	$(BIN)/mypy

unit: quick servers  ## All tests, on the newest dependencies.

quick: $(VENV)/.made  ## The tests without servers.
	COVERAGE_FILE=$(CURDIR)/$(COVERED).quick $(BIN)/python -m pytest -q -m "not integration" -p no:cacheprovider --cov --cov-report=

servers: $(VENV)/.made services  ## The tests with servers and browsers.
	COVERAGE_FILE=$(CURDIR)/$(COVERED).servers COVERAGE_PATCH=subprocess $(BIN)/python -m pytest -q -m integration -p no:cacheprovider --cov --cov-report=

# Two reports, since each has one limit only. What they measure is what `quick` and `servers` left.
.PHONY: limits
limits:
	@$(BIN)/coverage combine --quiet --keep --data-file=$(COVERED) $(COVERED).quick $(COVERED).servers
	@$(BIN)/coverage report --data-file=$(COVERED) --include='sentry_filters/core/*,sentry_filters/evidence/*' --fail-under=100
	@$(BIN)/coverage report --data-file=$(COVERED) --fail-under=95

coverage: unit  ## Lines and branches that the tests run, on the newest dependencies, and what they leave out.
	@$(MAKE) --no-print-directory limits  # of what both have left, also with -j

# Which releases are installed means nothing to these: `quick` runs them.
APART := architecture docs evaluate machine model mutants promises simulation test_architecture.py test_promises.py
lowest: $(LOWEST)/.made  ## The tests without servers, on the lowest dependencies that pyproject.toml states.
	$(LOWEST)/bin/python -m pytest -q -m "not integration" -p no:cacheprovider $(APART:%=--ignore=tests/%)

.PHONY: docs
docs: $(DOCS)/.made  ## The documentation site, from docs/: every warning is an error.
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet --strict -f docs/site/mkdocs.yml
	@echo "$(DOCS)/bin/python -m http.server -b 127.0.0.1 -d .cache/site  # shows it"

bench: $(BENCH)/.peers  ## What it costs, as ratios of one run (KEEP=docs/bench.json: into the documents, too).
	@$(BENCH)/bin/python -m tests.bench $(if $(KEEP),--keep $(KEEP))

recording: $(RECORDING)/.made services  ## Record anew what `make bench` replays, from real instrumentations and SDKs.
	@$(RECORDING)/bin/python -m tests.bench.recording tests/bench/recorded.json.gz

$(BENCH)/.peers: $(BENCH)/.made  # one by one: what cannot be installed is left out
	@$(BENCH)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["bench"], sep="\n")' \
	| while read -r peer; do \
	  $(BENCH)/bin/uv pip install --quiet --python $(BENCH)/bin/python "$$peer" || echo "left out: $$peer cannot be installed"; \
	done
	@touch $@

torture: $(VENV)/.made  ## A soak of mixed traffic and faults (SECONDS=150, SEED=random); what must hold is checked.
	@$(BIN)/python -m tests.torture --seconds $(or $(SECONDS),150) $(if $(SEED),--seed $(SEED))

fuzz: $(FUZZ)/.made  ## Hostile input, from where it stopped (SECONDS=300, SEED=random, ONLY=targets; KEEP=1 writes the corpora).
	@$(FUZZ)/bin/python -m tests.fuzz --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(KEEP),--keep)

mutants: $(MUTANTS)/.made  ## Small mistakes in the core, one by one (ONLY=evidence); the tests must notice, or the list says why not.
	@$(MUTANTS)/bin/python -m tests.mutants $(addprefix --only ,$(ONLY))

model: $(VENV)/.made  ## The session's life, model-checked far beyond the tests (STATES=12000000).
	@$(BIN)/python -m tests.model $(if $(STATES),--states $(STATES))

simulate: $(VENV)/.made  ## A fleet's life, simulated from seeds (SEEDS=100000, FIRST=0, WORLD=renewing; REPLAY=seed shows one; MUTANTS=1 tries mistakes).
	@$(BIN)/python -m tests.simulation$(if $(MUTANTS),.mutants,$(if $(WORLD), --world $(WORLD))$(if $(REPLAY), --replay $(REPLAY), --seeds $(or $(SEEDS),100000) --first $(or $(FIRST),0)))

certainty: $(VENV)/.made services  ## Every row of the session's life, in every set-up (KEEP=docs/certainty.md).
	@$(BIN)/python -m tests.certainty $(if $(KEEP),--keep $(KEEP))

versions: $(VENV)/.made  ## The tests without servers, on every Python, with lowest and newest dependencies (KEEP=docs/versions.json).
	@$(BIN)/python -m tests.versions $(if $(KEEP),--keep $(KEEP))

frameworks: $(VENV)/.made  ## Real LLM clients and frameworks against a dead session (KEEP=docs/frameworks/README.md).
	@$(BIN)/python -m tests.frameworks $(if $(KEEP),--keep $(KEEP))

leaks: $(VENV)/.made  ## Leaks that others published, on their own code (KEEP=docs/leaks.md).
	@$(BIN)/python -m tests.leaks $(if $(KEEP),--keep $(KEEP))

peers: $(VENV)/.made  ## The test suites of the SDKs and clients, without the guard and with it (ONLY=sentry, KEEP=docs/peers.md).
	@$(BIN)/python -m tests.peers $(if $(KEEP),--keep $(KEEP)) $(ONLY)

evaluate: $(VENV)/.made  ## Redaction of what nobody has listed: recall and harmless lines (SEED=the release, SHOW=0).
	@$(BIN)/python -m tests.evaluate $(if $(SEED),--seed $(SEED)) $(if $(SHOW),--show $(SHOW))

# Of the last commit's time, so that the same commit makes the same bytes.
dist: $(DIST)/.made  ## Wheel and sdist, built and checked, under dist/.
	rm -rf dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1580601600)} \
	  $(DIST)/bin/uv build --quiet --out-dir dist
	$(DIST)/bin/twine check --strict dist/*.whl dist/*.tar.gz
	$(DIST)/bin/check-wheel-contents dist/*.whl

sbom: dist  ## What the wheel installs, as CycloneDX, under dist/.
	$(DIST)/bin/uv venv --quiet --clear --python $(DIST)/bin/python $(RUNTIME)
	$(DIST)/bin/uv pip install --quiet --python $(RUNTIME)/bin/python dist/*.whl
	$(DIST)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
	  --output-file $$(ls dist/*.whl | sed 's/-py3-none-any.whl/.cdx.json/') $(RUNTIME)/bin/python

wheel-test: dist  ## The tests without servers, on the wheel in an environment of its own.
	$(DIST)/bin/uv venv --quiet --clear --seed --python $(DIST)/bin/python $(WHEEL)
	$(DIST)/bin/uv pip install --quiet --python $(WHEEL)/bin/python uv --group dev $$(ls dist/*.whl)[audit]
	@$(WHEEL)/bin/python -m tests.packaging dist/*.tar.gz $(TESTS)

clean:  ## Remove what the other targets have made.
	rm -rf $(VENV) $(DOCS) $(LOWEST) $(DEMO) $(BENCH) $(RECORDING) $(FUZZ) $(DIST) $(RUNTIME) $(WHEEL) dist .venv-3.* .venv-frameworks-* .venv-peers-* .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

%/.made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install --quiet --disable-pip-version-check uv
	$*/bin/uv pip install --quiet --python $*/bin/python $(HOLDS_$*)
	@touch $@
