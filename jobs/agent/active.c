/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/active.h"
#include "buf.h"
#include "clock.h"
#include "fsio.h"

#define TEXT_MAX 256 /* bytes of the file: ID, two times in ns */

static int
open_folder(int *out, const char *data_directory, struct err *err)
{
	return fs_make_below(
	    out, data_directory, "cache/issue-jobs", 0700, err);
}

/* "owner,name,7": a comma can be in none of the names. */
static void
file_name(char *out, size_t size, const struct job_head *head)
{
	snprintf(out, size, "%.180s,%lld", head->repository,
	    (long long)head->number);
	for (char *p = out; *p != '\0'; p++)
		*p = *p == '/' ? ',' : (char)tolower((unsigned char)*p);
}

int
active_job(char by[JOB_ID_MAX], const char *data_directory,
    const struct job_head *head)
{
	char name[256], id[JOB_ID_MAX];
	int64_t received, ended;
	struct buf text;
	struct err ignored;
	int dir = -1, found = 0;

	file_name(name, sizeof name, head);
	buf_init(&text, TEXT_MAX);
	if (open_folder(&dir, data_directory, &ignored) == 0 &&
	    fs_read_file(&text, dir, name, &ignored) == 0 &&
	    sscanf(text.data, "%63s %" SCNd64 " %" SCNd64, id, &received,
		&ended) == 3 &&
	    head_job_id_valid(id) && strcmp(id, head->id) != 0 &&
	    received <= head->received && head->received < ended) {
		memcpy(by, id, sizeof id);
		found = 1;
	}
	fs_close(&dir);
	buf_release(&text);
	return found;
}

int
active_ended(
    const char *data_directory, const struct job_head *head, struct err *err)
{
	char name[256], line[TEXT_MAX];
	int dir = -1, len, rc;

	file_name(name, sizeof name, head);
	if (open_folder(&dir, data_directory, err) == -1)
		return -1;
	len = snprintf(line, sizeof line, "%s %" PRId64 " %" PRId64 "\n",
	    head->id, head->received, clock_wall());
	rc = fs_replace(dir, name, line, (size_t)len, 0600, err);
	fs_close(&dir);
	return rc;
}
