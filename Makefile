# Lapwing: `make help` says what there is. Everything is built in the one profile `release`.
SHELL := /bin/bash
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench mutations deltas flat live-proof faults centre-load

help: ## What there is
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing: Debian packages and cargo-nextest
	@tools/setup

build: setup ## Build all programs
	@$(CARGO) build --release --workspace --bins

demo: build ## Show the whole way on made traffic, the centre stopped in the middle
	@$(TARGET)/release/lapwing-demo $(DEMO_ARGUMENTS)

test: setup ## Every check there is; the last line counts
	@tools/check

bench: setup ## Speed, memory and start beside Suricata, on captures and rules of BENCH="--rules FILE CAPTURE…"
	@$(CARGO) build --profile dist -p lapwing-sensor --bin lapwing
	@$(CARGO) build --release --workspace --bin lapwing-traffic
	@tests/tools/bench $(BENCH)

mutations: setup ## A million damaged packs, canonical packs and deltas through their readers
	@LAPWING_MUTATIONS=1000000 $(CARGO) nextest run --release -p lapwing-rules --test pack_mutations

live-proof: build ## Highest rate without a drop between two name spaces (CAPTURE=FILE RULES=FILE; needs root and tcpreplay)
	@tests/tools/live-proof --lapwing $(TARGET)/release/lapwing --capture $(CAPTURE) --rules $(RULES) $(LIVE_PROOF_ARGUMENTS)

deltas: setup ## Ten random changes of the conformance corpus' large rule set, 200 times: delta, difference, the full pack's bytes
	@LAPWING_DELTAS=$${LAPWING_DELTAS:-200} $(CARGO) nextest run --release -p lapwing-rules --test large_set_deltas --no-capture

faults: build ## A thousand random faults between sensor, uplink and centre (LAPWING_FAULTS_SEED repeats a run)
	@LAPWING_FAULTS=$${LAPWING_FAULTS:-1000} $(CARGO) nextest run --release -p lapwing-tests --test links --no-capture whatever_happens

flat: build ## Replay the conformance corpus 200 times in one process: memory must stay flat
	@LAPWING_FLAT_ROUNDS=$${LAPWING_FLAT_ROUNDS:-200} $(CARGO) nextest run --release -p lapwing-tests --test memory_flat --no-capture

centre-load: setup ## The centre with a nation's findings: rates, pages, memory (FINDINGS=10000000 SENSORS=200)
	@LAPWING_LOAD_FINDINGS=$(or $(FINDINGS),10000000) LAPWING_LOAD_SENSORS=$(or $(SENSORS),200) $(CARGO) nextest run --release -p lapwing-cirt --test centre --no-capture -E 'test(a_nation_of_sensors)'
