/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "github/http.h"
#include "github/libcurl.h"
#include "secret.h"

struct http {
	CURL *curl;
	const char *user_agent, *ca_file; /* owned */
};

static int
start_curl(struct err *err)
{
	static int done;

	if (done)
		return 0;
	if (libcurl_load(err) == -1)
		return -1;
	/* A worker has one thread when it makes its client. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return err_set(err, ERR_TEMP, 0, "libcurl does not start");
	done = 1;
	return 0;
}

int
http_new(struct http **out, const char *ca_file, const char *user_agent,
    struct err *err)
{
	struct http *http;

	if (start_curl(err) == -1)
		return -1;
	http = calloc(1, sizeof *http);
	if (http == NULL)
		goto no_memory;
	http->curl = curl_easy_init();
	http->user_agent = strdup(user_agent);
	http->ca_file = ca_file != NULL ? strdup(ca_file) : NULL;
	if (http->curl == NULL || http->user_agent == NULL ||
	    (ca_file != NULL && http->ca_file == NULL))
		goto no_memory;
	*out = http;
	return 0;

no_memory:
	http_free(http);
	return err_set(err, ERR_TEMP, 0, "http: out of memory");
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	free((void *)(uintptr_t)http->user_agent);
	free((void *)(uintptr_t)http->ca_file);
	free(http);
}

void
http_reply_init(struct http_reply *reply)
{
	*reply = (struct http_reply){
		.limit = -1, .remaining = -1, .reset = -1, .retry_after = -1
	};
	buf_init(&reply->body, 0);
}

void
http_reply_release(struct http_reply *reply)
{
	buf_release(&reply->body);
}

/* ---- reading the reply ---- */

enum header_kind { HEADER_TEXT, HEADER_NUMBER };

/* Which headers are kept, and where. */
static const struct {
	const char *name;
	enum header_kind kind;
	size_t at, size;
} kept[] = {
#define KEEP_TEXT(name, field)                                                 \
	{                                                                      \
		name, HEADER_TEXT, offsetof(struct http_reply, field),         \
		    sizeof(((struct http_reply *)0)->field)                    \
	}
#define KEEP_NUMBER(name, field)                                               \
	{                                                                      \
		name, HEADER_NUMBER, offsetof(struct http_reply, field), 0     \
	}
	KEEP_TEXT("etag", etag),
	KEEP_TEXT("link", link),
	KEEP_TEXT("location", location),
	KEEP_TEXT("x-github-request-id", request_id),
	KEEP_TEXT("x-ratelimit-resource", resource),
	KEEP_NUMBER("x-ratelimit-limit", limit),
	KEEP_NUMBER("x-ratelimit-remaining", remaining),
	KEEP_NUMBER("x-ratelimit-reset", reset),
	KEEP_NUMBER("retry-after", retry_after),
};

static void
keep(struct http_reply *reply, size_t row, const char *value, size_t len)
{
	char *field = (char *)reply + kept[row].at;
	char digits[20];

	if (kept[row].kind == HEADER_TEXT) {
		if (len >= kept[row].size)
			return; /* half a URL is worse than none */
		memcpy(field, value, len);
		field[len] = '\0';
		return;
	}
	if (len == 0 || len >= sizeof digits ||
	    strspn(value, "0123456789") < len)
		return;
	memcpy(digits, value, len);
	digits[len] = '\0';
	*(int64_t *)(void *)field = strtoll(digits, NULL, 10);
}

static void
forget_headers(struct http_reply *reply)
{
	struct buf body = reply->body;

	http_reply_init(reply);
	reply->body = body;
}

/* libcurl hands over one header line at a time, with its line end. */
static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_reply *reply = arg;
	size_t len = size * count;
	const char *colon = memchr(line, ':', len), *value;

	/* A new status line: what an interim reply (100, 103) said is void. */
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
		forget_headers(reply);
	if (colon == NULL)
		return len;
	value = colon + 1;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
		len--;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		size_t name_len = strlen(kept[i].name);

		if ((size_t)(colon - line) == name_len &&
		    strncasecmp(line, kept[i].name, name_len) == 0 &&
		    value <= line + len)
			keep(reply, i, value, (size_t)(line + len - value));
	}
	return size * count;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_reply *reply = arg;

	buf_add(&reply->body, bytes, size * count);
	return reply->body.state == BUF_OK ? size * count : 0;
}

