# mutate.mk: the deciding sources with every mutant in them (tests/mutate/mutants.py), linked into the tests that have to
# notice. Which one is on is said at run time, so all of them cost one build.
MUTATE := $(BUILD)/mutate
MUTATED := lifecycle decide decide_command diagnose machine asking
MUTATE_OBJ := $(MUTATED:%=$(MUTATE)/tree/%.o) $(call obj,tests/mutate/switch.c)
# The cheapest first: most mutants die there. Those behind `table` drive the whole core.
KILLERS := test_lifecycle test_cells test_decide test_guards test_command test_evidence test_blind test_stale table test_facts test_queues test_starting test_asking test_asks test_hands test_strays test_run test_core test_new_era
MUTATE_BIN := $(KILLERS:%=$(MUTATE)/%)

$(MUTATE)/tree/list: tests/mutate/mutants.py tests/mutate/mutate.mk tests/mutate/same orchestrator/core/lifecycle.def $(patsubst %,orchestrator/core/%.c,$(MUTATED))
	@echo "  MUTATE $(MUTATED)"
	@python3 tests/mutate/mutants.py $(@D)
	@echo $(KILLERS) >$(MUTATE)/killers
$(MUTATE)/tree/%.c: $(MUTATE)/tree/list ;
$(MUTATE)/tree/%.o: $(MUTATE)/tree/%.c $(MUTATE)/tree/list
	@echo "  CC    $*.c (with its mutants)"
	@$(CC) -std=gnu17 -g -O1 -w -D_GNU_SOURCE -fPIE $(SAN) $(INCLUDES) -c -o $@ $(@D)/$*.c
$(MUTATE)/test_%: $(MUTATE_OBJ) $(BUILD)/obj/tests/unit/test_%.o $(call obj,$(TESTLIB)) $(LIB)
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)
$(MUTATE)/table: $(MUTATE_OBJ) $(call obj,$(TABLESRC)) $(call obj,$(TESTLIB)) $(LIB)
	@$(CC) $(SAN) $(LINK) -o $@ $^ $(PKG_LIBS)

## mutate-build: compile the deciding sources with every mutant in them
mutate-build: $(MUTATE_BIN)

## mutate-rows: each row, guard and threshold of the state machine is changed in turn; a test must notice each time
mutate-rows: all
	@$(MAKE) --no-print-directory BUILD=$(BUILD) mutate-build -j2
	@BUILD=$(BUILD) tests/mutate/mutate

.PHONY: mutate-build mutate-rows
.PRECIOUS: $(MUTATE)/tree/%.c $(MUTATE)/tree/%.o
