# `make help` lists what there is. Everything is installed into .venv and ${XDG_CACHE_HOME:-~/.cache}/kubeocr.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try it

.PHONY: install
install: .venv/installed ## The three programs and the models, into .venv

.PHONY: demo
demo: install ## An OCRService on this machine, no cluster: apply, send a page, see its text
	@$(BIN)/python examples/demo.py

.PHONY: cluster
cluster: .venv/installed-dev ## A real Kubernetes node with the operator on this machine (root; Linux)
	@$(BIN)/python -m tests.cluster.dev up

.PHONY: demo-cluster
demo-cluster: .venv/installed-dev ## Apply the example to that node and send a page
	@$(BIN)/python -m tests.cluster.dev demo

.PHONY: cluster-down
cluster-down: .venv/installed-dev ## Remove the node and all that it started
	@$(BIN)/python -m tests.cluster.dev down

.PHONY: images
images: .venv/installed-dev ## Build the three images without a docker daemon (root; Linux)
	@$(BIN)/python -m tests.cluster.images

##@ Release

.PHONY: push
push: .venv/installed-dev ## Push the images and the chart: REGISTRY=host[:port][/path] [VERSION=1.2.3] (root; Linux)
	@$(BIN)/python -m tests.release.push "$(REGISTRY)" $(VERSION)

.PHONY: sbom
sbom: .venv/installed-dev ## What is in the images, as CycloneDX JSON, into dist/ (root; Linux)
	@$(BIN)/python -m tests.release.sbom

##@ Develop

