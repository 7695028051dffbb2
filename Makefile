# Lapwing: `make help` says what there is. Everything is built in the one profile `release`.
SHELL := /bin/bash
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench mutations deltas flat live-proof faults hostile centre-load deb image image-setup image-test image-test-full image-test-arm64

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
	@LAPWING_MUTATIONS=1000000 $(CARGO) nextest run --profile long --release -p lapwing-rules --test pack_mutations

live-proof: build ## Highest rate without a drop between two name spaces (CAPTURE=FILE RULES=FILE; needs root and tcpreplay)
	@tests/tools/live-proof --lapwing $(TARGET)/release/lapwing --capture $(CAPTURE) --rules $(RULES) $(LIVE_PROOF_ARGUMENTS)

deltas: setup ## Ten random changes of the conformance corpus' large rule set, 200 times: delta, difference, the full pack's bytes
	@LAPWING_DELTAS=$${LAPWING_DELTAS:-200} $(CARGO) nextest run --profile long --release -p lapwing-rules --test large_set_deltas --no-capture

faults: build ## A thousand random faults between sensor, uplink and centre (LAPWING_FAULTS_SEED repeats a run)
	@LAPWING_FAULTS=$${LAPWING_FAULTS:-1000} $(CARGO) nextest run --profile long --release -p lapwing-tests --test links --no-capture whatever_happens

hostile: build ## Ten thousand mutated messages of a hostile centre over a real link (LAPWING_HOSTILE_MESSAGES)
	@LAPWING_HOSTILE_MESSAGES=$${LAPWING_HOSTILE_MESSAGES:-10000} $(CARGO) nextest run --release --workspace --test hostile_link --no-capture a_hostile_centre

flat: build ## Replay the conformance corpus 200 times in one process: memory must stay flat
	@LAPWING_FLAT_ROUNDS=$${LAPWING_FLAT_ROUNDS:-200} $(CARGO) nextest run --profile long --release -p lapwing-tests --test memory_flat --no-capture

centre-load: setup ## The centre with a nation's findings: rates, pages, memory (FINDINGS=10000000 SENSORS=200)
	@LAPWING_LOAD_FINDINGS=$(or $(FINDINGS),10000000) LAPWING_LOAD_SENSORS=$(or $(SENSORS),200) $(CARGO) nextest run --profile long --release -p lapwing-cirt --test centre --no-capture -E 'test(a_nation_of_sensors)'

# A quick image for the tests is packed lightly; what is given away is packed hard and built with `dist`.
BOARD ?= uefi-x86_64
IMAGE_OPTIONS ?= --level 19
PROGRAM_OPTIONS ?= --profile dist
IMAGE_FOLDER = $(TARGET)/images
# Boards with the same processor share their programs.
PROGRAMS = $(IMAGE_FOLDER)/programs-$(lastword $(subst -, ,$(BOARD)))
SECONDS = $(shell git log -1 --format=%ct)

image-setup:
	@tools/setup image

# Who may sign updates: metadata/1.root.json of a repository of `lapwing-image update`. An image without it takes none.
UPDATE_ROOT ?=
# Who may sign rules, for sites that name nobody: rules/repository/metadata/1.root.json of the centre.
RULES_ROOT ?=

image: setup image-setup ## Build the image for BOARD (uefi-x86_64, uefi-arm64, sbc-arm64)
	@image/tools/build-programs $(lastword $(subst -, ,$(BOARD))) $(PROGRAMS) $(PROGRAM_OPTIONS)
	@$(CARGO) build --release --workspace --bin lapwing-image
	@$(TARGET)/release/lapwing-image build --board $(BOARD) --lapwing $(PROGRAMS)/lapwing \
	  --init $(PROGRAMS)/lapwing-init --pack $(PROGRAMS)/starter.pack \
	  --cache $(TARGET)/image-packages --seconds $(SECONDS) $(if $(UPDATE_ROOT),--update-root $(UPDATE_ROOT)) \
	  $(if $(RULES_ROOT),--rules-root $(RULES_ROOT)) \
	  --output $(IMAGE_FOLDER) $(IMAGE_OPTIONS)
	@$(TARGET)/release/lapwing-image verify $(IMAGE_FOLDER)/lapwing-$(BOARD).img

# An image, the same again, and a newer one that the tests update to.
IMAGE_TEST = $(MAKE) --no-print-directory image BOARD=uefi-x86_64 IMAGE_OPTIONS="--level 1" PROGRAM_OPTIONS=--release \
  UPDATE_ROOT=$(IMAGE_FOLDER)/update-test/repository/metadata/1.root.json

image-test: ## Build an image and boot it in QEMU: to findings, through power cuts and updates, back from bad ones
	@$(CARGO) build --release --workspace --bins
	@tests/tools/make-update-root $(TARGET)/release/lapwing-image $(IMAGE_FOLDER)/update-test
	@$(IMAGE_TEST)
	@$(IMAGE_TEST) IMAGE_FOLDER=$(IMAGE_FOLDER)/again >/dev/null
	@cmp $(IMAGE_FOLDER)/lapwing-uefi-x86_64.img $(IMAGE_FOLDER)/again/lapwing-uefi-x86_64.img && echo "two builds gave the same bytes"
	@$(IMAGE_TEST) IMAGE_FOLDER=$(IMAGE_FOLDER)/newer SECONDS=$$(($(SECONDS) + 1)) >/dev/null
	@LAPWING_IMAGE=$$(realpath $(IMAGE_FOLDER)/lapwing-uefi-x86_64.img) LAPWING_NEWER_IMAGE=$$(realpath $(IMAGE_FOLDER)/newer/lapwing-uefi-x86_64.img) \
	  LAPWING_UPDATE_TEST=$$(realpath $(IMAGE_FOLDER)/update-test) $(CARGO) nextest run --profile long --release --workspace --test image_boots --test image_updates --no-capture

image-test-arm64: build ## Build both images for ARM and boot them in QEMU: by UEFI and by U-Boot
	@tools/setup image-arm64
	@for board in uefi-arm64 sbc-arm64; do \
	  $(MAKE) --no-print-directory image BOARD=$$board IMAGE_OPTIONS="--level 1" PROGRAM_OPTIONS=--release || exit 1; done
	@LAPWING_UEFI_ARM64_IMAGE=$$(realpath $(IMAGE_FOLDER)/lapwing-uefi-arm64.img) LAPWING_SBC_ARM64_IMAGE=$$(realpath $(IMAGE_FOLDER)/lapwing-sbc-arm64.img) \
	  $(CARGO) nextest run --profile long --release --workspace --test image_arm64 --no-capture

image-test-full: ## Everything: 50 power cuts, all updates that have to go back, and the images for ARM
	@LAPWING_POWER_CUTS=50 LAPWING_IMAGE_ALL=1 $(MAKE) --no-print-directory image-test
	@$(MAKE) --no-print-directory image-test-arm64

deb: build ## Debian packages of both programs for this machine
	@for name in lapwing lapwing-cirt; do packaging/build-deb $$name $(TARGET)/release/$$name $$(dpkg --print-architecture) $(TARGET)/debian; done
