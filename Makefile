# ferryman: one non-recursive Makefile. `make help` lists what it can do.
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

VERSION := 0.1.0
BUILD ?= .build
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

# --- packages (Debian 12), by name; `make deps` installs what is missing and removes nothing ---
DEPS := gcc libc6-dev make pkg-config ca-certificates libuv1-dev libyaml-dev libcurl4-openssl-dev \
	libssh2-1-dev libssl-dev libc-ares-dev libldns-dev libjansson-dev libsqlite3-dev \
	clang libclang-rt-14-dev llvm clang-format clang-tidy cppcheck spin man-db python3 python3-jsonschema python3-yaml procps openssh-client jq sqlite3
LIBS := libuv yaml-0.1 libcurl libssh2 openssl libcares jansson sqlite3
# ldns of Debian 12 has no pkg-config file under its own name in every release
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBS))
PKG_LIBS = $(shell pkg-config --libs $(LIBS)) -lldns -pthread

# --- flags (reliability: OpenSSF's compiler guide; -fstrict-flex-arrays=3 needs gcc 13) ---
OPT ?= -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
WARN := -Wall -Wextra -Wformat=2 -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
# clang took until version 16 to know the first of these without a second flag.
AUTOINIT := $(shell $(CC) -ftrivial-auto-var-init=zero -E -x c /dev/null >/dev/null 2>&1 && echo -ftrivial-auto-var-init=zero)
HARD := $(AUTOINIT) -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
ifeq ($(shell uname -m),aarch64)
HARD := $(filter-out -fcf-protection=full,$(HARD)) -mbranch-protection=standard
endif
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
WERROR ?= $(if $(CI),-Werror)
INCLUDES := -Iorchestrator -Iconnectors -I. -Itests
CFLAGS_ALL = -std=gnu17 -g -D_GNU_SOURCE -DFERRYMAN_VERSION='"$(VERSION)"' $(OPT) $(WARN) $(HARD) $(WERROR) $(SAN) $(EXTRA) $(INCLUDES)

