# hookspool: one makefile, no recursion. `make help` lists the targets.
#
# A folder may include only what its rule below gives it with -I: lib/ knows
# lib/ alone, fcgi/ and jobs/ know lib/ and themselves.

B	?= build
V	?=
CC	?= cc
PREFIX	?= /usr/local

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
TESTLIB_SRC	:= $(filter-out $(wildcard tests/*/test_*.c),$(wildcard tests/support/*.c))

# Every program's main() stands in a file of its own; the rest are archives.
MAINS	= fcgi/main.c jobs/runner/main.c jobs/worker/main.c jobs/cli/main.c

obj	= $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJ	:= $(call obj,$(LIB_SRC))
FCGI_OBJ := $(call obj,$(filter-out $(MAINS),$(FCGI_SRC)))
JOBS_OBJ := $(call obj,$(filter-out $(MAINS),$(JOBS_SRC)))
TESTLIB_OBJ := $(call obj,$(TESTLIB_SRC))

PROGRAMS := $(addprefix $(B)/,hookspool-fcgi spool-runner job-worker hookspool)
UNIT	:= $(patsubst tests/unit/%.c,$(B)/test/unit/%,$(UNIT_SRC))
FCGITEST := $(patsubst tests/fcgi/%.c,$(B)/test/fcgi/%,$(FCGITEST_SRC))

LIBS_BASE = -lcrypto -lyaml -lcjson
LIBS_fcgi = -lfcgi $(LIBS_BASE)
LIBS_jobs = -lcurl -lgit2 $(LIBS_BASE)

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
	$(AR) rcs $@ $^

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

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- everything else is a script that stands on its own ----

ASAN	= B=$(B)/asan OPT="-O1 -g -fno-omit-frame-pointer" \
	  SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined"

.PHONY: asan
asan: ## the same with address and undefined-behaviour sanitizers, build/asan/
	@$(MAKE) --no-print-directory $(ASAN) all tests-build

.PHONY: tests-build
tests-build: $(UNIT) $(FCGITEST)

.PHONY: clean distclean
clean: ## remove what was built
	rm -rf $(B)
distclean: clean ## remove also what the tests installed
	rm -rf tests/node_modules

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 18
