/* SPDX-License-Identifier: MIT */
/*
 * The filter's program is written from the table: for each row a comparison
 * with the call's number, and behind it the answer. It runs at every system
 * call, so rows are few; those that only root could use are left to the
 * capabilities, which nobody gives us.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "filter.h"

#if defined(__x86_64__)
#define ARCH	   AUDIT_ARCH_X86_64
#define NR_FOREIGN 0x40000000 /* x32's numbers begin here */
#elif defined(__aarch64__)
#define ARCH	   AUDIT_ARCH_AARCH64
#define NR_FOREIGN 0x40000000
#endif

/* A leak check looks at its own process from a second one. */
#if defined(__SANITIZE_ADDRESS__)
#define LOOKING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOKING 0
#endif
#endif
#ifndef LOOKING
#define LOOKING 1
#endif

#ifdef ARCH

enum when {
	ALWAYS,
	UNLESS_THREAD,	/* clone's flags are those of a thread */
	UNLESS_OURSELF, /* the first argument is our process */
};

struct rule {
	unsigned nr;
	enum when when;
	unsigned error;
};

#define NO(call)                                                               \
	{                                                                      \
		SYS_##call, ALWAYS, EPERM                                      \
	}

static const struct rule supervisor_rules[] = {
	NO(execve),
	NO(execveat),
	NO(socket),
	NO(connect),
	NO(bind),
	NO(io_uring_setup), /* does all of these by itself */
#if LOOKING
	NO(ptrace),
#endif
	NO(process_vm_readv),
	NO(process_vm_writev),
	NO(pidfd_getfd),
	NO(unshare),
	NO(setns),
	NO(bpf),
	NO(perf_event_open),
	NO(userfaultfd),
	NO(add_key),
	NO(request_key),
	NO(keyctl),
};

static const struct rule process_rules[] = {
	{ SYS_clone, UNLESS_THREAD, EPERM },
	/* Its flags are in memory, where a filter cannot look; the C library
	 * then uses clone(). */
	{ SYS_clone3, ALWAYS, ENOSYS },
#ifdef SYS_fork
	NO(fork), NO(vfork),
#endif
	NO(kill), NO(tkill), NO(rt_sigqueueinfo), NO(rt_tgsigqueueinfo),
	NO(pidfd_send_signal),
	{ SYS_tgkill, UNLESS_OURSELF, EPERM }, /* abort() */
};

#define ITEMS(a)     (sizeof(a) / sizeof *(a))
#define RULES_MAX    32
#define PROGRAM_MAX  (9 + 5 * RULES_MAX)
#define FIELD(name)  ((unsigned)offsetof(struct seccomp_data, name))
#define ARGUMENT_LOW FIELD(args) /* both machines are little-endian */

_Static_assert(ITEMS(supervisor_rules) <= RULES_MAX, "RULES_MAX");
_Static_assert(ITEMS(process_rules) <= RULES_MAX, "RULES_MAX");

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void
put(struct program *p, unsigned short op, unsigned value, unsigned char yes,
    unsigned char no)
{
	p->code[p->len++] = (struct sock_filter){ op, yes, no, value };
}

static void
load(struct program *p, unsigned field)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, field, 0, 0);
}

static void
answer(struct program *p, unsigned action)
{
	put(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Skips itself where the call is another; the accumulator keeps its number
 * on the way past. */
static void
put_rule(struct program *p, const struct rule *r)
{
	unsigned short test =
	    BPF_JMP | BPF_K | (r->when == UNLESS_THREAD ? BPF_JSET : BPF_JEQ);
	unsigned value =
	    r->when == UNLESS_THREAD ? CLONE_THREAD : (unsigned)getpid();

	put(p, BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, r->when == ALWAYS ? 1 : 4);
	if (r->when != ALWAYS) {
		load(p, ARGUMENT_LOW);
		put(p, test, value, 0, 1);
		answer(p, SECCOMP_RET_ALLOW);
	}
	answer(p, SECCOMP_RET_ERRNO | r->error);
}

static void
build(struct program *p, const struct rule *rules, size_t count)
{
	p->len = 0;
	load(p, FIELD(arch));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, FIELD(nr));
	/* -1 is no call: what a tracer puts in the place of one it fails. */
	put(p, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 2, 0);
	put(p, BPF_JMP | BPF_JGE | BPF_K, NR_FOREIGN, 0, 1);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < count; i++)
		put_rule(p, &rules[i]);
	answer(p, SECCOMP_RET_ALLOW);
}

int
filter_enter(enum filter which, struct err *err)
{
	struct program p;
	struct sock_fprog set;

	if (which == FILTER_SUPERVISOR)
		build(&p, supervisor_rules, ITEMS(supervisor_rules));
	else
		build(&p, process_rules, ITEMS(process_rules));
	set = (struct sock_fprog){ .len = p.len, .filter = p.code };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &set) == 0)
		return 0;
	/* Not in this kernel, or an outer sandbox will have none of it. */
	if (errno == EINVAL || errno == ENOSYS)
		return 1;
	return err_sys(err, "seccomp");
}

#else /* a machine whose numbers nobody has checked */

int
filter_enter(enum filter which, struct err *err)
{
	(void)which;
	(void)err;
	return 1;
}

#endif
