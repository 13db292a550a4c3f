/* SPDX-License-Identifier: MIT */
/*
 * Each check fills an err or leaves it alone; the table names them. They are
 * cheap: a monitor may ask every second.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "health.h"
#include "json.h"
#include "settings.h"
#include "spool.h"

struct patient {
	struct spool *spool;
	const struct settings *settings;
};

static int check_spool(const struct patient *p, struct err *err);
static int check_room(const struct patient *p, struct err *err);
static int check_disk(const struct patient *p, struct err *err);
static int check_config(const struct patient *p, struct err *err);
static int check_runner(const struct patient *p, struct err *err);
static int runner_present(struct spool *spool);
static long heartbeat_age(struct spool *spool);

static const struct {
	const char *name;
	int (*check)(const struct patient *p, struct err *err);
	int vital; /* else it is told, and webhooks are taken all the same */
} checks[] = {
	{ "spool", check_spool, 1 },
	{ "room", check_room, 1 },
	{ "disk", check_disk, 1 },
	/* The last good one is in use. */
	{ "configuration", check_config, 0 },
	{ "runner", check_runner, 1 },
};

#define CHECKS	   (sizeof checks / sizeof *checks)
#define BEAT_LATE  60  /* seconds; a runner polls more often than that */
#define DRAIN_LATE 180 /* seconds; cron's minute, and a job's time */

int
health_report(struct buf *out, struct spool *spool, const struct settings *s)
{
	const struct patient p = { spool, s };
	struct err err[CHECKS] = { 0 };
	int ready = 1;

	for (size_t i = 0; i < CHECKS; i++) {
		if (checks[i].check(&p, &err[i]) == -1 && checks[i].vital)
			ready = 0;
	}
	buf_addc(out, '{');
	json_put_member(out, "status", ready ? "ready" : "not_ready");
	for (size_t i = 0; i < CHECKS; i++)
		json_put_member(out, checks[i].name,
		    err[i].class == ERR_NONE ? "ok" : err[i].text);
	buf_addc(out, '}');
	return ready;
}

static int
check_spool(const struct patient *p, struct err *err)
{
	static const unsigned dirs[] = { SPOOL_TMP, SPOOL_NEW, SPOOL_SEEN };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		if (faccessat(spool_fd(p->spool, dirs[i]), ".",
			R_OK | W_OK | X_OK, AT_EACCESS) == -1)
			return err_sys(err, "%s/ cannot be written",
			    spool_dir_name(dirs[i]));
	}
	return 0;
}

static int
check_room(const struct patient *p, struct err *err)
{
	return spool_has_room(p->spool, &p->settings->limits, err);
}

static int
check_disk(const struct patient *p, struct err *err)
{
	if (spool_degraded(p->spool))
		return err_set(err, ERR_TEMP, 0,
		    "writing to the disk failed; see the log, then restart");
	return 0;
}

static int
check_config(const struct patient *p, struct err *err)
{
	char problem[ERR_TEXT_MAX];

	(void)p;
	settings_problem(problem);
	if (problem[0] != '\0')
		return err_set(err, ERR_CONF, 0, "%s", problem);
	return 0;
}

/*
 * A running spool-runner holds a shared lock on lock/runner and touches
 * lock/heartbeat on each round. One that is started by cron with --drain is
 * there for a moment only, and leaves lock/drain: its last round counts.
 */
static int
check_runner(const struct patient *p, struct err *err)
{
	long age = heartbeat_age(p->spool);

	if (runner_present(p->spool)) {
		if (age > BEAT_LATE)
			return err_set(err, ERR_TEMP, 0,
			    "the runner has not moved for %ld s", age);
		return 0;
	}
	if (faccessat(spool_fd(p->spool, SPOOL_LOCK), "drain", F_OK, 0) == 0 &&
	    age >= 0 && age <= DRAIN_LATE)
		return 0;
	return err_set(err, ERR_TEMP, 0, "no runner is running");
}

/* Taken exclusively for a moment, which a runner that starts waits for. */
static int
runner_present(struct spool *spool)
{
	int fd = openat(spool_fd(spool, SPOOL_LOCK), "runner",
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int held;

	if (fd == -1)
		return 0;
	held = flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

/* Seconds; -1 where no runner ever ran. */
static long
heartbeat_age(struct spool *spool)
{
	struct stat st;
	int64_t age;

	if (fstatat(spool_fd(spool, SPOOL_LOCK), "heartbeat", &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	age = clock_wall() / CLOCK_SECOND - (int64_t)st.st_mtime;
	return age < 0 ? 0 : (long)age;
}
