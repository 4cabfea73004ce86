# `make help` lists the targets. What a target needs, it installs and builds.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.NOTPARALLEL:

# Everything big is kept here, outside the checkout: FFmpeg, linters, a Go where
# the machine's is too old, and the demo's clip where there is none.
WEIR_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/weir
WEIR_DATA_DIR ?= data
export PATH := $(WEIR_CACHE)/bin:$(PATH)
# Not -trimpath: of a package with C in it, Go would then hand one checkout the
# files that it generated for another, and the linter looks for their sources there.
export GOFLAGS += -buildvcs=false

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# They decode and compare many pictures, where the race detector has little to find.
LONG_TESTS := ^(TestSources|TestColours)$$
FUZZTIME ?= 5s
BENCHTIME ?= 1s
SOAKTIME ?= 15m

# Go needs to be told where FFmpeg is; the shell of each recipe is.
with_ffmpeg = eval "$$(scripts/ffmpeg env)"

# The linter remembers findings by the path of the file, and takes those of
# another checkout for ours.
own_lint_cache = GOLANGCI_LINT_CACHE=$(WEIR_CACHE)/lint/$(shell pwd | cksum | cut -d' ' -f1)

# Tests skip where a real clip or program is missing. go test would not say so.
say_skipped = gotestsum --format pkgname --format-hide-empty-pkg --

WEB := pkg/httpserve/web
WEB_BUNDLE := $(WEB)/dist/index.html
WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.go' 2>/dev/null)

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build Weir and serve with the defaults (ARGS="--http.address :9000" for others).
	@exec bin/weir serve $(ARGS)

.PHONY: demo
demo: bin/weir ## Publish a clip in a loop to the running Weir (CLIP=file for yours).
	@WEIR_DATA_DIR=$(WEIR_DATA_DIR) CLIP="$(CLIP)" URL="$(URL)" scripts/demo

.PHONY: build
build: setup-build web ## Make bin/weir.
	@$(with_ffmpeg); go build -ldflags '-X main.version=$(VERSION)' -o bin/weir ./cmd/weir

bin/weir:
	@$(MAKE) build

.PHONY: test
test: setup-test ## Install what the tests need, then lint, race, fuzz and e2e.
	@for phase in lint race fuzz e2e; do \
		SECONDS=0; $(MAKE) $$phase; echo "make $$phase took $$SECONDS s"; \
	done

.PHONY: check
check: test ## What CI runs: the same as test.

.PHONY: race
race: setup-test web ## Run the unit tests with the race detector, the long ones of libav without; and those of the pages.
	@cd $(WEB) && npm test --silent
	@$(with_ffmpeg); $(say_skipped) -race -short -p 2 -timeout 15m ./...
	@$(with_ffmpeg); $(say_skipped) -run '$(LONG_TESTS)' -timeout 15m ./pkg/transcode/libav

.PHONY: lint
lint: setup-test web ## Run the linters.
	@$(with_ffmpeg); $(own_lint_cache) golangci-lint run --build-tags e2e ./...

.PHONY: fmt
fmt: setup-test ## Format the code.
	@$(with_ffmpeg); golangci-lint fmt

.PHONY: fuzz
fuzz: setup-build web ## Run every fuzz target for FUZZTIME (5s; make fuzz FUZZTIME=60s).
	@$(with_ffmpeg); FUZZTIME=$(FUZZTIME) scripts/fuzz

.PHONY: golden
golden: setup-build web ## Write the golden files anew; read the diff before you commit it.
	@$(with_ffmpeg); go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -r dirname | sort -u) -update

.PHONY: e2e
e2e: setup-test build e2e/node_modules/.package-lock.json ## Publish and play with real encoders and players.
	@$(with_ffmpeg); scripts/e2e

.PHONY: bench
bench: setup-test build ## Measure, with ratios against the ffmpeg program and nginx.
	@$(with_ffmpeg); PATH="$$(scripts/ffmpeg bin):$$PATH" \
		go test -p 1 -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m ./...

.PHONY: soak
soak: build ## Run the gateway for SOAKTIME (15m) while publishers come and go, and say what grows (CLIP=file for yours).
	@$(with_ffmpeg); go run ./tools/soak --for $(SOAKTIME) bin/weir "$$(CLIP="$(CLIP)" scripts/demo-clip)"

.PHONY: web
web: $(WEB_BUNDLE) ## Bundle the pages.

.PHONY: web-modules
web-modules: $(WEB)/node_modules/.package-lock.json

.PHONY: clean
clean: ## Remove what was built here; the cache outside stays.
	@rm -rf bin dist $(WEB)/dist $(WEB)/node_modules e2e/node_modules

.PHONY: setup-build setup-test
setup-build setup-test: setup-%:
	@scripts/setup $*

# npm writes this file last, hence its time is that of the whole installation.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json | setup-build
	@cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_BUNDLE): $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	@cd $(WEB) && npm run --silent build
	@touch $@
