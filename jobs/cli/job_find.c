/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "clock.h"
#include "json.h"

/* A lost race is no harm here: whoever acts on the job finds it moved. */

struct search {
	char text[JOB_ID_MAX];
	unsigned state; /* being read */
	struct job_ref found[JOB_CANDIDATES];
	size_t nfound; /* may exceed what is kept */
};

static int search_all(struct spool *s, struct search *search, struct err *err);
static int keep_match(void *arg, const struct spool_name *name);
static int report_many(const struct search *search);

int
job_find(struct cli *cli, const char *text, struct job_ref *out)
{
	struct search search = { 0 };
	struct err err = { 0 };

	if (!job_text_valid(text)) {
		fprintf(stderr,
		    "hookspool: %.60s: not a job or delivery, nor %d or more "
		    "characters of one\n",
		    text, JOB_PREFIX);
		return CLI_USAGE;
	}
	for (size_t i = 0; text[i] != '\0'; i++) {
		char c = text[i];

		search.text[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	}
	if (search_all(cli->spool, &search, &err) == -1)
		return cli_error(&err);
	if (search.nfound == 0) {
		fprintf(stderr, "hookspool: %s: no such job in the spool\n",
		    search.text);
		return CLI_NO;
	}
	if (search.nfound > 1)
		return report_many(&search);
	*out = search.found[0];
	return 0;
}

int
job_text_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= JOB_PREFIX && len < JOB_ID_MAX &&
	       strspn(text, "0123456789abcdefABCDEF-") == len;
}

int
job_matches(const char *id, const char *text)
{
	size_t len = strlen(text);
	const char *delivery = strchr(id, '-');

	return strncmp(id, text, len) == 0 ||
	       (delivery != NULL && strncmp(delivery + 1, text, len) == 0);
}

/* A whole ID needs no search; the directories may hold many names. */
static int
search_all(struct spool *s, struct search *search, struct err *err)
{
	static const unsigned order[] = { SPOOL_RUN, SPOOL_NEW, SPOOL_RETRY,
		SPOOL_HOLD, SPOOL_DONE, SPOOL_DEAD, SPOOL_BAD };
	struct job_ref *first = &search->found[0];

	if (head_job_id_valid(search->text)) {
		if (spool_find(
			s, search->text, &first->state, &first->name, err) == 0)
			search->nfound = 1;
		else if (err->class != ERR_BAD)
			return -1;
		return 0;
	}
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		search->state = order[i];
		if (spool_each(s, order[i], keep_match, search, err) == -1)
			return -1;
	}
	return 0;
}

static int
keep_match(void *arg, const struct spool_name *name)
{
	struct search *search = arg;

	if (!job_matches(name->id, search->text))
		return 0;
	/* A job that moves meanwhile may be seen twice. */
	for (size_t i = 0; i < search->nfound && i < JOB_CANDIDATES; i++) {
		if (strcmp(search->found[i].name.id, name->id) == 0)
			return 0;
	}
	if (search->nfound < JOB_CANDIDATES) {
		search->found[search->nfound].state = search->state;
		search->found[search->nfound].name = *name;
	}
	search->nfound++;
	return 0;
}

static int
report_many(const struct search *search)
{
	fprintf(stderr, "hookspool: %s: %zu jobs begin so:\n", search->text,
	    search->nfound);
	for (size_t i = 0; i < search->nfound && i < JOB_CANDIDATES; i++)
		fprintf(stderr, "  %-5s %s\n",
		    spool_dir_name(search->found[i].state),
		    search->found[i].name.id);
	if (search->nfound > JOB_CANDIDATES)
		fprintf(stderr, "  ...\n");
	return CLI_NO;
}

void
job_head_json(struct buf *out, const struct job_head *head)
{
	char text[CLOCK_TEXT], hex[DIGEST_HEX];

	json_put_member(out, "delivery", head->delivery);
	json_put_member(out, "request_id", head->request_id);
	json_put_member(out, "hook_id", head->hook_id);
	json_put_member(out, "event", head->event);
	json_put_member(out, "action", head->action);
	json_put_member(out, "repository", head->repository);
	json_put_int(out, "number", head->number);
	json_put_member(out, "key", head->key);
	json_put_member(out, "sender", head->sender);
	json_put_member(out, "sha", head->sha);
	json_put_member(out, "peer", head->peer);
	json_put_member(out, "content_type", head->type);
	clock_text(text, head->received);
	json_put_member(out, "received_at", text);
	json_put_int(out, "length", (int64_t)head->length);
	hex_encode(hex, head->sha256, DIGEST_LEN);
	json_put_member(out, "sha256", hex);
}

void
job_event_text(struct buf *out, const char *event, const char *action)
{
	buf_adds(out, event);
	if (action[0] != '\0')
		buf_addf(out, ".%s", action);
}

void
job_place_text(struct buf *out, const char *repository, int64_t number)
{
	buf_adds(out, repository[0] != '\0' ? repository : "-");
	if (number > 0)
		buf_addf(out, "#%" PRId64, number);
}
