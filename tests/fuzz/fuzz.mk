# fuzz.mk: fuzz targets (tests/fuzz/), built by clang whatever builds the rest. The parser's own files and the fakes are
# compiled with sanitizers, libFuzzer's counters and clang's coverage; all the rest comes from the library as it is.
FUZZ_CC ?= clang
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fprofile-instr-generate -fcoverage-mapping
FUZZ_FLAGS = -std=gnu17 -g -O1 -D_GNU_SOURCE -DFERRYMAN_VERSION='"$(VERSION)"' -fno-omit-frame-pointer $(FUZZ_SAN)

# What is compiled for each target beside tests/fuzz/fuzz_TARGET.c, which may include its parser as a whole.
FUZZ_dsn := connectors/signal/letter.c orchestrator/mail/smtp_reply.c
FUZZ_authresults := connectors/signal/letter.c
FUZZ_smtp := connectors/net/smtpio.c tests/fuzz/fake_net.c
FUZZ_imap := connectors/net/imapio.c tests/fuzz/fake_net.c
FUZZ_dns := connectors/net/dns.c connectors/net/dnsupdate.c tests/fuzz/fake_net.c
FUZZ_tenant := connectors/ops.c connectors/tenant/exchange_hand.c tests/fuzz/fake_net.c tests/fuzz/fake_cfg.c
FUZZ_helper_answer := connectors/ops.c tests/fuzz/fake_net.c tests/fuzz/fake_cfg.c
FUZZ_helper_request :=
FUZZ_control := orchestrator/base/json.c
FUZZ_journal := orchestrator/base/json.c orchestrator/core/record.c state/chain.c tests/fuzz/strict_arena.c
FUZZ_records := connectors/dns/rrset.c orchestrator/mail/rrtext.c orchestrator/mail/spf.c orchestrator/base/text.c orchestrator/base/num.c
FUZZ_tape := orchestrator/play/tape.c orchestrator/play/replay.c orchestrator/base/json.c orchestrator/core/record.c \
	tests/lib/world.c tests/lib/world_books.c
FUZZ_playbook := $(addprefix orchestrator/,config/yaml.c config/value.c config/cfg.c config/playbook.c config/procedures.c \
	config/overlay.c base/num.c) tests/fuzz/strict_arena.c
FUZZ_incident := orchestrator/config/incfile.c $(filter orchestrator/%,$(FUZZ_playbook)) tests/fuzz/strict_arena.c
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

FUZZ_BIN := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
FUZZ_PLANTED := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/planted/%)
fuzz_obj = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(1))
fuzz_link = echo "  LINK  $@"; $(FUZZ_CC) -fsanitize=fuzzer,address,undefined -fprofile-instr-generate -o $@ $^ $(PKG_LIBS)

$(BUILD)/fuzz/obj/%.o: %.c tests/fuzz/fuzz.mk | $(BUILD)/pkg.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (to fuzz)"
	@$(FUZZ_CC) $(FUZZ_FLAGS) $(INCLUDES) $(PKGFLAGS) -MMD -MP -c -o $@ $<

# The same with the overflow of tests/fuzz/plants in the parser: a changed copy of its file, which stands before the
# original, whether it is compiled by itself or included.
define fuzz_target
$(BUILD)/fuzz/$(1): $$(call fuzz_obj,tests/fuzz/fuzz_$(1).c $$(FUZZ_$(1))) $$(LIB)
	@$$(fuzz_link)
$(BUILD)/fuzz/planted/$(1).o: $$(call fuzz_obj,tests/fuzz/fuzz_$(1).c $$(FUZZ_$(1))) tests/fuzz/plants tests/fuzz/plant
	@mkdir -p $$(@D)
	@echo "  CC    $(1) (with its planted overflow)"
	@file=$$$$(tests/fuzz/plant $(1) $$(BUILD)/fuzz/planted/$(1).tree) && tree=$$(BUILD)/fuzz/planted/$(1).tree && \
	case " $$(FUZZ_$(1)) " in *" $$$$file "*) from=$$$$tree/$$$$file ;; *) from=tests/fuzz/fuzz_$(1).c ;; esac && \
	$$(FUZZ_CC) $$(FUZZ_FLAGS) -I$$$$tree/orchestrator -I$$$$tree/connectors -I$$$$tree $$(INCLUDES) $$(PKGFLAGS) -w -c -o $$@ $$$$from
$(BUILD)/fuzz/planted/$(1): $(BUILD)/fuzz/planted/$(1).o $$(call fuzz_obj,tests/fuzz/fuzz_$(1).c $$(FUZZ_$(1))) $$(LIB)
	@echo "  LINK  $$@"
	@$$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -fprofile-instr-generate -Wl,--allow-multiple-definition -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_target,$(t))))

-include $(shell find $(BUILD)/fuzz/obj -name '*.d' -type f 2>/dev/null)

## fuzz-build: compile the fuzz targets, each also with its planted overflow (clang)
# Without clang nothing is built, and the suite says so.
fuzz-build: $(if $(shell command -v $(FUZZ_CC)),$(FUZZ_BIN) $(FUZZ_PLANTED))

## fuzz: fuzz each parser for FUZZ_SECONDS (300) from the seeds in tests/fuzz/seeds
FUZZ_SECONDS ?= 300
fuzz: all
	@$(MAKE) --no-print-directory BUILD=$(BUILD) fuzz-build -j2
	@BUILD=$(BUILD) tests/fuzz/fuzz for $(FUZZ_SECONDS)

.PHONY: fuzz fuzz-build
