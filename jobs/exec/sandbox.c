/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "command.h"
#include "sandbox.h"

static const char *const level_names[] = {
	[LEVEL_NONE] = "none",
	[LEVEL_LIMITS] = "limits",
	[LEVEL_STRICT] = "strict",
};

const char *
sandbox_name(enum sandbox_level level)
{
	return level_names[level];
}

/* ---- Landlock: writing only where it was allowed ---- */

/* Debian 12's header is that of version 2; the rest from landlock(7) and
 * the kernel's include/uapi/linux/landlock.h. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* version 3 */
#define SCOPE_SIGNAL	(UINT64_C(1) << 1)  /* version 6 */

struct ruleset { /* struct landlock_ruleset_attr, as of version 6 */
	uint64_t fs, net, scoped;
};

#define FILE_WRITES LANDLOCK_ACCESS_FS_WRITE_FILE
#define TREE_WRITES                                                            \
	(FILE_WRITES | LANDLOCK_ACCESS_FS_REMOVE_DIR |                         \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |    \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |        \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |      \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full",
	"/dev/tty", NULL };

int
sandbox_landlock(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static uint64_t
handled_writes(int version)
{
	uint64_t writes = TREE_WRITES;

	if (version >= 2)
		writes |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		writes |= ACCESS_TRUNCATE;
	return writes;
}

/* What is not there needs no permission. */
static int
allow_path(int ruleset, const char *path, uint64_t writes)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = writes };
	struct stat st;
	int rc;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_WRITES | ACCESS_TRUNCATE;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return rc;
}

static int
allow_paths(int ruleset, const char *const *paths, uint64_t writes)
{
	for (; paths != NULL && *paths != NULL; paths++) {
		if (allow_path(ruleset, *paths, writes) == -1)
			return -1;
	}
	return 0;
}

static int
enter_landlock(const struct command *c, int version)
{
	uint64_t writes = handled_writes(version);
	struct ruleset attr = { .fs = writes };
	size_t size = version >= 6 ? sizeof attr : sizeof attr.fs;
	int ruleset, rc = -1;

	if (version >= 6)
		attr.scoped = SCOPE_SIGNAL;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset == -1)
		return -1;
	if (allow_paths(ruleset, devices, writes) == 0 &&
	    allow_path(ruleset, c->scratch, writes) == 0 &&
	    (c->cwd == NULL || allow_path(ruleset, c->cwd, writes) == 0) &&
	    allow_paths(ruleset, c->writable, writes) == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return rc;
}

/* ---- resource limits ---- */

static const struct {
	int resource;
	rlim_t most;
	enum sandbox_level from; /* the weakest level that sets it */
} limits[] = {
	{ RLIMIT_CORE, 0, LEVEL_NONE },
	{ RLIMIT_NOFILE, 4096, LEVEL_LIMITS },
	{ RLIMIT_NPROC, 4096, LEVEL_LIMITS }, /* counts all of this user's */
	{ RLIMIT_FSIZE, (rlim_t)16 << 30, LEVEL_LIMITS },
};

static int
set_limits(enum sandbox_level level)
{
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit limit;

		if (level < limits[i].from)
			continue;
		if (getrlimit(limits[i].resource, &limit) == -1)
			return -1;
		if (limit.rlim_max > limits[i].most)
			limit.rlim_max = limits[i].most;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) == -1)
			return -1;
	}
	return 0;
}

/*
 * Landlock is left out under bubblewrap: it forbids mounting, which
 * bubblewrap has yet to do, and what it would add is not there to be written.
 */
int
sandbox_enter(const struct command *c, int landlock)
{
	if (set_limits(c->level) == -1)
		return -1;
	if (c->level == LEVEL_NONE)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (c->level == LEVEL_STRICT || landlock == 0)
		return 0;
	return enter_landlock(c, landlock);
}

/* ---- bubblewrap ---- */

/* Everything in the order bubblewrap is to do it: later mounts cover
 * earlier ones. */
static const char *const walls[] = { BWRAP_PATH, "--unshare-all",
	"--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind",
	"/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
	"--tmpfs", "/home", "--dir", "/run", "--dir", "/var", "--symlink",
	"../run", "/var/run", "--symlink", "../tmp", "/var/tmp" };