.PHONY: generate
generate: .venv/installed-dev ## Write what is generated: CRDs, the chart's copies, table and dashboards, Argo CD's settings, API manual, metrics
	@$(BIN)/python -m ocr_operator.crdgen crds
	@$(BIN)/python -m ocr_gateway.routes.manual docs/api > docs/api.md
	@$(BIN)/python -m ocr_operator.crdgen.reference > docs/reference.md
	@cp crds/*.yaml charts/ocr-operator/files/crds/
	@cp operator/src/ocr_operator/operands.yaml charts/ocr-operator/files/
	@$(BIN)/python -m ocr_operator.crdgen.defaults > charts/ocr-operator/files/defaults.yaml
	@$(BIN)/python argocd/config/generate.py > argocd/config/argocd-cm.yaml
	@$(BIN)/python charts/readme.py
	@$(BIN)/python -m ocr_gateway.formats.json > docs/schemas/ocr-result.v1.json
	@$(BIN)/python -m tests.catalogue > docs/metrics.md
	@$(BIN)/python -m tests.conditions > docs/conditions.md
	@$(BIN)/python -m tests.observability.dashboards charts/ocr-operator/files/dashboards

.PHONY: lint
lint: .venv/installed-dev ## ruff, mypy, import contracts, YAML
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --verbose | tail -n 12
	$(BIN)/yamllint --strict .

# What the later suites stand on is built meanwhile, in time that the earlier ones leave; a build that fails is
# tried again, and says why, where it is needed.
.PHONY: test
test: .venv/installed-dev ## Everything, as CI runs it
	@nice -n 19 setsid $(BIN)/python -m tests.cluster.tools > /dev/null 2>&1 & builds=$$!; \
	trap 'kill -- -$$builds 2> /dev/null || true' EXIT; \
	$(MAKE) lint test-unit test-component test-e2e test-observability test-gitops

.PHONY: test-unit
test-unit: .venv/installed-dev ## Pure code and goldens, seconds
	$(PYTEST) tests/unit --numprocesses=2

.PHONY: test-component
test-component: .venv/installed-dev ## Real programs; the operator against a real kube-apiserver
	$(PYTEST) tests/component --numprocesses=2 --dist=loadfile

.PHONY: test-e2e
test-e2e: .venv/installed-dev ## Real images on a real node: kubectl and HTTP (root; Linux)
	$(PYTEST) tests/e2e -m "not long"

.PHONY: e2e
e2e: .venv/installed-dev ## All of these, the ones that take minutes too
	$(PYTEST) tests/e2e

.PHONY: test-observability
test-observability: .venv/installed-dev ## The short form of e2e-observability: scrapes, quick faults
	$(PYTEST) tests/observability -m "not long"

.PHONY: e2e-observability
e2e-observability: .venv/installed-dev ## Real Prometheus on a real node: scrapes, rules, alerts, every panel (root; Linux; OVERVIEW=FILE: a picture)
	$(PYTEST) tests/observability $(if $(OVERVIEW),--overview=$(OVERVIEW))

.PHONY: test-gitops
test-gitops: .venv/installed-dev ## The short form of e2e-gitops
	$(PYTEST) tests/gitops -m "not long"

.PHONY: e2e-gitops
e2e-gitops: .venv/installed-dev ## The real Argo CD on a real node: commits and what they do (root; Linux)
	$(PYTEST) tests/gitops

.PHONY: bench-engine
bench-engine: .venv/installed-dev ## Engines compared in speed and text, into docs/benchmarks.md (QUICK=1: short)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

.PHONY: screenshot
screenshot: .venv/installed-dev ## The page as it looks, into docs/page.png (Debian's Chromium)
	@$(BIN)/python -m tests.screenshot

.PHONY: bench-gateway
bench-gateway: .venv/installed-dev ## What the gateway costs, into docs/benchmarks-gateway.md (QUICK=1: short)
	@$(BIN)/python -m tests.bench.gateway $(if $(QUICK),--quick)

.PHONY: bench-operator
bench-operator: .venv/installed-dev ## What 1 to 1,000 services cost the operator, into docs/benchmarks-operator.md (QUICK=1: short; SIZE=3000: that many)
	@$(BIN)/python -m tests.bench.fleet $(if $(QUICK),--quick) $(if $(SIZE),--size $(SIZE))

.PHONY: chaos
chaos: .venv/installed-dev ## Users and faults by the dice against the operator, into docs/benchmarks-chaos.md (SEEDS=200, or SEED=n alone)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED),$(if $(SEEDS),--seeds $(SEEDS)))

.PHONY: bench-overload
bench-overload: .venv/installed-dev ## Gateway and model server at 80 % and 200 % of their capacity (3 minutes)
	@$(BIN)/python -m tests.bench.overload

.PHONY: bench-scaling
bench-scaling: .venv/installed-dev ## Many model servers and tenfold bursts, simulated and held against measurements, into docs/scaling.md
	@$(BIN)/python -m tests.bench.scaling

.PHONY: bench-fuzz
bench-fuzz: .venv/installed-dev ## 10,000 damaged images to a model server; fails when one ends a worker (6 minutes)
	@$(BIN)/python -m tests.bench.fuzz

.PHONY: soak
soak: .venv/installed-dev ## Mixed traffic on a real node while pods go and come, into docs/benchmarks-soak.md (MINUTES=30; root; Linux)
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30)

.PHONY: clean
clean: ## Remove .venv and what tools left in the checkout
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "KubeOCR needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "== making .venv"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get -qq update && apt-get -qq install -y python3-venv; } \
	  || { echo "Python has no venv module: install the package python3-venv" >&2; exit 1; }
	@rm -rf .venv && $(PYTHON) -m venv .venv

.venv/installed: pyproject.toml modelserver/src/ocr_modelserver/models/catalogue.yaml | .venv/bin/pip
	@echo "== installing the programs (a minute the first time)"
	@$(BIN)/pip install --quiet --editable '.[operator,gateway,modelserver,client]'
	@echo "== fetching the models"
	@$(BIN)/ocr-modelserver fetch-models
	@touch $@

.venv/installed-dev: pyproject.toml .venv/installed
	@echo "== installing the development tools"
	@command -v redis-server >/dev/null || { apt-get -qq update && apt-get -qq install -y redis-server; } \
	  || { echo "Tests want a Redis: install the package redis-server" >&2; exit 1; }
	@$(BIN)/pip install --quiet --editable '.[operator,gateway,modelserver,client,tracing,dev]'
	@touch $@
