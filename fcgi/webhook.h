/* SPDX-License-Identifier: MIT */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "err.h"
#include "reply.h"

struct desk;
struct exchange;
struct job_head;
struct request;
struct settings;

/*
 * Takes one webhook in: checks it, stores it durably, and says what to
 * answer. After REPLY_ACCEPTED the job is on the disk and will be run; after
 * any answer that is no 2xx nothing was kept, and the same delivery may be
 * sent again. *err has the reason where there is more to say than the reply's
 * own words: ERR_BAD may be told to the sender, the other classes are for our
 * log.
 *
 * head->request_id is set by the caller; the rest is filled in as far as the
 * request got.
 */
enum reply_code webhook_take(struct desk *desk, const struct settings *s,
    const struct exchange *x, const struct request *r, struct job_head *head,
    struct err *err);

#endif
