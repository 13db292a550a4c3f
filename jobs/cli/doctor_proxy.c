/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli/doctor.h"
#include "clock.h"
#include "digest.h"
#include "github/http.h"
#include "json.h"
#include "secret.h"
#include "uuid.h"

/*
 * A request as large as GitHub's largest, through the web server: the limits
 * in front of the responder are found in no file of ours. The event's name
 * is one that GitHub does not have and its repository is nobody's, so that
 * it is read whole, its signature checked, and then ignored.
 */

/* docs.github.com, "Webhook events and payloads": capped at 25 MB. */
#define PROBE_BYTES   (25u * 1024 * 1024)
#define PROBE_EVENT   "X-GitHub-Event: hookspool_doctor"
#define PROBE_TIMEOUT 60000 /* ms */

struct probe {
	char *body;
	char signature[sizeof "X-Hub-Signature-256: sha256=" + DIGEST_HEX];
	char delivery[sizeof "X-GitHub-Delivery: " + UUID_TEXT];
	struct http *http;
	struct http_reply reply;
};

/* What an answer means; 200 is judged by what it says. */
static const struct {
	int status;	     /* 0 ends: anything else */
	const char *meaning; /* and what to do, behind a line feed */
} answers[] = {
	{ 400, "a part of the body was lost on its way\n"
	       "lighttpd: server.max-request-size; Apache: LimitRequestBody; "
	       "then look at the responder's log" },
	{ 401, "the signature's header did not arrive\n"
	       "pass all request headers on to the responder" },
	{ 403, "the responder knows another secret, or does not allow this "
	       "address\ndoes it run with the same configuration?" },
	{ 404, "no responder at this address\n"
	       "the path is /webhook_server or /webhooks/github" },
	{ 405, "this is not the responder's address\n"
	       "the path is /webhook_server or /webhooks/github" },
	{ 413, "a body limit is below 25 MB\n"
	       "nginx: client_max_body_size 26m (it is 1m unless set); "
	       "Apache: LimitRequestBody 27262976; lighttpd: "
	       "server.max-request-size 26624" },
	{ 500, "the web server gave up\n"
	       "mod_fcgid: FcgidMaxRequestLen 27262976 (131072 unless set); "
	       "else its error log tells" },
	{ 502,
	    "the web server does not reach the responder\n"
	    "is hookspool-fcgi running, and may the server use its socket?" },
	{ 503, "there is no room, or the responder is not ready\n"
	       "see the checks above and its log" },
	{ 504, "the responder did not answer in time\n"
	       "is the disk slow? see fsync above" },
	{ 0, "nothing is known of this answer\nlook at the server's log" },
};

static int prepare(struct doctor *d, struct probe *p, struct err *err);
static int sign(struct doctor *d, struct probe *p, struct err *err);
static int post(struct doctor *d, struct probe *p, struct err *err);
static void judge(const struct probe *p, int64_t took, struct finding *f);
static void judge_good(const struct probe *p, int64_t took, struct finding *f);

void
doctor_proxy(struct doctor *d, struct finding *f)
{
	struct probe p = { 0 };
	struct err err = { 0 };
	int64_t start;

	if (d->url == NULL) {
		finding_skip(f,
		    "not asked for: --url http://127.0.0.1/webhook_server "
		    "posts 25 MB through the web server");
		return;
	}
	http_reply_init(&p.reply);
	start = clock_mono();
	if (prepare(d, &p, &err) == -1 || post(d, &p, &err) == -1)
		finding_fail(f,
		    "%s\nis the web server running at this address? some "
		    "close the connection where a body limit is below 25 MB",
		    err.text);
	else
		judge(&p, clock_mono() - start, f);
	http_reply_release(&p.reply);
	http_free(p.http);
	free(p.body);
}

