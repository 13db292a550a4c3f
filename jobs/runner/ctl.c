/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "fsio.h"
#include "runner/ctl.h"
#include "runner/presence.h"
#include "runner/settle.h"
#include "spool.h"

#define REQUEST_MAX (JOB_ID_MAX + 16) /* "release." and an ID */
#define TRIES	    5 /* a job may be on the move while we look */

/*
 * What a verb does to a job in a state. 0 done, 1 the job was gone from there
 * when we came (look again), -1.
 */
typedef int act_fn(struct settler *t, unsigned state,
    const struct spool_name *name, struct err *err);

static act_fn act_cancel, act_to_new, act_hold, act_rearm, act_drop;

static const char *const verbs[CTL_VERBS] = { "cancel", "retry", "hold",
	"release", "drop" };

static const struct {
	enum ctl_verb verb;
	enum spool_state state;
	act_fn *act;
} rows[] = {
	{ CTL_CANCEL, SPOOL_NEW, act_cancel },
	{ CTL_CANCEL, SPOOL_RETRY, act_cancel },
	{ CTL_CANCEL, SPOOL_HOLD, act_cancel },
	{ CTL_RETRY, SPOOL_RETRY, act_to_new },
	{ CTL_RETRY, SPOOL_HOLD, act_to_new },
	{ CTL_RETRY, SPOOL_DEAD, act_rearm },
	{ CTL_HOLD, SPOOL_NEW, act_hold },
	{ CTL_HOLD, SPOOL_RETRY, act_hold },
	{ CTL_RELEASE, SPOOL_HOLD, act_to_new },
	{ CTL_DROP, SPOOL_DONE, act_drop },
	{ CTL_DROP, SPOOL_DEAD, act_drop },
	{ CTL_DROP, SPOOL_BAD, act_drop },
};

/* ---- names ---- */

const char *
ctl_verb_name(enum ctl_verb verb)
{
	return verbs[verb];
}

int
ctl_verb_find(enum ctl_verb *out, const char *name)
{
	for (int i = 0; i < CTL_VERBS; i++) {
		if (strcmp(verbs[i], name) != 0)
			continue;
		*out = (enum ctl_verb)i;
		return 0;
	}
	return -1;
}

int
ctl_parse(enum ctl_verb *verb, const char **id, const char *name)
{
	char word[REQUEST_MAX];
	const char *dot = strchr(name, '.');

	if (dot == NULL || (size_t)(dot - name) >= sizeof word ||
	    !head_job_id_valid(dot + 1))
		return -1;
	memcpy(word, name, (size_t)(dot - name));
	word[dot - name] = '\0';
	if (ctl_verb_find(verb, word) == -1)
		return -1;
	*id = dot + 1;
	return 0;
}

/* ---- what the verbs do ---- */

static int
act_cancel(struct settler *t, unsigned state, const struct spool_name *name,
    struct err *err)
{
	struct job *job = job_new(name, (enum spool_state)state), *over = NULL;
	int rc = job_lock(t->spool, job, err);

	if (rc != 0) {
		job_free(job);
		return rc;
	}
	if (job_read_head(job, err) == -1)
		err->class = ERR_NONE; /* cancelled by its name */
	job->verdict.to = SPOOL_DEAD;
	job->verdict.outcome = JOB_CANCELLED;
	snprintf(job->verdict.reason, sizeof job->verdict.reason,
	    "cancelled by an operator");
	settle_add(t, job);
	rc = settle_run(t, &over, err);
	while (over != NULL) {
		struct job *next = over->next;

		if (rc == 0 && over->gone)
			rc = 1;
		job_free(over);
		over = next;
	}
	return rc;
}

static int
act_to_new(struct settler *t, unsigned state, const struct spool_name *name,
    struct err *err)
{
	return spool_move(t->spool, state, name, SPOOL_NEW, name, err);
}

static int
act_hold(struct settler *t, unsigned state, const struct spool_name *name,
    struct err *err)
{
	return spool_move(t->spool, state, name, SPOOL_HOLD, name, err);
}

static int
act_rearm(struct settler *t, unsigned state, const struct spool_name *name,
    struct err *err)
{
	return spool_rearm(t->spool, state, name, 0, err);
}

static int
act_drop(struct settler *t, unsigned state, const struct spool_name *name,
    struct err *err)
{
	return spool_retire(t->spool, state, name->id, err);
}

static act_fn *
find_act(enum ctl_verb verb, unsigned state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].verb == verb && rows[i].state == state)
			return rows[i].act;
	}
	return NULL;
}

static int
refuse(enum ctl_verb verb, unsigned state, const char *id, struct err *err)
{
	return err_set(err, ERR_BAD, 0,
	    "%s: it is in %s/, where %s has no "
	    "meaning",
	    id, spool_dir_name(state), verbs[verb]);
}

int
ctl_perform(struct settler *t, enum ctl_verb verb, const char *id,
    enum ctl_answer *answer, struct err *err)
{
	struct spool_name name;
	unsigned state;

	for (int i = 0; i < TRIES; i++) {
		act_fn *act;
		int rc;

		if (spool_find(t->spool, id, &state, &name, err) == -1)
			return -1;
		if (state == SPOOL_RUN) {
			*answer = CTL_RUNNING;
			return 0;
		}
		act = find_act(verb, state);
		if (act == NULL)
			return refuse(verb, state, id, err);
		rc = act(t, state, &name, err);
		if (rc == 0)
			*answer = CTL_PERFORMED;
		if (rc != 1)
			return rc;
	}
	return err_set(err, ERR_TEMP, 0, "%s: it does not keep still", id);
}

/* ---- asking ---- */

int
ctl_request(
    struct spool *s, enum ctl_verb verb, const char *id, struct err *err)
{
	char name[REQUEST_MAX];

	if (!head_job_id_valid(id))
		return err_set(err, ERR_BAD, 0, "%.64s: not a job's ID", id);
	snprintf(name, sizeof name, "%s.%s", verbs[verb], id);
	return fs_replace(spool_fd(s, SPOOL_CTL), name, "", 0, 0640, err);
}

static int
perform_alone(struct spool *s, enum ctl_verb verb, const char *id,
    enum record_form form, enum ctl_answer *answer, struct err *err)
{
	struct spool_recovered recovered;
	struct settler t;
	int rc;

	if (spool_recover(s, &recovered, NULL, NULL, err) == -1 ||
	    settler_init(&t, s, form, err) == -1)
		return -1;
	rc = ctl_perform(&t, verb, id, answer, err);
	settler_release(&t);
	return rc;
}

int
ctl_submit(struct spool *s, enum ctl_verb verb, const char *id,
    enum record_form form, enum ctl_answer *answer, struct err *err)
{
	struct spool_name name;
	unsigned state;
	int fd = -1, rc = presence_exclude(s, &fd, err);

	if (rc == 0)
		rc = perform_alone(s, verb, id, form, answer, err);
	fs_close(&fd);
	/* A worker may outlive its runner by a moment: leave word. */
	if (rc == -1 || (rc == 0 && *answer != CTL_RUNNING))
		return rc;
	/* Refused at once what a runner would refuse later, unheard. */
	if (spool_find(s, id, &state, &name, err) == -1)
		return -1;
	if (find_act(verb, state) == NULL &&
	    !(verb == CTL_CANCEL && state == SPOOL_RUN))
		return refuse(verb, state, id, err);
	*answer = CTL_REQUESTED;
	return ctl_request(s, verb, id, err);
}
