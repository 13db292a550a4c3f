/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_FIXTURE_H
#define SPOOL_FIXTURE_H

#include <stddef.h>

#include "spool.h"

/*
 * A spool of a test's own, in a temporary directory that is removed with
 * everything in it. Calls that cannot fail in a test fail it.
 */

struct fixture {
	char path[200]; /* of the temporary directory */
	struct spool *spool;
};

/* cmocka set-up and tear-down; *state becomes a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes and opens the spool again, as a new process would. */
void fixture_reopen(struct fixture *f);

/* Path of a file of the spool, in one of four turning buffers. */
const char *fixture_path(
    const struct fixture *f, unsigned dir, const char *name);

/* The n-th of a test's deliveries: a head with all lines, number 12. */
void fixture_head(struct job_head *head, unsigned n);

/* Accepts `len` bytes made from `n` under the n-th delivery. */
enum accepted fixture_accept(
    struct spool *s, unsigned n, size_t len, struct job_head *head);

/* Accepts the n-th and returns its name in new/. */
struct spool_name fixture_job(
    struct fixture *f, unsigned n, struct job_head *head);

/* The whole file of a job in new/ holds: head, length, checksum, slot. */
void fixture_check_job(
    struct fixture *f, const struct job_head *head, size_t len);

/* The state that the ID is in; SPOOL_STATES for none. */
unsigned fixture_state(struct fixture *f, const char *id);

/* Number of names in a directory, but for those that begin with a dot. */
unsigned fixture_count(const struct fixture *f, unsigned dir);

/* Number of entries in seen/ of a kind (d, b, i; 0: all), and taking them
 * away, as a power cut can. */
unsigned fixture_seen(const struct fixture *f, char kind);
void fixture_lose(const struct fixture *f, char kind);

/* Writes a file of these bytes into a directory of the spool. */
void fixture_write(const struct fixture *f, unsigned dir, const char *name,
    const void *bytes, size_t len);

int fixture_exists(const struct fixture *f, unsigned dir, const char *name);

/* Sets the file's modification time `ns` back. */
void fixture_age(
    const struct fixture *f, unsigned dir, const char *name, int64_t ns);

#endif
