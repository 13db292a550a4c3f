/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "runner/ctl.h"
#include "runner/runner.h"

#define AT_ONCE 256 /* requests performed in one round */

static struct job *
find_job(struct job *list, const char *id)
{
	while (list != NULL && strcmp(list->name.id, id) != 0)
		list = list->next;
	return list;
}

/* 1 if the request was seen to, 0 if it has to wait. */
static int
perform(struct runner *r, enum ctl_verb verb, const char *id, int64_t now)
{
	enum ctl_answer answer;
	struct job *job = find_job(r->running, id);
	struct err err;

	if (job != NULL && verb == CTL_CANCEL) {
		log_job(LOG_INFO_, &job->head, job->name.attempt, "cancelling",
		    "an operator asked for it");
		child_stop(job, STOP_CANCEL, now + r->settings.stop_grace);
		return 1;
	}
	if (job != NULL) {
		log_event(LOG_WARN_, "refused", "%s %s: it is running",
		    ctl_verb_name(verb), id);
		return 1;
	}
	/* Between two states: a moment later it is in one. And the settler
	 * must be ours alone. */
	if (find_job(r->ended, id) != NULL || find_job(r->judged, id) != NULL ||
	    r->settler.jobs != NULL)
		return 0;
	if (ctl_perform(&r->settler, verb, id, &answer, &err) == -1) {
		if (err.class == ERR_TEMP) {
			trouble_tell(&r->keeping, now, "a request", &err);
			return 0;
		}
		log_event(LOG_WARN_, "refused", "%s %s: %s",
		    ctl_verb_name(verb), id, err.text);
		return 1;
	}
	/* In run/, but not ours: another runner's to perform. */
	if (answer == CTL_RUNNING)
		return 0;
	log_event(LOG_INFO_, "request", "%s %s", ctl_verb_name(verb), id);
	return 1;
}

static int
perform_name(struct runner *r, const char *name, int64_t now)
{
	enum ctl_verb verb;
	const char *id;

	if (*name == '.')
		return 0; /* one in the making */
	if (ctl_parse(&verb, &id, name) == -1) {
		log_event(
		    LOG_WARN_, "refused", "ctl/%.100s is no request", name);
	} else if (!perform(r, verb, id, now)) {
		return 1;
	}
	if (unlinkat(spool_fd(r->spool, SPOOL_CTL), name, 0) == -1 &&
	    errno == EISDIR)
		unlinkat(spool_fd(r->spool, SPOOL_CTL), name, AT_REMOVEDIR);
	return 1;
}

void
requests_perform(struct runner *r, int64_t now)
{
	int fd = openat(spool_fd(r->spool, SPOOL_CTL), ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int performed = 0;

	r->requests = 0;
	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while (performed < AT_ONCE && (entry = readdir(dir)) != NULL)
		performed += perform_name(r, entry->d_name, now);
	closedir(dir);
}
