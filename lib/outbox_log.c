/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "outbox.h"
#include "record_parts.h"

/* Members that a job's record has too are named as they are there. */
static void
put_report(struct buf *b, const struct status_report *r,
    const struct job_spend *spend, int64_t now)
{
	char text[CLOCK_TEXT];

	clock_text(text, now);
	buf_addc(b, '{');
	json_put_member(b, "type", RECORD_STATUS);
	json_put_member(b, "timestamp", text);
	json_put_member(b, "job_id", r->job_id);
	json_put_member(b, "request_id", r->request_id);
	json_put_member(b, "delivery_id", r->delivery);
	json_put_member(b, "repository_full_name", r->repository);
	json_put_member(b, "sha", r->sha);
	json_put_member(b, "context", r->context);
	json_put_member(b, "state", commit_state_name(r->state));
	json_put_member(b, "form", report_form_name(r->form));
	if (r->check != 0)
		json_put_int(b, "check_run_id", r->check);
	json_put_member(b, "status_report", status_result_name(r->result));
	json_put_int(b, "tries", r->tries);
	json_put_int(b, "token_spend", spend->calls);
	if (spend->lowest_remaining >= 0)
		json_put_int(b, "lowest_rate_limit", spend->lowest_remaining);
	if (r->words[0] != '\0')
		json_put_member(b, "message", r->words);
	buf_addc(b, '}');
}

int
outbox_log(struct spool *s, const struct status_report *report,
    enum record_form form, struct err *err)
{
	int64_t now = clock_wall();
	struct job_spend spend;
	struct buf b;
	int rc;

	if (record_spend(s, report->job_id, &spend, err) == -1)
		return -1;
	buf_init(&b, 65536);
	put_report(&b, report, &spend, now);
	rc = buf_check(&b, "status report", err);
	if (rc == 0)
		rc = record_append_text(s, &b, now, form, err);
	if (rc == 0)
		rc = record_sync(s, err);
	buf_release(&b);
	return rc;
}
