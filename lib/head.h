/* SPDX-License-Identifier: MIT */
#ifndef HEAD_H
#define HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "uuid.h"

struct buf;
struct err;

/*
 * The head of a spool file: "Key: value" lines, a blank line, then the raw
 * body byte for byte (docs/spool.5 has the format). What the head says came
 * from a stranger, so every value is checked here, when it is written and
 * when it is read; a value that passed holds no control character and no
 * byte above 0x7e.
 *
 * Behind the body there may be zero bytes up to the size of the file: a
 * ready-made file that nobody has cut to length yet. Length says where the
 * body ends.
 *
 * A struct job_head owns everything it holds (arrays), may be copied by
 * assignment, and needs no release.
 */

#define HEAD_MAX       4096 /* bytes of a whole head with its blank line */
#define HEAD_VALUE_MAX 256  /* bytes of the longest value, with its NUL */
#define JOB_ID_MAX     64   /* "{number}-{delivery}", with its NUL */
#define SLOT_NAME_MAX  40

struct job_head {
	char id[JOB_ID_MAX];		 /* Job */
	char request_id[UUID_TEXT];	 /* Request */
	char delivery[UUID_TEXT];	 /* Delivery */
	char hook_id[24];		 /* Hook: digits, or "-" */
	char event[72];			 /* Event */
	char action[72];		 /* Action, "" where there is none */
	char repository[HEAD_VALUE_MAX]; /* Repository: owner/name, or "" */
	int64_t number;			 /* Number: issue or PR, or 0 */
	char key[HEAD_VALUE_MAX];	 /* Key: jobs of one key run alone */
	char sender[72];		 /* Sender: login, or "" */
	char sha[72];			 /* Commit: 40 or 64 hex, or "" */
	char peer[48];			 /* Peer: client address, or "" */
	char type[72];			 /* Content-Type of the body */
	char slot[SLOT_NAME_MAX];	 /* Slot: name in tmp/, or "" */
	int64_t received;		 /* Received, wall clock ns */
	uint64_t length;		 /* Length of the body, bytes */
	uint8_t sha256[DIGEST_LEN];	 /* SHA-256 of the body */
};

/* Content types of `type`; anything else is refused before. */
#define HEAD_TYPE_JSON "application/json"
#define HEAD_TYPE_FORM "application/x-www-form-urlencoded"

/*
 * Copies a stranger's text into a head's field: what the head may not hold
 * is replaced by "%XX", what does not fit is cut (never inside a "%XX").
 */
void head_clean(char *out, size_t size, const char *text, size_t len);

/* "{number}-{delivery}"; out holds JOB_ID_MAX. */
void head_job_id(char out[JOB_ID_MAX], int64_t number, const char *delivery);

/*
 * The ID where another hook's job has the plain one: two hooks (a
 * repository's and its organisation's) that see one event send one delivery
 * ID with two payloads. The delivery's place is taken by a UUID made of both
 * the hook and the delivery; the head's Delivery line keeps GitHub's.
 */
int head_job_id_of_hook(char out[JOB_ID_MAX], const struct job_head *head,
    struct err *err) __attribute__((warn_unused_result));

/* 1 if `id` can be a job's: digits, a dash, a lower-case UUID. */
int head_job_id_valid(const char *id);

/*
 * Writes the head to `b`. With pad > 0 the result has exactly `pad` bytes (a
 * "Padding" line makes up the rest), so that it can be put before a body
 * that was written first. ERR_BAD where a value is not allowed.
 */
int head_format(struct buf *b, const struct job_head *head, size_t pad,
    struct err *err) __attribute__((warn_unused_result));

/*
 * Reads a head from the first `len` bytes of a file; *body_at is the offset
 * of the body. ERR_BAD with the line's number where it is not one: unknown,
 * missing or repeated lines included.
 */
int head_parse(struct job_head *head, size_t *body_at, const char *text,
    size_t len, struct err *err) __attribute__((warn_unused_result));

/* head_parse() on an open file, and its size checked against Length. */
int head_read(struct job_head *head, size_t *body_at, int fd, struct err *err)
    __attribute__((warn_unused_result));

/* Reads the whole file and compares the body's SHA-256: ERR_BAD if torn. */
int head_verify(struct job_head *head, size_t *body_at, int fd, struct err *err)
    __attribute__((warn_unused_result));

#endif
