/* SPDX-License-Identifier: MIT */
/*
 * Landlock by its three system calls: glibc has no wrappers, and Debian 12's
 * header knows the first two of its versions only, so the newer rights stand
 * here with their numbers (Documentation/userspace-api/landlock.rst).
 *
 * A right that the running kernel does not know must not be asked for: the
 * table says from which version on each exists.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "filter.h"
#include "log.h"
#include "nodump.h"
#include "sandbox.h"
#include "settings.h"
#include "spool.h"

#define FS_REFER     (UINT64_C(1) << 13) /* version 2 */
#define FS_TRUNCATE  (UINT64_C(1) << 14) /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define FS_FIRST     (FS_REFER - 1)	 /* version 1: bits 0 to 12 */
#define NET_TCP	     UINT64_C(3)	 /* version 4: bind and connect */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILES                                                            \
	(READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |  \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_REFER | FS_TRUNCATE)

struct ruleset_attr { /* version 4's, a longer form of the header's */
	uint64_t fs, net;
};

static int limit_descriptors(struct err *err);
static int confine(const struct settings *s, const struct spool *spool,
    int version, struct err *err);
static int allow(int ruleset, int dir, uint64_t rights, struct err *err);
static int allow_path(
    int ruleset, const char *path, uint64_t rights, struct err *err);
static int allow_config(int ruleset, const struct settings *s, struct err *err);
static int allow_near(
    int ruleset, const char *file, uint64_t rights, struct err *err);
static uint64_t known_rights(int version);

static const struct {
	unsigned dir;
	uint64_t rights;
} spool_rights[] = {
	{ SPOOL_TMP, WRITE_FILES },
	{ SPOOL_NEW, WRITE_FILES },
	{ SPOOL_SEEN, WRITE_FILES },
	{ SPOOL_LOCK, READ },
};

int
sandbox_forgo(struct err *err)
{
	int rc;

	nodump_process();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "no_new_privs");
	rc = filter_enter(FILTER_SUPERVISOR, err);
	if (rc == 1)
		log_event(LOG_WARN_, "sandbox",
		    "no filter of system calls on this machine");
	return rc == -1 ? -1 : 0;
}

int
sandbox_enter(
    const struct settings *s, const struct spool *spool, struct err *err)
{
	int version;

	if (limit_descriptors(err) == -1)
		return -1;
	version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 2) /* 1 cannot allow renames between directories */
		log_event(LOG_WARN_, "sandbox",
		    "this kernel has no Landlock: the files this process may "
		    "touch are limited by their permissions only");
	else if (confine(s, spool, version, err) == -1)
		return -1;
	else
		log_event(LOG_INFO_, "sandbox", "Landlock version %d%s",
		    version, version >= 4 ? ", no TCP" : "");
	return filter_enter(FILTER_PROCESS, err) == -1 ? -1 : 0;
}

/* libfcgi uses select(), so no descriptor may reach FD_SETSIZE. */
static int
limit_descriptors(struct err *err)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return err_sys(err, "limits");
	files.rlim_cur = files.rlim_max < 1024 ? files.rlim_max : 1024;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		return err_sys(err, "limits");
	return 0;
}

static int
confine(const struct settings *s, const struct spool *spool, int version,
    struct err *err)
{
	uint64_t known = known_rights(version);
	struct ruleset_attr attr = { .fs = known, .net = NET_TCP };
	size_t size = version >= 4 ? sizeof attr : sizeof attr.fs;
	int rc = 0;
	int set = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (set == -1)
		return err_sys(err, "landlock");
	for (size_t i = 0;
	     rc == 0 && i < sizeof spool_rights / sizeof *spool_rights; i++)
		rc = allow(set, spool_fd(spool, spool_rights[i].dir),
		    spool_rights[i].rights & known, err);
	if (rc == 0)
		rc = allow_config(set, s, err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, set, 0) == -1)
		rc = err_sys(err, "landlock");
	close(set);
	return rc;
}

static uint64_t
known_rights(int version)
{
	uint64_t rights = FS_FIRST | FS_REFER;

	if (version >= 3)
		rights |= FS_TRUNCATE;
	if (version >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static int
allow(int ruleset, int dir, uint64_t rights, struct err *err)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights,
		.parent_fd = dir,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == -1)
		return err_sys(err, "landlock");
	return 0;
}

/* A directory that is not there needs no right. */
static int
allow_path(int ruleset, const char *path, uint64_t rights, struct err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd == -1)
		return 0;
	rc = allow(ruleset, fd, rights, err);
	close(fd);
	return rc;
}

/* Directories, not files: an editor replaces the file by another. */
static int
allow_config(int ruleset, const struct settings *s, struct err *err)
{
	const char *const *files, *const *names;
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t n = config_list(s->config, NULL, "webhook-secret-file", &files);
	size_t repositories = config_repositories(s->config, &names);

	if (allow_near(ruleset, config_path(s->config), READ, err) == -1)
		return -1;
	for (size_t r = 0;; r++) {
		for (size_t i = 0; i < n; i++) {
			if (allow_near(ruleset, files[i], READ, err) == -1)
				return -1;
		}
		if (r == repositories)
			break;
		n = config_list(
		    s->config, names[r], "webhook-secret-file", &files);
	}
	if (credentials != NULL)
		return allow_path(ruleset, credentials, READ, err);
	return 0;
}

/* The directory where the name stands, and the one where the file is. */
static int
allow_near(int ruleset, const char *file, uint64_t rights, struct err *err)
{
	char name[PATH_MAX], *real = realpath(file, NULL);
	size_t len = strlen(file);
	int rc = 0;

	if (len < sizeof name) {
		memcpy(name, file, len + 1);
		rc = allow_path(ruleset, dirname(name), rights, err);
	}
	if (rc == 0 && real != NULL)
		rc = allow_path(ruleset, dirname(real), rights, err);
	free(real);
	return rc;
}
