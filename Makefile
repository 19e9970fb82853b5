# `make` lists the targets. Python 3.11 with venv, and make, are all that is needed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
SOAK_ARGS ?=
WORLDS_ARGS ?= --seeds 300
FAULTS_ARGS ?=
MUTANTS_ARGS ?= --sample 400 --seed 1
FUZZ_ARGS ?=
PLANTED ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --only-binary :all:
say = @printf '%-9s %s\n' '$(1)' '$(2)'

# Stamps: each says "this step was done after its inputs last changed". A changed runtime lock starts from an empty
# environment, so that no package outlives its line.
RUNTIME := $(VENV)/.stamp-runtime
DEV := $(VENV)/.stamp-dev
PROJECT := $(VENV)/.stamp-project
SEMGREP := $(VENV)/.stamp-semgrep

.PHONY: help venv demo screens limits sbom test check lint format types imports tests cover bench soak scoreboard lock clean rules worlds faults mutants fuzz forgeries planted

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(RUNTIME): requirements/runtime.txt requirements/build.txt
	$(call say,venv,locked runtime packages into $(VENV))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m venv --clear $(VENV) || { echo "No virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }
	@$(INSTALL) -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

$(PROJECT): pyproject.toml $(RUNTIME)
	$(call say,venv,the project itself (editable))
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	$(call say,venv,locked development packages)
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

venv: $(DEV) $(PROJECT) ## make or renew .venv from the locks
	$(call say,venv,ready)

demo: $(PROJECT) ## the story, start to end, in the terminal
	@$(BIN)/holdgate demo

screens: $(DEV) $(PROJECT) ## pictures of every screen into docs/screens (needs chromium)
	@$(BIN)/python -m tests.e2e.pictures

test: lint rules types imports tests ## everything a change must pass

lint: $(DEV) $(PROJECT) ## ruff: rules and format
	$(call say,lint,ruff check)
	@$(BIN)/ruff check --quiet .
	$(call say,lint,ruff format --check)
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not in the house format (above, or run: make format)"; $(BIN)/ruff format --check . || exit 1; }

format: $(DEV) ## write the house format, mend what ruff can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

$(SEMGREP): requirements/semgrep.txt $(RUNTIME)
	$(call say,venv,the locked semgrep without its packages)
	@rm -rf $(VENV)/semgrep
	@$(INSTALL) --no-deps --target $(VENV)/semgrep -r requirements/semgrep.txt
	@touch $@

rules: $(DEV) $(SEMGREP) ## bandit and semgrep: rules of security
	$(call say,rules,bandit)
	@$(BIN)/bandit --quiet -c pyproject.toml -r src examples
	@! printf 'import pickle\npickle.loads(x)\n' | $(BIN)/bandit --quiet - >/dev/null 2>&1 || { echo "bandit finds nothing in a sample that is wrong"; exit 1; }
	$(call say,rules,semgrep)
	@$(BIN)/python -m tests.semgrep.run $(VENV)/semgrep

types: $(DEV) $(PROJECT) ## mypy, strict
	$(call say,types,mypy --strict)
	@$(BIN)/mypy --no-error-summary

imports: $(DEV) $(PROJECT) ## import rules
	$(call say,imports,who may import whom)
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) && grep '^Contracts:' <<<"$$out" || { sed -n '/^Contracts$$/,$$p' <<<"$$out"; exit 1; }

tests: $(DEV) $(PROJECT) ## pytest, every core (PYTEST_ARGS=... for more)
	$(call say,tests,pytest)
	@$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

cover: $(DEV) $(PROJECT) ## branch coverage; the core must reach 95 %
	$(call say,cover,pytest with branch coverage)
	@$(BIN)/python -m pytest -n auto --cov --cov-report= $(PYTEST_ARGS)
	@$(BIN)/coverage report --fail-under=95 --include='$(CORE_FILES)'

CORE_FILES := src/holdgate/terms/*,src/holdgate/identity/*,src/holdgate/ledger/*,src/holdgate/law/*,src/holdgate/handoff/*,src/holdgate/pay/*,src/holdgate/audit/*

mutants: $(DEV) $(PROJECT) ## small changes to the core that some test must notice (MUTANTS_ARGS="" for all of them: hours)
	$(call say,mutants,$(MUTANTS_ARGS))
	@$(BIN)/python -m tests.mutants $(MUTANTS_ARGS)

bench: $(PROJECT) ## what a site costs on this machine
	@$(BIN)/holdgate bench

lock: ## compile requirements/*.in into the locks (needs uv)
	@UV='$(UV)' bash requirements/lock

soak: $(DEV) $(PROJECT) ## one shop on fourteen machines while everything fails (root, iproute2, faketime; minutes)
	@$(BIN)/python -m tests.soak.many_machines $(SOAK_ARGS)

scoreboard: $(DEV) $(PROJECT) ## run what feeds the scoreboard in its CI size, and write it into docs/reliability.md
	@HOLDGATE_SCORES='$(CURDIR)/docs/scores' $(BIN)/python -m pytest -n auto $(SCORED)
	@$(BIN)/python -m tests.tidy.scoreboard_page

SCORED := tests/faults tests/golden tests/sim tests/planted tests/fuzz tests/mutants tests/conformance/test_agreement.py \
	tests/unit/test_second_verifier.py tests/unit/test_roots_verified.py

worlds: $(DEV) $(PROJECT) ## many simulated shops, each with other faults (WORLDS_ARGS="--first 1 --seeds 300 --processes 2")
	@$(BIN)/python -m tests.sim.soak $(WORLDS_ARGS)

faults: $(DEV) $(PROJECT) ## storage that fails in every way: calls, power cuts, full disks, bit rot, restores (minutes; FAULTS_ARGS)
	@$(BIN)/python -m tests.faults.campaign $(FAULTS_ARGS)

fuzz: $(DEV) $(PROJECT) ## a million altered inputs against everything that reads (minutes)
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

forgeries: $(DEV) $(PROJECT) ## a million forged inputs; a hundred thousand signatures before four verifiers (minutes)
	@HOLDGATE_FORGERIES=1000000 HOLDGATE_AGREEMENT=100000 $(BIN)/python -m pytest -q tests/fuzz/test_forgeries.py tests/conformance/test_agreement.py

planted: $(DEV) $(PROJECT) ## plant every defect of tests/planted, write docs/planted.md
	@$(BIN)/python -m tests.planted $(PLANTED)

limits: $(DEV) $(PROJECT) ## docs/limits.md from terms/limits.py
	@$(BIN)/python -m tests.tidy.limits_page

sbom: $(DEV) ## dist/holdgate.cdx.json: every locked package, as CycloneDX
	@$(BIN)/python -m tests.tidy.sbom dist/holdgate.cdx.json
	$(call say,sbom,dist/holdgate.cdx.json)

clean: ## remove .venv, caches and build results
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
