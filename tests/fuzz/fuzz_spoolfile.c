/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "form.h"
#include "head.h"
#include "json.h"
#include "place.h"
#include "spool.h"

/*
 * A whole spool file, head and body: read as the worker reads it, and left in
 * tmp/ by a process that is gone, as recovery finds it. Where the file begins
 * with "=", what follows gets the length and digest of its body first: no
 * mutation would guess these.
 *
 * A file whose body is not the declared one becomes no job, nor does one that
 * says it is another slot; a whole one becomes one, and a job in new/ has the
 * name that its head says.
 */

#define SLOT "0badf00d.1"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
make_fit(struct buf *out, const char *text, size_t len)
{
	struct job_head head;
	struct err err;
	size_t body_at;

	if (head_parse(&head, &body_at, text, len, &err) == -1) {
		buf_add(out, text, len);
		return;
	}
	head.length = len - body_at;
	if (digest_of(head.sha256, text + body_at, head.length, &err) == -1 ||
	    head_format(out, &head, 0, &err) == -1)
		abort();
	buf_add(out, text + body_at, head.length);
}

static void
read_payload(const struct job_head *head, const char *body)
{
	struct json *doc;
	struct err err;
	struct buf form;
	size_t len = head->length;

	buf_init(&form, 1 << 20);
	if (strcmp(head->type, HEAD_TYPE_FORM) == 0) {
		if (form_field(&form, body, len, "payload", &err) == -1)
			goto out;
		body = form.data;
		len = form.len;
	}
	if (json_parse(&doc, body, len, &err) == 0)
		json_free(doc);
out:
	buf_release(&form);
}

/* 1 if it is whole and in its place. */
static int
read_as_worker(const struct buf *file)
{
	struct job_head head;
	uint8_t sha256[DIGEST_LEN];
	struct err err = { 0 };
	size_t body_at;
	int fd = memfd_create("job", MFD_CLOEXEC), rc;

	if (fd == -1 || write(fd, file->data, file->len) != (ssize_t)file->len)
		abort();
	rc = head_verify(&head, &body_at, fd, &err);
	close(fd);
	if (rc == -1) {
		if (err.class != ERR_BAD || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (head.length > file->len || body_at > file->len - head.length ||
	    digest_of(sha256, file->data + body_at, head.length, &err) == -1 ||
	    !digest_equal(sha256, head.sha256))
		abort();
	read_payload(&head, file->data + body_at);
	return strcmp(head.slot, SLOT) == 0;
}

static int
check_job(void *arg, const struct spool_name *name)
{
	struct job_head head;
	struct err err;
	unsigned *jobs = arg;

	if (spool_read_head(place_spool(), SPOOL_NEW, name, &head, &err) ==
		-1 ||
	    strcmp(head.id, name->id) != 0)
		abort();
	++*jobs;
	return 0;
}

static void
recover(const struct buf *file, int whole)
{
	struct spool_recovered done = { 0 };
	struct err err;
	unsigned jobs = 0;

	place_write(SPOOL_TMP, SLOT, file->data, file->len);
	if (spool_recover(place_spool(), &done, NULL, NULL, &err) == -1 ||
	    done.published + done.removed != 1 ||
	    done.published != (unsigned)whole)
		abort();
	if (spool_each(place_spool(), SPOOL_NEW, check_job, &jobs, &err) != 0 ||
	    jobs != (unsigned)whole)
		abort();
	place_empty(SPOOL_NEW);
	place_empty(SPOOL_TMP);
	place_empty(SPOOL_SEEN);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct buf file;

	buf_init(&file, 1 << 20);
	if (size > 0 && *data == '=')
		make_fit(&file, (const char *)data + 1, size - 1);
	else
		buf_add(&file, data, size);
	if (file.state == BUF_OK)
		recover(&file, read_as_worker(&file));
	buf_release(&file);
	return 0;
}
