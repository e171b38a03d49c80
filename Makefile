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

##@ Develop

.PHONY: generate
generate: .venv/installed-dev ## Write what is generated from code: the CRD, the chart's copies, schema and manual of the API
	@$(BIN)/python -m ocr_operator.crdgen crds
	@$(BIN)/python -m ocr_gateway.routes.manual docs/api > docs/api.md
	@cp crds/*.yaml charts/ocr-operator/files/crds/
	@cp operator/src/ocr_operator/operands.yaml charts/ocr-operator/files/
	@$(BIN)/python -m ocr_gateway.formats.json > docs/schemas/ocr-result.v1.json

.PHONY: lint
lint: .venv/installed-dev ## ruff, mypy, import contracts, YAML
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --verbose | tail -n 12
	$(BIN)/yamllint --strict .

.PHONY: test
test: lint test-unit test-component test-e2e ## Everything, as CI runs it

.PHONY: test-unit
test-unit: .venv/installed-dev ## Pure code and goldens, seconds
	$(PYTEST) tests/unit

.PHONY: test-component
test-component: .venv/installed-dev ## Real programs; the operator against a real kube-apiserver
	$(PYTEST) tests/component

.PHONY: test-e2e
test-e2e: .venv/installed-dev ## Real images on a real node: kubectl and HTTP (root; Linux)
	$(PYTEST) tests/e2e

.PHONY: bench-engine
bench-engine: .venv/installed-dev ## Engines compared in speed and text, into docs/benchmarks.md (QUICK=1: short)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

.PHONY: screenshot
screenshot: .venv/installed-dev ## The page as it looks, into docs/page.png (Debian's Chromium)
	@$(BIN)/python -m tests.screenshot

.PHONY: bench-gateway
bench-gateway: .venv/installed-dev ## What the gateway costs, into docs/benchmarks-gateway.md (QUICK=1: short)
	@$(BIN)/python -m tests.bench.gateway $(if $(QUICK),--quick)

.PHONY: bench-overload
bench-overload: .venv/installed-dev ## Gateway and model server at 80 % and 200 % of their capacity (3 minutes)
	@$(BIN)/python -m tests.bench.overload

.PHONY: bench-fuzz
bench-fuzz: .venv/installed-dev ## 10,000 damaged images to a model server; fails when one ends a worker (6 minutes)
	@$(BIN)/python -m tests.bench.fuzz

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
	@$(BIN)/pip install --quiet --editable '.[operator,gateway,modelserver,client,dev]'
	@touch $@