/* Links into /usr on a merged system, directories on others. */
static const char *const roots[] = { "/bin", "/sbin", "/lib", "/lib32",
	"/lib64", "/libx32" };

/* What programs need to know of the system; nothing that is secret. */
static const char *const system_files[] = { "/etc/passwd", "/etc/group",
	"/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf",
	"/etc/localtime", "/etc/ld.so.cache", "/etc/ld.so.conf",
	"/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ssl/certs",
	"/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/gitconfig",
	"/etc/mime.types", "/etc/protocols", "/etc/services" };

#define ITEMS(a)   (sizeof(a) / sizeof *(a))
#define ROOT_LINK  64 /* bytes of a link such as "usr/lib64" */
#define NUMBER_MAX 16 /* bytes of a descriptor as text */

struct args {
	const char **list;
	size_t count;
	char (*links)[ROOT_LINK];
};

static void
add(struct args *a, const char *item)
{
	a->list[a->count++] = item;
}

static void
bind_path(struct args *a, const char *how, const char *path)
{
	add(a, how);
	add(a, path);
	add(a, path);
}

static void
bind_paths(struct args *a, const char *how, const char *const *paths)
{
	for (; paths != NULL && *paths != NULL; paths++)
		bind_path(a, how, *paths);
}

static void
add_root(struct args *a, size_t i)
{
	ssize_t n = readlink(roots[i], a->links[i], ROOT_LINK - 1);

	if (n <= 0) {
		bind_path(a, "--ro-bind-try", roots[i]);
		return;
	}
	a->links[i][n] = '\0';
	add(a, "--symlink");
	add(a, a->links[i]);
	add(a, roots[i]);
}

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* One block: the array, then the texts of links and the descriptor. */
static int
alloc_args(struct args *a, const struct command *c, char **number)
{
	size_t items = ITEMS(walls) + 3 * ITEMS(roots) +
		       3 * ITEMS(system_files) + 3 * count(c->readable) +
		       3 * count(c->writable) + count(c->argv) + 32;
	size_t size = items * sizeof *a->list;
	size_t links = ITEMS(roots) * ROOT_LINK;
	char *block = calloc(1, size + links + NUMBER_MAX);

	if (block == NULL)
		return -1;
	a->list = (const char **)(void *)block;
	a->count = 0;
	a->links = (char(*)[ROOT_LINK])(void *)(block + size);
	*number = block + size + links;
	return 0;
}

int
sandbox_argv(char ***out, const struct command *c, const char *scratch,
    int status_fd, struct err *err)
{
	struct args a;
	char *number;

	if (access(BWRAP_PATH, X_OK) == -1)
		return err_set(err, ERR_CONF, 0,
		    "sandbox: strict needs %s (package bubblewrap)",
		    BWRAP_PATH);
	if (alloc_args(&a, c, &number) == -1)
		return err_set(err, ERR_TEMP, 0, "sandbox: out of memory");
	for (size_t i = 0; i < ITEMS(walls); i++)
		add(&a, walls[i]);
	for (size_t i = 0; i < ITEMS(roots); i++)
		add_root(&a, i);
	for (size_t i = 0; i < ITEMS(system_files); i++)
		bind_path(&a, "--ro-bind-try", system_files[i]);
	if (c->network)
		add(&a, "--share-net");
	bind_paths(&a, "--ro-bind", c->readable);
	bind_paths(&a, "--bind", c->writable);
	bind_path(&a, "--bind", scratch);
	if (c->cwd != NULL)
		bind_path(&a, "--bind", c->cwd);
	add(&a, "--chdir");
	add(&a, c->cwd != NULL ? c->cwd : scratch);
	add(&a, "--json-status-fd");
	snprintf(number, NUMBER_MAX, "%d", status_fd);
	add(&a, number);
	add(&a, "--");
	for (size_t i = 0; c->argv[i] != NULL; i++)
		add(&a, c->argv[i]);
	memcpy(out, &a.list, sizeof *out);
	return 0;
}
