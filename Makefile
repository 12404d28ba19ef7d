# Every target sets up what it needs by itself. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help repo demo test test-unit test-host soak conformance check format proto lock bench screenshots image rpm clean host-tools

VENV := .venv
PY := $(VENV)/bin/python
BIN := $(VENV)/bin
BUF_VERSION := 1.75.0
BUF := build/buf/node_modules/.bin/buf
# The one that .github/workflows/release-please.yml's action runs, so that tests speak for it.
RELEASE_PLEASE_VERSION := 17.6.0
RELEASE_PLEASE := build/release-please/node_modules/.bin/release-please
ACTIONLINT := build/actionlint/actionlint
SOURCES := services cli proto/breaking.py proto/generate.py rpm bench docs tests tests/host/box \
  tests/host/images tests/host/install-leger tests/host/built-package tests/host/demo \
  rpm/publish tests/conformance/go tests/conformance/run services/secrets/setec-upstream
# A file's tests share what they have set up: they stay together.
AT_ONCE := -n auto --dist loadfile --max-worker-restart 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready host-tools ## boot a host in a box and play a day with leger, aloud
	@$(PY) tests/host/demo

test: test-unit test-host ## all tests: unit, contract, release, and on a real host in a box

test-unit: $(VENV)/.ready $(BUF) $(RELEASE_PLEASE) host-tools ## unit, contract and release tests
	$(BIN)/pytest $(AT_ONCE) -o faulthandler_timeout=360 tests/unit tests/contract tests/release

soak: $(VENV)/.ready ## the long runs: many kills, many clients, long fuzzing, new examples
	$(BIN)/pytest tests/soak
	$(BIN)/pytest -m hypothesis --hypothesis-profile soak --timeout 3600 tests/unit

test-host: $(VENV)/.ready host-tools ## tests on a real host in a box
	$(BIN)/pytest $(AT_ONCE) --maxprocesses 2 tests/host

# Installs a Go toolchain into build/go where the machine has none that builds setec.
conformance: $(VENV)/.ready ## setec's client and test cases against setec's server and leger's
	@$(PY) tests/conformance/run

check: $(VENV)/.ready $(BUF) $(ACTIONLINT) ## read the code: style, types, layers, contracts, workflows, docs
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BUF) lint
	$(BUF) format --diff --exit-code
	$(PY) proto/breaking.py $(BUF)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) proto/generate.py --check
	$(ACTIONLINT) -shellcheck $(BIN)/shellcheck
	$(BIN)/zizmor --quiet --offline --persona pedantic .github
	$(BIN)/shellcheck .ci/run
	$(PY) docs/check.py

format: $(VENV)/.ready $(BUF) ## format the code and the contracts
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BUF) format --write

proto: $(VENV)/.ready ## generate proto/gen from the contracts
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PY) proto/generate.py

lock: $(VENV)/.ready ## pin the newest versions that the requirements allow, with hashes
	for name in bootstrap run dev go; do \
	  case $$name in \
	    bootstrap|go) from="requirements/$$name.in" ;; \
	    run) from="pyproject.toml" ;; \
	    dev) from="pyproject.toml --group dev --constraint requirements/run.txt" ;; \
	  esac; \
	  $(PY) -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-header \
	    --no-annotate $$from --output-file requirements/$$name.txt; \
	done

image: $(VENV)/.ready host-tools ## build the image of the services alone, as an OCI archive
	@$(PY) rpm/stage.py image dist/leger-services.tar

rpm: $(VENV)/.ready host-tools ## build the package, with its SBOM and its sum, into dist/
	@$(PY) rpm/build.py

# Of what lies in dist/, so that a package that was built elsewhere is signed as it is.
repo: $(VENV)/.ready host-tools ## sign dist/*.rpm and make the repository of them in dist/repo
	@test -n "$$(find dist -maxdepth 1 -name '*.rpm' 2>/dev/null)" || $(MAKE) --no-print-directory rpm
	@$(PY) rpm/repository.py

bench: $(VENV)/.ready host-tools ## measure side by side and print the ratios
	@$(PY) bench/run.py

screenshots: $(VENV)/.ready host-tools ## draw the pictures of the README from a real run
	@$(PY) tests/host/demo --screenshots docs/images

clean: ## remove what was built in the tree (boxes' caches stay: see tests/host/box --help)
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/.ready: requirements/bootstrap.txt requirements/dev.txt
	python3 -c 'import sys; sys.exit("leger needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
	$(PY) -m uv pip install --quiet --require-hashes -r requirements/dev.txt
	$(PY) -m uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# npm is the one registry that carries buf as a binary for every platform.
$(BUF):
	npm install --silent --no-save --no-package-lock --prefix build/buf @bufbuild/buf@$(BUF_VERSION)

$(RELEASE_PLEASE):
	npm install --silent --no-save --no-package-lock --prefix build/release-please \
	  release-please@$(RELEASE_PLEASE_VERSION)

# Installs a Go toolchain into build/go where the machine has none that is new enough.
$(ACTIONLINT): requirements/actionlint/go.mod requirements/actionlint/go.sum | $(VENV)/.ready
	$(PY) tests/conformance/go requirements/actionlint \
	  build -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint

# A box is built by debootstrap, as root: see tests/host/box --help; it checks Debian's signature by
# gpgv and the keyring. groff reads the man pages, and
# openssl the store's pages, in unit tests. The package is built by rpmbuild, and read by rpmlint;
# the repository is made by createrepo_c and signed by GnuPG.
host-tools:
	@for tool in debootstrap:debootstrap unshare:util-linux ip:iproute2 zstd:zstd \
	    groff:groff-base openssl:openssl rpmbuild:rpm rpmlint:rpmlint \
	    createrepo_c:createrepo-c gpg:gnupg gpgv:gpgv; do \
	  command -v "$${tool%%:*}" >/dev/null || missing="$${missing-} $${tool##*:}"; done; \
	test -e /usr/share/keyrings/debian-archive-keyring.gpg || missing="$${missing-} debian-archive-keyring"; \
	if [ -n "$${missing-}" ]; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$missing >/dev/null; fi
