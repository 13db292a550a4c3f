/* SPDX-License-Identifier: MIT */
/*
 * Settling that was interrupted: the job's settled name is there, and its
 * slot is too. The runner that moved it died before it made the name durable,
 * wrote the record, and dropped the slot. All three are done again here; the
 * record by the caller, who knows whether it was written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fsio.h"
#include "spool_inodes.h"
#include "spool_inside.h"
#include "spool_recover.h"

/*
 * 1 if the slot is a settled job's whose runner is gone: who settles a job
 * holds its lock until the slot is dropped.
 */
static int
is_unfinished(struct spool *s, int fd, struct job_head *head, unsigned *state)
{
	struct err unreadable;
	struct stat st;
	size_t body_at;

	if (fstat(fd, &st) == -1 || st.st_nlink < 2 ||
	    head_read(head, &body_at, fd, &unreadable) == -1)
		return 0;
	*state = spool_settled_as(s, head->id, &st);
	if (*state == SPOOL_STATES || flock(fd, LOCK_EX | LOCK_NB) == -1)
		return 0;
	return 1;
}

static int
finish(struct spool *s, const char *slot,
    int (*visit)(void *arg, unsigned state, const struct job_head *head),
    void *arg, struct err *err)
{
	struct job_head head;
	struct err ignored;
	unsigned state;
	int fd, rc = 0;

	if (fs_open_read(&fd, s->dirs[SPOOL_TMP], slot, &ignored) == -1)
		return 0;
	if (is_unfinished(s, fd, &head, &state)) {
		rc = visit != NULL ? visit(arg, state, &head) : 0;
		if (rc == 0 && (spool_sync(s, state, err) == -1 ||
				   spool_sync(s, SPOOL_SEEN, err) == -1 ||
				   spool_drop_slot(s, slot, err) == -1))
			rc = -1;
	}
	close(fd);
	return rc;
}

int
spool_finish(struct spool *s,
    int (*visit)(void *arg, unsigned state, const struct job_head *head),
    void *arg, struct err *err)
{
	char owner[OWNER_LEN + 1];
	struct inodes waiting = { 0 };
	struct dirent *e;
	uint32_t seq;
	void *d;
	int rc = -1;

	if (inodes_read_waiting(&waiting, s, err) == -1 ||
	    spool_open_names(s, SPOOL_TMP, &d, err) == -1)
		goto out;
	rc = 0;
	/* Most slots are those of jobs that wait, which their inodes tell.
	 * One that also stood in a settled directory would have lost the other
	 * name in recovery; what was settled since has a living owner. */
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (slot_parse(e->d_name, owner, &seq) &&
		    !inodes_has(&waiting, e->d_ino))
			rc = finish(s, e->d_name, visit, arg, err);
	}
	closedir(d);
out:
	inodes_release(&waiting);
	return rc;
}