# --- sources, by folder ---
CORE_DIRS := base mail core
SRC := $(sort $(wildcard orchestrator/*/*.c orchestrator/*.c connectors/*.c connectors/*/*.c state/*.c))
SRC := $(filter-out orchestrator/console/%,$(SRC))
MAIN := orchestrator/main.c
LIBSRC := $(filter-out $(MAIN),$(SRC))
TESTLIB := $(sort $(wildcard tests/lib/*.c))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
CONTRACT := $(sort $(wildcard tests/contract/*.c))
CRASH := $(sort $(wildcard tests/crash/*.c))
SIMSRC := $(sort $(wildcard tests/sim/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libferryman.a
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT))
CONTRACT_BIN := $(patsubst tests/contract/%.c,$(BUILD)/contract/%,$(CONTRACT))
CRASH_BIN := $(patsubst tests/crash/%.c,$(BUILD)/crash/%,$(CRASH)) \
	$(BUILD)/crash-planted/kill_points $(BUILD)/crash-planted/nth_failure $(BUILD)/crash/core_places
TABLESRC := tests/table.c $(sort $(wildcard tests/golden/*.c))
TABLE := $(BUILD)/tests/table
SIM := $(BUILD)/tests/sim
SIMPLANTED := $(BUILD)/tests/sim-planted
SIMCANARY := $(BUILD)/tests/sim-canary
STOREWRITER := $(BUILD)/tests/storewriter
MICRO := $(BUILD)/bench/micro
KILLPOINT := $(BUILD)/tests/killpoint.so

## all: build ./ferryman and the relay helper
all: ferryman $(BUILD)/ferryman-relay
.PHONY: all

ferryman: $(BUILD)/ferryman
	@cp -f $< $@

$(BUILD)/ferryman: $(call obj,$(MAIN)) $(LIB)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -Wl,-Map=$@.map -o $@ $^ $(PKG_LIBS)

$(LIB): $(call obj,$(LIBSRC))
	@rm -f $@
	@echo "  AR    $@"
	@ar rcs $@ $^

# The helper runs on other people's machines: one file, libc only, static.
$(BUILD)/ferryman-relay: connectors/relay/helper/ferryman-relay.c
	@mkdir -p $(@D)
	@echo "  CC    $< (static)"
	@$(CC) -std=gnu17 -g -D_GNU_SOURCE -DFERRYMAN_VERSION='"$(VERSION)"' $(OPT) $(WARN) -Wno-missing-prototypes $(WERROR) \
		-fstack-protector-strong $(AUTOINIT) -static -o $@ $<

$(BUILD)/obj/%.o: %.c | $(BUILD)/pkg.mk
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS_ALL) $(PKGFLAGS) -MMD -MP -c -o $@ $<

# pkg-config is asked once, and only when something is compiled.
$(BUILD)/pkg.mk:
	@mkdir -p $(@D)
	@pkg-config --exists $(LIBS) || { echo "ferryman: libraries are missing; run: make deps" >&2; exit 1; }
	@echo "PKGFLAGS := $$(pkg-config --cflags $(LIBS))" > $@
-include $(BUILD)/pkg.mk
-include $(shell find $(BUILD)/obj $(BUILD)/planted $(BUILD)/canary -name '*.d' -type f 2>/dev/null)

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)
$(BUILD)/contract/%: $(BUILD)/obj/tests/contract/%.o $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)
$(BUILD)/crash/%: $(BUILD)/obj/tests/crash/%.o $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)
# core_memory over an arena each of whose requests may fail.
$(BUILD)/crash/core_places: $(call obj,tests/crash/core_memory.c tests/fuzz/strict_arena.c $(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)
$(TABLE): $(call obj,$(TABLESRC)) $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)

# `tests/table KIND PATH` as typed: a link to the latest build, for the usual build folder only.
ifeq ($(BUILD),.build)
all: tests/table
tests/table: $(TABLE)
	@ln -sfn ../$(TABLE) $@
endif

# The simulator links the library that ./ferryman links; `make sim-proof` compares what both took from it.
# digest_random is the one door by which chance comes into what the sim runs: its numbers come from the seed. What is
# looked up in the table of states is counted.
SIM_LINK := $(LINK) -Wl,--wrap=digest_random -Wl,--wrap=lifecycle_next
$(SIM): $(call obj,$(SIMSRC)) $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(SIM_LINK) -Wl,-Map=$@.map -o $@ $^ $(PKG_LIBS)

# Its twin links core objects of its own, built with the planted faults selectable at run time.
PURE := $(sort $(wildcard $(addprefix orchestrator/,base/*.c mail/*.c config/*.c core/*.c)))
PLANTED := $(patsubst %.c,$(BUILD)/planted/%.o,$(PURE) $(sort $(wildcard state/*.c)))
$(BUILD)/planted/%.o: %.c | $(BUILD)/pkg.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (with plantable faults)"
	@$(CC) $(CFLAGS_ALL) -DFERRYMAN_PLANTED $(PKGFLAGS) -MMD -MP -c -o $@ $<
SIMTWIN := $(call obj,$(filter-out tests/sim/main.c,$(SIMSRC))) $(call obj,$(TESTLIB)) $(PLANTED) $(LIB)
$(SIMPLANTED): $(BUILD)/planted/tests/sim/main.o $(SIMTWIN)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(SIM_LINK) -Wl,-Map=$@.map -o $@ $^ $(PKG_LIBS)

# And a canary: the twin with one fault for good. What runs the seeds must find it (tests/sim/canary).
CANARY := UNCHANGED_SKIPS_FENCE
$(BUILD)/canary/main.o: tests/sim/main.c Makefile | $(BUILD)/pkg.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (canary)"
	@$(CC) $(CFLAGS_ALL) -DFERRYMAN_PLANTED -DCANARY=PLANT_$(CANARY) $(PKGFLAGS) -MMD -MP -c -o $@ $<
$(SIMCANARY): $(BUILD)/canary/main.o $(SIMTWIN)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(SIM_LINK) -o $@ $^ $(PKG_LIBS)

# The twin of a crash test: the same program over the core with the plantable faults.
$(BUILD)/crash-planted/%: $(BUILD)/obj/tests/crash/%.o $(call obj,$(TESTLIB)) $(PLANTED) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)

$(STOREWRITER): $(call obj,tests/cli/storewriter.c) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)

# Loaded before ferryman by an end-to-end test; a library of its own, linked with nothing of ours.
$(KILLPOINT): tests/e2e/killpoint.c
	@mkdir -p $(@D)
	@echo "  CC    $< (library)"
	@$(CC) -std=gnu17 -g -D_GNU_SOURCE -O2 $(WARN) -Wno-missing-prototypes $(WERROR) -fPIC -shared -o $@ $<

$(MICRO): $(call obj,tests/bench/micro.c) $(call obj,$(TESTLIB)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(SAN) $(LINK) -Wl,--wrap=core_step -o $@ $^ $(PKG_LIBS)

## deps: install Debian's packages that are missing (by name, removes nothing)
deps:
	@tests/lib/deps.sh $(DEPS)

## test-build: compile every test program
test-build: all $(UNIT_BIN) $(CONTRACT_BIN) $(CRASH_BIN) $(TABLE) $(SIM) $(SIMPLANTED) $(SIMCANARY) $(STOREWRITER) $(KILLPOINT)

## unit: unit tests, golden tables, simulator's seeds; no network, no root
unit: all $(UNIT_BIN) $(TABLE) $(SIM) $(SIMPLANTED) $(SIMCANARY) $(STOREWRITER)
	@BUILD=$(BUILD) tests/run unit

## sim-proof: the simulator runs the objects of core, mail and state that ./ferryman is made of
sim-proof: $(BUILD)/ferryman $(SIM) $(SIMPLANTED)
	@BUILD=$(BUILD) tests/sim/proof

## contract: each connector and each store against its contract
contract: all $(CONTRACT_BIN) $(CRASH_BIN)
	@BUILD=$(BUILD) tests/run contract

## e2e: all end-to-end tests, also the long ones that check leaves out, on three labs side by side (root)
e2e: all $(KILLPOINT)
	@BUILD=$(BUILD) tests/run e2e

## check: everything that CI runs, with root the end-to-end tests too; one table at the end
check: deps
	@$(MAKE) --no-print-directory CI=$(CI) BUILD=$(BUILD) test-build -j2
	@BUILD=$(BUILD) tests/run check

## soak: the figures of a night (FERRYMAN_SOAK=1): e2e, 100,000 seeds in the simulator, contracts; the same table (root)
soak: deps
	@$(MAKE) --no-print-directory CI=$(CI) BUILD=$(BUILD) test-build -j2
	@BUILD=$(BUILD) tests/run soak

## model: the spin model of the fence, its mutants, and runs of the simulator that it must be able to follow
model: $(SIM) $(SIMPLANTED)
	@BUILD=$(BUILD) tests/model/run

## lint: warnings, clang-tidy, cppcheck, include direction, core purity, format, stale docs
lint: $(BUILD)/pkg.mk
	@BUILD=$(BUILD) tests/lint/lint

## golden-accept: show what is new in the golden corpus and write it after a yes (CASES="NNN-name ...")
golden-accept: all $(TABLE)
	@BUILD=$(BUILD) tests/oracle/oracle accept $(CASES)

## asan: unit tests, contracts and seeds under AddressSanitizer and UBSan
asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan CC=gcc OPT=-O1 \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' test-build -j2
	@BUILD=$(BUILD)/asan tests/run asan

## cov: line and branch coverage of core, mail and state (gcov)
cov: cov-build
	@BUILD=$(BUILD)/cov tests/run cov

# What tests/run cov runs; the compiler is gcov's.
COV_CC ?= gcc
COV_BIN := $(UNIT_BIN) $(TABLE) $(SIM) $(filter $(BUILD)/contract/store_%,$(CONTRACT_BIN)) \
	$(BUILD)/crash/core_places $(BUILD)/crash/store_faults $(BUILD)/crash/store_crash
cov-build:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/cov CI= CC="$(COV_CC)" OPT=-O0 SAN='--coverage' cov-programs -j2
	@find $(BUILD)/cov -name '*.gcda' -delete
cov-programs: all $(COV_BIN)

## bench: cut-over by ferryman, by a shell script, and the bare work, interleaved (root)
bench: deps
	@$(MAKE) --no-print-directory all $(MICRO)
	@BUILD=$(BUILD) tests/bench/bench

include tests/fuzz/fuzz.mk tests/mutate/mutate.mk

## demo: the May 2012 story on real servers (root)
demo: deps
	@$(MAKE) --no-print-directory all -j2
	@tests/e2e/demo

## lab: start the lab and leave it up, with a word on how to use it (root)
lab: deps
	@$(MAKE) --no-print-directory all -j2
	@tests/lab/lab check && tests/lab/lab deps && tests/lab/lab up && tests/lab/lab hello

## lab-down: stop the lab and remove every trace
lab-down:
	@tests/lab/lab down

## minimal: the README's two commands on a Debian 12 that has nothing yet (root; a quarter of an hour)
minimal:
	@tests/e2e/minimal

## docs: regenerate what a program can print (state machine, playbook keys, records, man pages)
docs: all
	@tests/lint/docs write

## format: lay out the sources
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

## clean: remove what was built
clean:
	rm -rf .build ferryman tests/table

## help: this list
help:
	@sed -n 's/^## //p' Makefile tests/fuzz/fuzz.mk tests/mutate/mutate.mk | awk -F': ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: deps test-build unit sim-proof contract e2e check soak model lint golden-accept asan cov cov-build cov-programs bench demo lab lab-down minimal docs format clean help
# Objects that only a pattern rule names are kept all the same.
.PRECIOUS: $(BUILD)/obj/%.o $(BUILD)/planted/%.o
