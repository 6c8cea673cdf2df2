# The build front. `make` alone lists what there is. Nothing here needs an account, a setting or Docker.

PY := .venv/bin/python
SETUP := .venv/.installed
STAGES := dev prod
# What the library alone supports beside the artifact's Python: typed for all of them.
OTHER_PYTHONS := 3.12 3.14

# Node 20 is what many machines have; the CDK's warnings about it would bury everything else.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# The machine's own certificates, as pip uses them: behind a company's proxy no others will do.
export UV_SYSTEM_CERTS := 1

# What the verdict is about.
STAGE ?= prod
PREVIOUS ?=
# Of one deployment: its name (else when it is, and of which commit), and whether alarms may take it back: on or off.
RELEASE ?=
GATES ?=
# Of a rollback: the one stack that goes back, such as Api; the stacks that hold data stay as they are.
ONLY ?=
JUDGED = --stage $(STAGE) $(if $(PREVIOUS),--previous $(PREVIOUS))

# Folders too: a file that is removed changes its folder.
FUNCTIONS := $(shell find functions -not -name '.*' -not -path '*/__pycache__*')
ARTIFACT := $(wildcard local/twin/twinvault_local/artifact/*.py)
PACKAGES := $(wildcard local/*/pyproject.toml) constructs/pyproject.toml cli/pyproject.toml
STACKS := app.py cdk.json $(wildcard stacks/*.py constructs/twinvault_cdk/*.py)

.DEFAULT_GOAL := help
.PHONY: help setup fetch build bill wheels synth lint-templates check test test-all parity test-docker either-way verdict deploy release sam-env demo down bench vectors mutants schema lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(SETUP) ## the Python environment in .venv, from the locked requirements

$(SETUP): scripts/setup scripts/python requirements/dev.txt requirements/uv.txt pyproject.toml $(PACKAGES)
	@echo '==> Python environment'
	@scripts/setup
	@touch $@

fetch: $(SETUP) ## what the twin takes from the network, into .cache
	@$(PY) scripts/fetch.py

build: build/functions.zip ## the Lambda artifact: build/functions.zip, for the processor of STAGE (prod)

# Where a stage is named, what is there may be of another one's processor.
NAMED := $(and $(filter build,$(MAKECMDGOALS)),$(filter command%,$(origin STAGE)))
.PHONY: anew
build/functions.zip: $(SETUP) requirements/runtime.txt cdk.json $(ARTIFACT) $(FUNCTIONS) $(if $(NAMED),anew)
	@echo '==> Lambda artifact'
	@$(PY) -m twinvault_local.artifact --stage $(STAGE)
	@touch $@

bill: build/functions.cdx.json ## the artifact's bill of materials (CycloneDX), beside it

build/functions.cdx.json: build/functions.zip requirements/runtime.txt $(SETUP)
	@echo '==> Bill of materials'
	@$(PY) -m twinvault_verdict.bill

wheels: $(SETUP) ## dist/: our packages as wheels, and lock files by hash, for a project of one's own
	@echo '==> Wheels'
	@$(PY) scripts/wheels.py dist

synth: $(STAGES:%=build/synth/%/manifest.json) ## the CloudFormation templates of both stages, under cdk-nag's eyes

build/synth/%/manifest.json: $(SETUP) build/functions.zip $(STACKS)
	@echo '==> Stacks of stage $*'
	@rm -rf build/synth/$*
	@CDK_OUTDIR=build/synth/$* CDK_CONTEXT_JSON='{"stage": "$*"}' $(PY) app.py

# W3005: the CDK names dependencies that are implied, too.
lint-templates: synth ## what cfn-lint says of both stages
	@echo '==> Templates'
	@.venv/bin/cfn-lint --ignore-checks W3005 -- build/synth/*/*.template.json

check: $(SETUP) ## format, lint and security rules, types, forbidden words, both stages
	@echo '==> Format'
	@.venv/bin/ruff format --check .
	@echo '==> Lint and security rules'
	@.venv/bin/ruff check .
	@echo '==> Types'
	@.venv/bin/mypy
	@cd examples/clinic && ../../.venv/bin/mypy
	@for version in $(OTHER_PYTHONS); do .venv/bin/mypy --python-version $$version functions/twinvault || exit 1; done
	@echo '==> Words'
	@$(PY) scripts/check_words.py
	@$(MAKE) --no-print-directory lint-templates

# The floor of coverage and the proof of all grants are of the whole suite: a part of it, chosen by ARGS, has neither.
test: $(SETUP) fetch build node_modules ## the whole suite, against real engines, and what of functions/ it runs
	@echo '==> Tests'
	@mkdir -p build/coverage
	@$(PY) -m pytest -n 2 -m 'not long' $(or $(ARGS),--cov --grants)

# What takes longer than everybody should wait for: tests that are marked `long`, of which `make test` runs a shorter one;
# a release beside the next one, and back; other languages' SDKs; and a project that `twinvault new` writes.
test-all: $(SETUP) fetch build ## what is too long for `make test`: tests marked long, two artifacts and a roll-back, the local KMS's clients, a new project
	@echo '==> Long tests'
	@$(PY) -m pytest -n 2 -m long $(ARGS)
	@echo '==> Two releases'
	@$(PY) -m pytest tests/either_way/test_mixed_versions.py $(ARGS)
	@echo '==> Clients of the local KMS'
	@$(PY) -m pytest tests/kms_clients $(ARGS)
	@echo '==> A new project'
	@$(PY) -m pytest tests/new_project $(ARGS)

# On AWS nothing of the twin is needed, nor seen: --confcutdir leaves out what the other tests start.
ON_AWS := $(filter aws,$(TARGET))
parity: $(SETUP) $(if $(ON_AWS),,fetch build) ## what twin and AWS have in common: the twin, or TARGET=aws STAGE=NAME (docs/parity.md)
	@echo '==> Parity suite: $(or $(TARGET),twin)'
	@$(PY) -m pytest tests/parity --target $(or $(TARGET),twin) $(if $(ON_AWS),--confcutdir=tests/parity --stage '$(STAGE)') $(ARGS)

test-docker: $(SETUP) ## the engines in Docker, and SAM; fails without a Docker engine, unless ALLOW_NO_DOCKER=1
	@echo '==> Tests in Docker'
	@$(PY) scripts/test_docker.py $(ARGS)

# PREVIOUS=FILE: that artifact in place of the last tag's.
either-way: $(SETUP) fetch build ## the last release and this one over one state, each reading what the other wrote
	@echo '==> Either artifact'
	@$(PY) -m pytest tests/either_way $(if $(PREVIOUS),--previous $(abspath $(PREVIOUS))) $(ARGS)

# What fails here is evidence too: the verdict says what and why.
verdict: $(SETUP) build bill ## GO or NO-GO for STAGE (prod); runs what is missing first
	@.venv/bin/twinvault verdict $(JUDGED) --missing | while read -r command; do \
	  echo "==> $$command"; $$command || true; done
	@.venv/bin/twinvault verdict $(JUDGED) $(if $(KEY),--key '$(KEY)') $(if $(VERIFIER),--verifier '$(VERIFIER)')

# A NO-GO ends it before anything reaches AWS. What is deployed is what was judged, with a name, and nothing else.
deploy: verdict node_modules ## the verdict, cdk deploy and verify-deploy of STAGE (prod) as RELEASE; GATES=off, ONLY=Api
	@echo '==> Release'
	@$(PY) -m twinvault_verdict.rollout --stage $(STAGE) $(if $(RELEASE),--release '$(RELEASE)') $(if $(GATES),--gates '$(GATES)')
	@echo '==> Deploy'
	@npx cdk deploy $(if $(ONLY),Twinvault-$(STAGE)-$(ONLY) --exclusively,--all) --app build/rollout/$(STAGE) $(CDK)
	@.venv/bin/twinvault verify-deploy --stage $(STAGE)

release: $(SETUP) build ## artifact, wheels, bill of materials and checksums: build/release
	@echo '==> Release'
	@$(PY) scripts/release.py $(ARGS)

sam-env: $(SETUP) ## what `sam local` needs of the running twin, into build/sam
	@$(PY) -m twinvault_local.sam $(if $(TWINVAULT_STATE),--state $(TWINVAULT_STATE))

demo: $(SETUP) ## a dialogue, stored encrypted and read back, in a running twin; PORT=8790: on that port
	@scripts/demo

down: $(SETUP) ## stop the twin
	@.venv/bin/twinvault down

bench: $(SETUP) fetch build ## the benchmarks, and docs/benchmarks.md with its tables and plots, in a quarter of an hour
	@$(PY) -m benchmarks $(ARGS)

vectors: $(SETUP) ## write the test vectors anew; they must not change
	@scripts/vectors
	@git diff --exit-code -- tests/vectors

schema: $(SETUP) ## write docs/dialogue.schema.json anew
	@$(PY) scripts/schema.py

mutants: $(SETUP) ## change the envelope in many small ways; every change must fail a test
	@scripts/mutants

lock: $(SETUP) ## resolve requirements/*.in anew
	@scripts/lock

node_modules: package.json package-lock.json ## the CDK command, for npx cdk, and what tests run with Node
	@npm ci --no-audit --no-fund
	@touch $@

clean: ## remove what was built; data and keys of the twin stay
	@rm -rf build cdk.out node_modules .pytest_cache .mypy_cache .ruff_cache
