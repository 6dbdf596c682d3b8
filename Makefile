# The front door of the build. The work is done by cargo and by the small scripts in scripts/,
# each of which can also be run by itself. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help build demo test lint header check-header symbols c install uninstall bench fuzz soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the release library, shared and static
	@scripts/build.sh

demo: ## ask a provider whose key is set, or the bundled stand-in, from C
	@scripts/demo.sh

test: ## run every suite in scripts/test; SUITES="31 33" picks some
	@scripts/test.sh $(SUITES)

lint: ## formatting, clippy and rustdoc, warnings denied
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

header: ## regenerate include/modelwire.h
	@scripts/header.sh

check-header: ## fail if include/modelwire.h is not what the sources generate
	@scripts/header.sh --check

symbols: ## fail unless the library exports exactly what the header declares
	@scripts/symbols.sh

c: ## compile the C examples and the C tests into target/c
	@scripts/c.sh

install: ## install under PREFIX (default /usr/local); DESTDIR is honoured
	@scripts/install.sh

uninstall: ## remove what install put under the same PREFIX
	@scripts/uninstall.sh

bench: ## measure beside libcurl, Go and reqwest; ARGS=--quick for a short look
	@scripts/bench.sh $(ARGS)

fuzz: ## fuzz what reads others' bytes, and the C ABI; FUZZ_SECONDS (60) for each property
	@scripts/fuzz.sh

soak: ## SOAK_SECONDS (600) of mixed load that must leave nothing behind
	@scripts/soak.sh

clean: ## remove what was built; installed peers stay in .peers
	cargo clean
