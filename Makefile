# hookspool: one makefile, no recursion. `make help` lists the targets.
#
# A folder may include only what its rule below gives it with -I: lib/ knows
# lib/ alone, fcgi/ and jobs/ know lib/ and themselves.

B	?= build
V	?=
CC	?= cc
PREFIX	?= /usr/local
DESTDIR	?=
J	= $(if $(filter --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

STD	= -std=c17 -D_GNU_SOURCE
WARN	= -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wvla -Wformat=2 -Wwrite-strings -Wcast-qual \
	  -Wundef -Wswitch-enum -Wimplicit-fallthrough
HARDEN	= -fno-common -fstack-protector-strong -fPIE
OPT	?= -O2 -g -D_FORTIFY_SOURCE=3
ifeq ($(CI),1)
WARN	+= -Werror
endif
ifeq ($(CI),true)
WARN	+= -Werror
endif
SAN	?=
CFLAGS	+= $(STD) $(WARN) $(HARDEN) $(OPT) $(SAN) -pthread -MMD -MP
LDFLAGS	+= -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN) -pthread

# The version has one home: the newest heading of the change log.
VERSION := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)
CPPFLAGS += -DHOOKSPOOL_VERSION='"$(VERSION)"'

LIB_SRC		:= $(wildcard lib/*.c)
FCGI_SRC	:= $(wildcard fcgi/*.c)
JOBS_SRC	:= $(wildcard jobs/*.c jobs/*/*.c)
UNIT_SRC	:= $(wildcard tests/unit/test_*.c)
FCGITEST_SRC	:= $(wildcard tests/fcgi/test_*.c)
CRASH_SRC	:= $(wildcard tests/crash/test_*.c)
SECURITY_SRC	:= $(wildcard tests/security/test_*.c)
MEMORY_SRC	:= $(wildcard tests/memory/test_*.c)
FUZZ_SRC	:= $(wildcard tests/fuzz/fuzz_*.c)
TESTPROG_SRC	:= $(wildcard tests/programs/*.c)
BENCH_SRC	:= $(wildcard tests/bench/*.c)
TESTLIB_SRC	:= $(wildcard tests/support/*.c)
E2E		:= $(wildcard tests/e2e/*.test.mjs)

# Every program's main() stands in a file of its own; the rest are archives.
MAINS	= fcgi/main.c jobs/runner/main.c jobs/worker/main.c jobs/cli/main.c

obj	= $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJ	:= $(call obj,$(LIB_SRC))
FCGI_OBJ := $(call obj,$(filter-out $(MAINS),$(FCGI_SRC)))
JOBS_OBJ := $(call obj,$(filter-out $(MAINS),$(JOBS_SRC)))
TESTLIB_OBJ := $(call obj,$(TESTLIB_SRC))

PROGRAMS := $(addprefix $(B)/,$(if $(wildcard fcgi/main.c),hookspool-fcgi) \
	  $(if $(wildcard jobs/runner/main.c),spool-runner) \
	  $(if $(wildcard jobs/worker/main.c),job-worker) \
	  $(if $(wildcard jobs/cli/main.c),hookspool))
UNIT	:= $(patsubst tests/unit/%.c,$(B)/test/unit/%,$(UNIT_SRC))
FCGITEST := $(patsubst tests/fcgi/%.c,$(B)/test/fcgi/%,$(FCGITEST_SRC))
CRASH	:= $(patsubst tests/crash/%.c,$(B)/test/crash/%,$(CRASH_SRC))
SECURITY := $(patsubst tests/security/%.c,$(B)/test/security/%,$(SECURITY_SRC))
POWER_OBJ := $(call obj,$(wildcard tests/crash/*power*.c))
MEMORY	:= $(patsubst tests/memory/%.c,$(B)/test/memory/%,$(MEMORY_SRC))
PRELOADED := $(B)/test/crash/faults.so $(B)/test/crash/suspend.so \
	  $(B)/test/memory/alloc_shim.so
TESTPROG := $(patsubst tests/programs/%.c,$(B)/test/program/%,$(TESTPROG_SRC))
BENCH	:= $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SRC))
REPLAY	:= $(patsubst tests/fuzz/fuzz_%.c,$(B)/test/fuzz/replay_%,$(FUZZ_SRC))
FUZZ	:= $(patsubst tests/fuzz/fuzz_%.c,$(B)/fuzz/fuzz_%,$(FUZZ_SRC))

LIBS_BASE = -lcrypto -lyaml -lcjson
LIBS_fcgi = -lfcgi $(LIBS_BASE)
# libcurl and libgit2 are loaded when they are needed (lib/library.h); the
# linker is given libgit2 for what has not been told so.
LIBS_jobs = -lgit2 $(LIBS_BASE)

.SECONDARY:
.DELETE_ON_ERROR:

.PHONY: all
all: $(PROGRAMS) ## build the programs into build/

$(B)/hookspool-fcgi: $(call obj,fcgi/main.c) $(B)/responder.a $(B)/lib.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_fcgi)
$(B)/spool-runner: $(call obj,jobs/runner/main.c) $(B)/jobs.a $(B)/lib.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_jobs)
$(B)/job-worker: $(call obj,jobs/worker/main.c) $(B)/jobs.a $(B)/lib.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_jobs)
$(B)/hookspool: $(call obj,jobs/cli/main.c) $(B)/jobs.a $(B)/lib.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_jobs)

$(B)/lib.a: $(LIB_OBJ)
$(B)/responder.a: $(FCGI_OBJ)
$(B)/jobs.a: $(JOBS_OBJ)
$(B)/testlib.a: $(TESTLIB_OBJ)
$(B)/%.a:
	@rm -f $@
	$(AR) qcs $@ $^

# ---- compiling: who may include what ----

compile	= @mkdir -p $(@D); $(if $(V),set -x;,echo "  CC $<";) \
	  $(CC) $(CPPFLAGS) $(CFLAGS) $(1) -c -o $@ $<

$(B)/obj/lib/%.o: lib/%.c
	$(call compile,-Ilib)
$(B)/obj/fcgi/%.o: fcgi/%.c
	$(call compile,-Ilib -Ifcgi)
$(B)/obj/jobs/%.o: jobs/%.c
	$(call compile,-Ilib -Ijobs)
$(B)/obj/tests/%.o: tests/%.c
	$(call compile,-Ilib -Ifcgi -Ijobs -Itests/support)

$(B)/test/unit/%: $(B)/obj/tests/unit/%.o $(B)/testlib.a $(B)/responder.a \
    $(B)/jobs.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lfcgi $(LIBS_jobs)
$(B)/test/fcgi/%: $(B)/obj/tests/fcgi/%.o $(B)/testlib.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_BASE)
$(B)/test/crash/%: $(B)/obj/tests/crash/%.o $(B)/testlib.a $(B)/responder.a \
    $(B)/jobs.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lfcgi $(LIBS_jobs)
$(B)/test/security/%: $(B)/obj/tests/security/%.o $(B)/testlib.a \
    $(B)/responder.a $(B)/jobs.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lfcgi $(LIBS_jobs)
# The calls that the power-loss gate records go through its recorder.
RECORDED = openat write pwrite ftruncate posix_fallocate renameat renameat2 linkat unlinkat \
	   fsync fdatasync syncfs
$(B)/test/crash/gate_power: $(POWER_OBJ) $(B)/jobs.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(RECORDED:%=-Wl,--wrap=%) -o $@ $^ $(LIBS_jobs)
$(B)/test/%.so: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(OPT) -fPIC -shared -o $@ $<
$(B)/test/memory/%: $(B)/obj/tests/memory/%.o $(B)/testlib.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_BASE)
$(B)/test/program/%: $(B)/obj/tests/programs/%.o $(B)/jobs.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_jobs)
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/testlib.a $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBS_BASE)
FUZZ_OBJ = $(B)/obj/tests/fuzz/place.o $(B)/testlib.a $(B)/responder.a \
	   $(B)/jobs.a $(B)/lib.a
$(B)/test/fuzz/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o \
    $(B)/obj/tests/fuzz/replay.o $(FUZZ_OBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBS_jobs)
$(B)/fuzz/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(FUZZ_OBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ -lfcgi $(LIBS_jobs)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- trying it ----

.PHONY: deps test-deps run
deps: ## install the Debian packages to build and run it (sudo if needed)
	@scripts/deps
test-deps: ## and to test it
	@scripts/deps test
run: ## the whole demo on this machine; ONCE=1 checks it and ends
	@scripts/deps
	@$(MAKE) --no-print-directory $(J) all
	@HOOKSPOOL_BUILD=$(B) ONCE=$(ONCE) scripts/demo

# ---- testing it ----

# Warnings are the ordinary build's to judge: with sanitizers gcc sees things
# that are not there ("-fsanitize ... may give rise to false positives").
ASAN	= B=$(B)/asan CI= OPT="-O1 -g -fno-omit-frame-pointer" \
	  SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
check	= @HOOKSPOOL_BUILD=$(1) HOOKSPOOL_PLAIN=$(B) scripts/test $(2)
in_asan	= $(patsubst $(B)/%,$(B)/asan/%,$(1))

.PHONY: asan tests-build unit-build
asan: ## programs and tests with address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory $(ASAN) all tests-build
tests-build: $(UNIT) $(FCGITEST) $(REPLAY) $(TESTPROG)
unit-build: all $(UNIT)

.PHONY: test check-unit check-fcgi check-crash check-errno check-power check-e2e check-kill
.PHONY: check-full check-concurrency check-clock check-security fuzz-replay
.PHONY: check-memory check-valgrind soak
test: ## every test, with its own set-up; ends with "N passed, N failed"
	@scripts/deps test
	@$(MAKE) --no-print-directory $(J) gates-build
	@$(MAKE) --no-print-directory $(J) asan
	$(call check,$(B)/asan,lint:scripts/lint size:scripts/size \
	    $(addprefix unit:,$(call in_asan,$(UNIT))) \
	    $(addprefix fuzz:,$(call in_asan,$(REPLAY))) \
	    $(addprefix fcgi:,$(call in_asan,$(FCGITEST))) \
	    $(addprefix gate:,$(GATES_FAST)) \
	    $(addprefix e2e:,$(E2E)))
check-unit: ## unit tests, one module each (cmocka)
	@$(MAKE) --no-print-directory $(J) $(ASAN) unit-build
	$(call check,$(B)/asan,$(addprefix unit:,$(call in_asan,$(UNIT))))
check-fcgi: all asan ## the responder, driven over its socket
	$(call check,$(B)/asan,$(addprefix fcgi:,$(call in_asan,$(FCGITEST))))
check-crash: gates-build ## killed at every system call, then restarted
	@HOOKSPOOL_PLAIN=$(B) scripts/gates crash-long
check-errno: gates-build ## every system call fails with each of eight errors
	@HOOKSPOOL_PLAIN=$(B) scripts/gates errno-long
check-full check-concurrency check-clock: gates-build
	@HOOKSPOOL_PLAIN=$(B) scripts/gates $(@:check-%=%)
check-power: gates-build ## power cuts: 10,000 disks a protocol, each recovered
	@HOOKSPOOL_PLAIN=$(B) scripts/gates power-long
check-e2e: all asan ## nginx, responders, runner, worker: real payloads
	@scripts/deps test
	$(call check,$(B)/asan,$(addprefix e2e:,$(E2E)))
check-kill: gates-build ## kill -9 under load, CYCLES=100 times
	@scripts/deps test
	@CYCLES=$(CYCLES) HOOKSPOOL_PLAIN=$(B) scripts/gates restarts
check-security: gates-build ## what each program can not do
	@scripts/deps test
	@HOOKSPOOL_PLAIN=$(B) scripts/gates security
check-memory: gates-build ## every allocation fails; 100,000 requests leak nothing
	@HOOKSPOOL_PLAIN=$(B) scripts/gates memory-all
check-valgrind: all valgrind-build ## unit tests and responder: no bad access, no leak
	@scripts/deps test
	@HOOKSPOOL_PLAIN=$(B) scripts/gates valgrind
soak: gates-build ## SOAK_SECONDS=600 of load: runner stopped, running, restarted
	@scripts/deps test
	@HOOKSPOOL_PLAIN=$(B) scripts/gates soak
GATES ?= all
GATES_FAST := $(shell scripts/gates --list fast)
# The gate is skipped where nothing can build them.
GATES_FUZZ = $(if $(filter all long fuzz,$(GATES)),\
	     $(if $(shell command -v clang),fuzz-targets))
.PHONY: gates gates-build valgrind-build
gates: gates-build valgrind-build $(GATES_FUZZ) ## all gates into build/gates.txt; GATES=fast, or names
	@HOOKSPOOL_PLAIN=$(B) scripts/gates $(GATES)
valgrind-build: $(UNIT) $(FCGITEST)
gates-build: all $(TESTPROG) $(CRASH) $(SECURITY) $(MEMORY) \
    $(PRELOADED) $(B)/test/crash/gate_power $(B)/bench/load
fuzz-replay: asan ## every kept input once through its fuzz target
	$(call check,$(B)/asan,$(addprefix fuzz:,$(call in_asan,$(REPLAY))))

FUZZ_SECONDS ?= 600
.PHONY: fuzz fuzz-targets fuzz-build
fuzz: fuzz-targets ## libFuzzer on each target, FUZZ_SECONDS=600 each, FUZZ_JOBS at once
	@scripts/fuzz $(B)/fuzzing/fuzz $(FUZZ_SECONDS)
fuzz-targets:
	@$(MAKE) --no-print-directory $(J) CC=clang B=$(B)/fuzzing \
	    OPT="-O1 -g -fno-omit-frame-pointer" \
	    SAN="-fsanitize=fuzzer-no-link,address,undefined" fuzz-build
fuzz-build: $(FUZZ)

# ---- measuring it ----

.PHONY: bench bench-quick bench-peers bench-build
bench: all bench-build ## measure everything; the report is build/bench.txt
	@HOOKSPOOL_BUILD=$(B) scripts/bench
bench-quick: all bench-build ## the same with short runs, in under 3 minutes
	@HOOKSPOOL_BUILD=$(B) scripts/bench --quick
bench-peers: ## install the programs that others use, to compare with
	@scripts/bench --peers
bench-build: $(BENCH)

# ---- judging it ----

ANALYZED := $(LIB_SRC) $(FCGI_SRC) $(JOBS_SRC)
HEADERS	:= $(wildcard lib/*.h fcgi/*.h jobs/*.h jobs/*/*.h)
TIDY	:= $(patsubst %.c,$(B)/tidy/%.ok,$(ANALYZED))
FANALYZE := $(patsubst %.c,$(B)/fanalyze/%.ok,$(ANALYZED))

