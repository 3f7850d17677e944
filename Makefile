# The only commands. Each sets up what it needs; nothing else has to be installed than Python 3.11 or newer and make.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# Programs that look for a home directory find one, even where there is none.
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/.local/home
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

PYTHON ?= python3
VENV := .venv
TOOLS := .venv-tools
SCANNER := .venv-checkov
BIN := $(VENV)/bin
NODE := $(TOOLS)/bin/node
NPM := $(TOOLS)/bin/python -m tools.page_build.backend npm
# Every package is listed with its version, so nothing has to be resolved.
INSTALL := install --quiet --no-deps --no-compile

# make deploy
STACK ?= wavebreak
REGION ?= $(or $(AWS_REGION),$(AWS_DEFAULT_REGION),us-east-1)
# SAM builds for the Python that it runs on itself.
RUNTIME ?= $(shell $(BIN)/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
ARCHITECTURE ?= arm64
PARAMETERS ?=

# make verify-aws
PLAN ?=
DRILL ?= no
SERVERS ?= 3
REPLACE ?= no
JSON ?=

# make chaos
DAYS ?=

.PHONY: help
help: ## show this list
	@echo "Wavebreak. Commands:"
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)$$/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-20s %s\n' "$$name" "$$text"; done
	@echo
	@echo "The local stack takes WAVEBREAK_PORT (4566), WAVEBREAK_SIMULATOR_PORT (4567), WAVEBREAK_TIME_SCALE (1 is real"
	@echo "time) and WAVEBREAK_SEED (repeats the services' manners, those of tests too) from the environment; FORCE=1 lets"
	@echo "make up end one that runs with others. make deploy takes STACK=wavebreak, REGION, RUNTIME (this Python's),"
	@echo "ARCHITECTURE (arm64) and PARAMETERS='Name=value ...' of the template, and uses the AWS credentials of your"
	@echo "environment. So does make verify-aws, with STACK, REGION, PLAN=id, DRILL=yes (launches, and bills, what the plan"
	@echo "names), SERVERS=3 (the most that it launches), REPLACE=yes (of earlier drills) and JSON=file;"
	@echo "docs/aws-behaviour.md has the details."

.PHONY: demo
demo: $(VENV)/.demo ## run a drill on a local stack of its own, with no AWS account
	@$(BIN)/python -m tools.demo

.PHONY: up
up: $(VENV)/.demo ## start the local stack in the background
	@$(BIN)/python -m tools.local_stack up

.PHONY: down
down: $(VENV)/.demo ## stop the local stack
	@$(BIN)/python -m tools.local_stack down

.PHONY: status
status: $(VENV)/.demo ## say whether the local stack is up, and where
	@$(BIN)/python -m tools.local_stack status

.PHONY: test
test: lint typecheck template definitions compliance artefact page pytest browser ## check and test everything

.PHONY: lint
lint: $(VENV)/.test template ## check style, the template and the API's description
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/python -m tools.packaging.openapi --check

.PHONY: typecheck
typecheck: $(VENV)/.test ## check the types of code, tools and tests
	@$(BIN)/mypy

# WS1004 knows groups of logs by the name that Lambda would give them; ours are made before their functions, and tests
# hold one for each.
.PHONY: template
template: $(VENV)/.demo $(TOOLS)/.ready
	@$(TOOLS)/bin/cfn-lint --append-rules cfn_lint_serverless.rules --ignore-checks WS1004 --template template.yaml infra/*.yaml
	@$(TOOLS)/bin/cfn-lint --template examples/arc/template.yaml examples/steps/*/template.yaml
	@$(BIN)/python -m tools.packaging.sam validate --lint --template template.yaml --region us-east-1 > /dev/null

.PHONY: definitions
definitions: $(VENV)/.demo $(TOOLS)/.definitions
	@$(BIN)/python -m tools.definitions | $(NODE) tools/definitions/validate.mjs

.PHONY: compliance
compliance: $(VENV)/.demo $(SCANNER)/.ready
	@$(BIN)/python -m tools.compliance $(SCANNER)/bin/checkov

.PHONY: artefact
artefact: $(VENV)/.demo
	@$(BIN)/python -m tools.packaging.artefact

.PHONY: pytest
pytest: $(VENV)/.test
	@$(BIN)/pytest -n 2 tests/unit tests/simulator tests/cli tests/infra tests/integration
	@$(BIN)/pytest tests/e2e

.PHONY: unit
unit: $(VENV)/.test ## run the tests of the parts: code, command line, simulator
	@$(BIN)/pytest tests/unit tests/simulator tests/cli

.PHONY: integration
integration: $(VENV)/.test ## run machines and handlers in one process, check template and local stack
	@$(BIN)/pytest tests/integration tests/infra

.PHONY: e2e
e2e: $(VENV)/.test ## drive a local stack through its REST API
	@$(BIN)/pytest tests/e2e

.PHONY: console
console: up $(TOOLS)/.page $(VENV)/.console ## build the operator's page and open it against the local stack
	@$(TOOLS)/bin/python -m tools.page_build.backend
	@$(BIN)/wavebreak console

# The page of the operator: types against the API's description, the parts, the build.
.PHONY: page
page: $(TOOLS)/.page
	@$(NPM) run --silent types -- --check > /dev/null || { echo "docs/openapi.json has changed: make types" >&2; exit 1; }
	@$(NPM) run --silent check
	@$(NPM) run --silent test -- --reporter=dot
	@$(TOOLS)/bin/python -m tools.page_build.backend