/* ---- sending ---- */

/* An address, not a name: 127.example.org is anybody's. */
static int
is_loopback(const char *host)
{
	struct in_addr address;

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &address) == 1 &&
		   ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* https to anywhere, http to this machine only. */
static int
check_url(const char *text, struct err *err)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL;
	int rc = 0;

	if (url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) != 0 ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != 0 ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != 0)
		rc = err_set(err, ERR_CONF, 0, "%.100s: not a URL", text);
	else if (strcmp(scheme, "https") != 0 &&
		 !(strcmp(scheme, "http") == 0 && is_loopback(host)))
		rc = err_set(err, ERR_CONF, 0,
		    "%.100s: only https is spoken, http to loopback only",
		    text);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
	return rc;
}

static int
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

static int
make_headers(struct curl_slist **list, const struct http_request *request)
{
	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		if (add_header(list, request->headers[i]) == -1)
			return -1;
	}
	/* libcurl would wait a second for "100 Continue" otherwise. */
	return add_header(list, "Expect:");
}

static void
set_options(struct http *http, const struct http_request *request,
    struct http_reply *reply, struct curl_slist *headers)
{
	CURL *c = http->curl;

	/* Keeps connections, forgets every option of the exchange before. */
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, request->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
	/*
	 * libcurl repeats a request by itself where a connection it had kept
	 * ends before a byte of the reply. What changes something must not be
	 * repeated before it was looked whether it happened (client.h), so it
	 * goes over a connection of its own.
	 */
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT,
	    strcmp(request->method, "GET") != 0 ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, http->user_agent);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, request->timeout_ms);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, reply);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
	if (http->ca_file != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, http->ca_file);
	if (request->bearer != NULL) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(
		    c, CURLOPT_XOAUTH2_BEARER, secret_bytes(request->bearer));
	}
	if (request->body != NULL) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, request->body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)request->body_len);
	}
}

/* 0 bytes of request out on the wire: the far end cannot have acted. */
static enum http_sent
how_far(CURL *curl, CURLcode code)
{
	long request_size = 0;

	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return HTTP_NOT_SENT;
	default:
		break;
	}
	curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_size);
	return request_size == 0 ? HTTP_NOT_SENT : HTTP_MAYBE_SENT;
}

int
http_send(struct http *http, const struct http_request *request,
    struct http_reply *reply, enum http_sent *sent, struct err *err)
{
	struct curl_slist *headers = NULL;
	CURLcode code;
	long status = 0;
	int rc = -1;

	*sent = HTTP_NOT_SENT;
	if (check_url(request->url, err) == -1)
		return -1;
	if (make_headers(&headers, request) == -1) {
		err_set(err, ERR_TEMP, 0, "http: out of memory");
		goto out;
	}
	buf_reset(&reply->body);
	reply->body.max = request->max_body;
	forget_headers(reply);
	set_options(http, request, reply, headers);
	code = curl_easy_perform(http->curl);
	if (code != CURLE_OK) {
		*sent = how_far(http->curl, code);
		err_set(err, ERR_TEMP, 0, "%s %.80s: %s", request->method,
		    request->url, curl_easy_strerror(code));
		goto out;
	}
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	*sent = HTTP_MAYBE_SENT;
	rc = 0;
out:
	curl_slist_free_all(headers);
	return rc;
}

static int
same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = NULL, *y = NULL;
	int same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == 0 &&
		   curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == 0 &&
		   strcasecmp(x, y) == 0;

	curl_free(x);
	curl_free(y);
	return same;
}

int
http_same_origin(const char *a, const char *b)
{
	CURLU *x, *y;
	struct err ignored;
	int same;

	if (libcurl_load(&ignored) == -1)
		return 0;
	x = curl_url();
	y = curl_url();
	same = x != NULL && y != NULL &&
	       curl_url_set(x, CURLUPART_URL, a, 0) == 0 &&
	       curl_url_set(y, CURLUPART_URL, b, 0) == 0 &&
	       same_part(x, y, CURLUPART_SCHEME) &&
	       same_part(x, y, CURLUPART_HOST) &&
	       same_part(x, y, CURLUPART_PORT);
	curl_url_cleanup(x);
	curl_url_cleanup(y);
	return same;
}