.PHONY: analyze analyze-files cppcheck
analyze: ## cppcheck, clang-tidy, gcc -fanalyzer: all silent
	@scripts/deps analyze
	@$(MAKE) --no-print-directory $(J) cppcheck
	@$(MAKE) --no-print-directory $(J) -k analyze-files
	@echo "analyzers: nothing found in $(words $(ANALYZED)) files"
cppcheck:
	@HOOKSPOOL_BUILD=$(B) scripts/analyze
analyze-files: $(TIDY) $(FANALYZE)
$(B)/tidy/%.ok: %.c .clang-tidy $(HEADERS)
	@mkdir -p $(@D); echo "  TIDY $<"
	@clang-tidy --quiet $< -- $(STD) $(CPPFLAGS) -Ilib -Ifcgi -Ijobs \
	    2>$@.err || { cat $@.err; exit 1; }
	@touch $@
# gcc 12 loses sight of memory that a struct's array owns and calls it leaked;
# the sanitizer's leak check, which runs, is the judge of that.
QUIET	= -Wno-analyzer-malloc-leak
$(B)/fanalyze/%.ok: %.c $(HEADERS)
	@mkdir -p $(@D); echo "  FANALYZE $<"
	@gcc $(STD) $(CPPFLAGS) -Wall -Wextra -Werror -O1 -fanalyzer $(QUIET) \
	    -Ilib -Ifcgi -Ijobs -c -o /dev/null $<
	@touch $@

.PHONY: docs lint format format-check size
docs: all ## the configuration's pages, made anew from the table of keys
	@HOOKSPOOL_BUILD=$(B) scripts/config-docs
lint: all ## house rules a machine can check
	@HOOKSPOOL_PLAIN=$(B) scripts/lint
format: ## clang-format over all sources
	@scripts/format
format-check: ## say which files make format would change
	@test -z "$$(scripts/format --check | tee /dev/stderr)"
size: ## lengths of functions and files, and their limits
	@scripts/size

# ---- installing it ----

.PHONY: install uninstall
install: all ## programs, manual pages, units, web server snippets; PREFIX, DESTDIR
	@B=$(B) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install
uninstall: ## remove what install put there; configuration and data stay
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install --remove

.PHONY: clean distclean
clean: ## remove what was built
	rm -rf $(B)
distclean: clean ## remove also what the tests installed
	rm -rf tests/node_modules

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 18