# Writes the page's types anew, when the API's description has changed.
.PHONY: types
types: $(TOOLS)/.page
	@$(NPM) run --silent types

.PHONY: browser
browser: $(TOOLS)/.page $(VENV)/.test ## drive the operator's page in a real browser against a local stack
	@$(TOOLS)/bin/python -m tools.page_build.backend
	@$(TOOLS)/bin/python -m tools.browser.chromium
	@$(BIN)/pytest tests/browser

.PHONY: soak
soak: $(VENV)/.test ## run fifty drills under random faults, a hundred of each race, two hundred histories of networks and a thousand targets; takes half an hour
	@WAVEBREAK_SEED=drawn WAVEBREAK_SEEDS=20 $(BIN)/pytest -n 2 tests/integration/executions/test_twenty_seeds.py
	@WAVEBREAK_NETWORK_HISTORIES=200 $(BIN)/pytest tests/unit/use_cases/test_network_histories.py
	@WAVEBREAK_SEED=drawn WAVEBREAK_FAULT_RUNS=50 WAVEBREAK_RACES=100 WAVEBREAK_TARGETS=1000 \
	  $(BIN)/pytest tests/e2e/test_fault_drill.py tests/e2e/test_races.py tests/e2e/test_commands.py

.PHONY: chaos
chaos: $(VENV)/.demo ## rehearse bad days on a local stack of its own; DAYS="drs-down restart" plays some
	@$(BIN)/python -m tools.chaos $(DAYS)

# Writes anew which calls of AWS each function makes, when the code has changed what it calls.
.PHONY: calls
calls: $(VENV)/.test
	@WAVEBREAK_RECORD_CALLS=1 $(BIN)/pytest -n 2 tests/integration

.PHONY: bench
bench: $(VENV)/.test $(TOOLS)/.page ## measure
	@$(BIN)/python -m tools.bench
	@$(TOOLS)/bin/python -m tools.page_build.backend
	@$(TOOLS)/bin/python -m tools.browser.chromium
	@$(BIN)/pytest --quiet --capture=no tests/browser/test_figures.py

.PHONY: build
build: $(VENV)/.demo ## build the functions for AWS
	@$(BIN)/python -m tools.packaging.sam build --template template.yaml \
	  --parameter-overrides Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE)

.PHONY: deploy
deploy: $(VENV)/.demo ## build and deploy to your AWS account
	@$(BIN)/python -m tools.packaging.aws_deployment --stack-name $(STACK) --region $(REGION) --destination
	@$(MAKE) --no-print-directory build
	@$(BIN)/python -m tools.packaging.aws_deployment --stack-name $(STACK) --region $(REGION) \
	  Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE) $(PARAMETERS)

# It knows from the tests which rights the product needs, and from their tools which ones those depend on.
.PHONY: verify-aws
verify-aws: $(VENV)/.test ## hold AWS, and a stack there, against what the product relies on; DRILL=yes launches a plan
	@$(if $(strip $(PLAN)),,echo "PLAN=... is missing: a plan that is stored in the stack" >&2; exit 3)
	@$(BIN)/python -m tools.verify_aws --stack '$(STACK)' --region '$(REGION)' --plan '$(PLAN)' --drill '$(DRILL)' \
	  --servers '$(SERVERS)' --replace '$(REPLACE)' $(if $(strip $(JSON)),--json '$(JSON)')

# What demo and local stack need.
$(VENV)/.demo: requirements/demo.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/it") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV), once ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip $(INSTALL) --requirement requirements/demo.txt
	@$(BIN)/pip $(INSTALL) --no-build-isolation --editable .
	@touch $@

# What lint, type check and tests need on top.
$(VENV)/.test: requirements/test.txt requirements/console.txt $(VENV)/.demo
	@echo "Adding the test tools to $(VENV), once ..."
	@$(BIN)/pip $(INSTALL) --requirement requirements/test.txt
	@touch $@

# What the operator's page is served with.
$(VENV)/.console: requirements/console.txt $(VENV)/.demo
	@$(BIN)/pip $(INSTALL) --requirement requirements/console.txt
	@touch $@

# The packages of the operator's page, from npm.
$(TOOLS)/.page: console/package-lock.json console/.npmrc $(TOOLS)/.ready
	@echo "Getting the packages of console/, once ..."
	@$(NPM) ci --loglevel=error > /dev/null
	@touch $@

# The checker of state machines, from npm: Node and npm come from the tools' own environment, whatever the machine has.
$(TOOLS)/.definitions: tools/definitions/package-lock.json tools/definitions/.npmrc $(TOOLS)/.ready
	@PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" npm --prefix tools/definitions ci --loglevel=error > /dev/null
	@touch $@

# The template linter, which does not fit together with SAM's; Node and npm.
$(TOOLS)/.ready: requirements/tools.txt
	@echo "Setting up $(TOOLS), once ..."
	@test -x $(TOOLS)/bin/pip || $(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/pip $(INSTALL) --requirement requirements/tools.txt
	@touch $@

# The scanner of the templates, which fits together with neither.
$(SCANNER)/.ready: requirements/checkov.txt
	@echo "Setting up $(SCANNER), once ..."
	@test -x $(SCANNER)/bin/pip || $(PYTHON) -m venv $(SCANNER)
	@$(SCANNER)/bin/pip $(INSTALL) --requirement requirements/checkov.txt
	@touch $@
