/* SPDX-License-Identifier: MIT */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "err.h"
#include "record.h"
#include "runner/job.h"

struct spool;

/*
 * What this process is about to settle, written down before it begins, so
 * that whoever finds it unfinished can finish it: which job, the verdict,
 * the times. lock/settling.N, N from 0; its writer holds an flock on it, and
 * a journal that has text but no lock is a dead process's.
 *
 *   settling lost 3 1795309323000000000 1795309324000000000 1000000000 ID why
 *   end
 *
 * A journal without its last line was torn: nothing of it had begun. It is
 * not synced: it has to outlive a process, not the machine. After a power
 * cut spool_recover() finds the same jobs by their slots, only without the
 * reason.
 *
 * Calling sequence: journal_open() takes the first N that is free and empty,
 * journal_write() before a batch, journal_clear() when all of it is over.
 * Others look after the dead with journal_take_dead() and journal_each().
 */

struct journal {
	struct spool *spool;
	int fd; /* -1: none */
	unsigned number;
};

#define JOURNALS 64 /* processes that may settle at once */

/* One line of it. */
struct settling {
	char id[JOB_ID_MAX];
	enum job_outcome outcome;
	unsigned attempts;
	int64_t started, completed, duration; /* as in struct record */
	char reason[ERR_TEXT_MAX];
};

int journal_open(struct journal *out, struct spool *s, struct err *err) CHECKED;
void journal_close(struct journal *j);

/* Takes lock/settling.N if it has text and no living owner: 1; 0 if it is not
 * so; 2 if there is no such file, and so none with a higher N. */
int journal_take_dead(struct journal *out, struct spool *s, unsigned number,
    struct err *err) CHECKED;

/* Only the jobs whose verdict settles them. */
int journal_write(
    struct journal *j, const struct job *jobs, struct err *err) CHECKED;
int journal_clear(struct journal *j, struct err *err) CHECKED;

/* Calls visit() for each line of a whole journal; its first -1 is returned.*/
int journal_each(struct journal *j,
    int (*visit)(void *arg, const struct settling *line, struct err *err),
    void *arg, struct err *err) CHECKED;

#endif
