/* SPDX-License-Identifier: MIT */
/*
 * Which address leads where: one row an address, and the frame around every
 * handler (settings held, reply sent, one log line written).
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "desk.h"
#include "exchange.h"
#include "head.h"
#include "health.h"
#include "log.h"
#include "request.h"
#include "settings.h"
#include "spool.h"
#include "webhook.h"

struct errand; /* one request on its way through a handler */

static const struct route *find_route(const struct request *r);
static void run(struct errand *e);
static void log_answer(const struct errand *e, int64_t began);
static enum reply_code take_webhook(struct errand *e);
static enum reply_code tell_alive(struct errand *e);
static enum reply_code tell_live(struct errand *e);
static enum reply_code tell_ready(struct errand *e);

struct errand {
	struct desk *desk;
	const struct exchange *exchange;
	const struct request *request;
	const struct settings *settings;
	struct job_head head;
	struct buf document;
	struct err err;
	enum reply_code code;
};

struct route {
	const char *path; /* what the request's path ends with */
	const char *method;
	enum reply_code (*handler)(struct errand *e);
};

/* Matched at the path's end, because CGI and some mappings put the script's
 * name before it. No row is the end of another. */
static const struct route routes[] = {
	{ "/webhook_server", "POST", take_webhook },
	{ "/webhooks/github", "POST", take_webhook },
	{ "/webhook_server/healthcheck", "GET", tell_alive },
	{ "/health/live", "GET", tell_live },
	{ "/health/ready", "GET", tell_ready },
};

#define DOCUMENT_MAX 4096

void
desk_init(struct desk *desk, struct spool *spool)
{
	memset(desk, 0, sizeof *desk);
	desk->spool = spool;
}

void
desk_release(struct desk *desk)
{
	draft_free(desk->draft);
	free(desk->chunk);
	signer_release(&desk->signer);
}

void
desk_answer(struct desk *desk, const struct exchange *x)
{
	int64_t began = clock_mono();
	struct settings *settings = settings_get();
	struct request r;
	struct errand e = {
		.desk = desk,
		.exchange = x,
		.request = &r,
		.settings = settings,
	};

	request_read(&r, x->params);
	memcpy(e.head.request_id, r.id, sizeof e.head.request_id);
	buf_init(&e.document, DOCUMENT_MAX);
	run(&e);
	log_answer(&e, began);
	buf_release(&e.document);
	settings_put(settings);
}

static void
run(struct errand *e)
{
	const struct request *r = e->request;
	const struct route *route = find_route(r);
	struct reply reply = { .request_id = r->id };

	if (route == NULL) {
		e->code = REPLY_NOT_FOUND;
	} else if (strcmp(r->param[PARAM_METHOD], route->method) != 0) {
		e->code = REPLY_BAD_METHOD;
		reply.allow = route->method;
	} else {
		e->code = route->handler(e);
	}
	reply.code = e->code;
	if (e->code == REPLY_ACCEPTED || e->code == REPLY_DUPLICATE)
		reply.head = &e->head;
	if (e->document.len > 0)
		reply.document = e->document.data;
	/* The sender may know what is wrong with what it sent, not with us. */
	if (e->err.class == ERR_BAD)
		reply.detail = e->err.text;
	if (reply_send(&reply, e->exchange) == -1)
		log_job(LOG_WARN_, &e->head, 0, "reply_lost",
		    "the client went away before its answer");
}

static const struct route *
find_route(const struct request *r)
{
	size_t len = strlen(r->path);

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		size_t tail = strlen(routes[i].path);

		if (len >= tail &&
		    memcmp(r->path + len - tail, routes[i].path, tail) == 0)
			return &routes[i];
	}
	return NULL;
}

static void
log_answer(const struct errand *e, int64_t began)
{
	int status = reply_status(e->code);
	int ours = strcmp(e->request->param[PARAM_METHOD], "GET") == 0;
	enum log_level level = status == 503	       ? LOG_ERROR_
			       : ours && status == 200 ? LOG_DEBUG_
						       : LOG_INFO_;
	double ms = (double)(clock_mono() - began) / (double)CLOCK_MSEC;

	log_job(level, &e->head, 0, reply_word(e->code),
	    "%d in %.2f ms, %llu bytes, event %s, repository %s%s%s", status,
	    ms, (unsigned long long)e->head.length,
	    *e->head.event != '\0' ? e->head.event : "-",
	    *e->head.repository != '\0' ? e->head.repository : "-",
	    *e->err.text != '\0' ? ": " : "", e->err.text);
}

static enum reply_code
take_webhook(struct errand *e)
{
	return webhook_take(
	    e->desk, e->settings, e->exchange, e->request, &e->head, &e->err);
}

/* The reference server's health check; monitors look for these words. */
static enum reply_code
tell_alive(struct errand *e)
{
	buf_adds(&e->document, "{\"status\":200,\"message\":\"Alive\"}");
	return REPLY_DOCUMENT;
}

static enum reply_code
tell_live(struct errand *e)
{
	buf_adds(&e->document, "{\"status\":\"live\"}");
	return REPLY_DOCUMENT;
}

static enum reply_code
tell_ready(struct errand *e)
{
	return health_report(&e->document, e->desk->spool, e->settings)
		   ? REPLY_DOCUMENT
		   : REPLY_NOT_READY;
}