static int
prepare(struct doctor *d, struct probe *p, struct err *err)
{
	static const char begin[] =
	    "{\"action\":\"probe\",\"repository\":{\"id\":0,\"full_name\":"
	    "\"hookspool/doctor\"},\"padding\":\"";
	char uuid[UUID_TEXT];

	p->body = malloc(PROBE_BYTES);
	if (p->body == NULL)
		return err_set(err, ERR_TEMP, 0, "out of memory");
	memset(p->body, 'x', PROBE_BYTES);
	memcpy(p->body, begin, sizeof begin - 1);
	memcpy(p->body + PROBE_BYTES - 2, "\"}", 2);
	if (uuid_make(uuid, err) == -1)
		return -1;
	/* No two are alike, lest the second be a duplicate body. */
	memcpy(
	    p->body + PROBE_BYTES - 2 - (UUID_TEXT - 1), uuid, UUID_TEXT - 1);
	snprintf(
	    p->delivery, sizeof p->delivery, "X-GitHub-Delivery: %s", uuid);
	return sign(d, p, err);
}

static int
sign(struct doctor *d, struct probe *p, struct err *err)
{
	const struct secret *const *secrets;
	struct digest *hmac = NULL;
	uint8_t sum[DIGEST_LEN];
	char hex[DIGEST_HEX];
	int rc = -1;

	if (config_secrets(d->cli->config, NULL, "webhook-secret", &secrets) ==
	    0)
		return 0; /* allow-unsigned */
	if (digest_new_hmac(&hmac, secret_bytes(secrets[0]),
		secret_len(secrets[0]), err) == 0 &&
	    digest_add(hmac, p->body, PROBE_BYTES, err) == 0 &&
	    digest_end(hmac, sum, err) == 0) {
		hex_encode(hex, sum, sizeof sum);
		snprintf(p->signature, sizeof p->signature,
		    "X-Hub-Signature-256: sha256=%s", hex);
		rc = 0;
	}
	digest_free(hmac);
	return rc;
}

static int
post(struct doctor *d, struct probe *p, struct err *err)
{
	const char *headers[] = {
		"Content-Type: application/json",
		PROBE_EVENT,
		"X-GitHub-Hook-ID: 0",
		p->delivery,
		p->signature[0] != '\0' ? p->signature : NULL,
		NULL,
	};
	struct http_request request = {
		.method = "POST",
		.url = d->url,
		.headers = headers,
		.body = p->body,
		.body_len = PROBE_BYTES,
		.timeout_ms = PROBE_TIMEOUT,
		.max_body = 65536,
	};
	enum http_sent sent;

	if (http_new(&p->http, config_str(d->cli->config, NULL, "ca-file"),
		"GitHub-Hookshot/hookspool-doctor", err) == -1)
		return -1;
	return http_send(p->http, &request, &p->reply, &sent, err);
}

static void
judge(const struct probe *p, int64_t took, struct finding *f)
{
	size_t i = 0;

	if (p->reply.status == 200 || p->reply.status == 202) {
		judge_good(p, took, f);
		return;
	}
	while (answers[i].status != 0 && answers[i].status != p->reply.status)
		i++;
	finding_fail(f, "25 MB were answered %d: %s", p->reply.status,
	    answers[i].meaning);
}

/* A page of the web server's own is 200 too: only our words will do. */
static void
judge_good(const struct probe *p, int64_t took, struct finding *f)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	const char *status = "", *job;
	double seconds = (double)took / 1e9;

	if (json_parse(&doc, p->reply.body.data, p->reply.body.len, &err) == 0)
		status = json_str(json_get(doc, "status"), "");
	job = json_str(json_get(doc, "job_id"), "?");
	if (strcmp(status, "ignored") == 0)
		finding_ok(f, "25 MB arrived whole in %.1f s", seconds);
	else if (strcmp(status, "accepted") == 0)
		finding_warn(f,
		    "25 MB arrived whole in %.1f s, and a hook takes every "
		    "event: job %.64s\nhookspool queue cancel it; give the "
		    "hook its events",
		    seconds, job);
	else
		finding_fail(f,
		    "answered %d, but not by the responder\n"
		    "the path is /webhook_server or /webhooks/github",
		    p->reply.status);
	json_free(doc);
}
