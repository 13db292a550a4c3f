/* SPDX-License-Identifier: MIT */
#ifndef RESPONDER_H
#define RESPONDER_H

#include <stddef.h>
#include <sys/types.h>

#include "fcgi_client.h"

/*
 * The real hookspool-fcgi in a directory of its own, for tests: made, started,
 * asked, stopped, and everything of it removed.
 *
 * Calling sequence: responder_make() writes the configuration;
 * responder_start() returns when the socket answers; responder_stop() ends it
 * and returns its wait status; responder_remove() in the end. Whatever does
 * not go as it should fails the running test.
 */

#define RESPONDER_SECRET "the secret of all repositories"
#define RESPONDER_NEXT	 "the secret that comes after it"
#define RESPONDER_OWN	 "the secret of octo/own alone"

struct responder {
	char dir[64];
	char config[96], socket[96], spool[96], log[96];
	pid_t pid; /* 0: not running */
};

/* `more` is YAML that is put behind the usual configuration; `usual` NULL
 * stands for that: two secrets, octo/plain, octo/own, two hooks. */
void responder_make(struct responder *r, const char *usual, const char *more);
void responder_write_config(const struct responder *r, const char *text);
void responder_start(struct responder *r, const char *const *options);
int responder_stop(struct responder *r);
void responder_remove(struct responder *r);

/* Starts it, waits for its end; the exit code. */
int responder_fail(struct responder *r, const char *const *options);

/* The program's file name. */
const char *responder_program(void);

/* What it has logged so far contains this. */
int responder_logged(const struct responder *r, const char *text);

/* Files in a directory of the spool ("new"). */
unsigned responder_count(const struct responder *r, const char *dir);

/* Child processes of the supervisor; at most `max` are stored. */
unsigned responder_children(
    const struct responder *r, pid_t *out, unsigned max);

/* 1 as soon as done(arg) is; 0 after `seconds`. */
int responder_wait(int (*done)(void *arg), void *arg, int seconds);

/* ---- requests ---- */

/* "sha256=..." of a body; out has 72 bytes. */
void sign_body(char *out, const char *secret, const void *body, size_t len);

/* The n-th delivery of this test program, a UUID; out has 37 bytes. */
void make_delivery(char *out, unsigned n);

struct webhook_params {
	struct fcgi_param list[20];
	char signature[72], length[24], delivery[37];
};

/* What nginx sends with a good webhook of this body. */
void webhook_params(struct webhook_params *w, const char *secret,
    const char *event, unsigned delivery, const void *body, size_t len);

/* Sets, replaces or (value NULL) removes one. */
void webhook_set(struct webhook_params *w, const char *name, const char *value);

/* Posts it and fails the test where no reply comes; the status. */
int webhook_post(const struct responder *r, const struct webhook_params *w,
    const void *body, size_t len, struct fcgi_reply *reply);

/* A good push of octo/plain; the status. */
int webhook_push(
    const struct responder *r, unsigned delivery, struct fcgi_reply *reply);

/* GET of a path. */
int responder_get(
    const struct responder *r, const char *path, struct fcgi_reply *reply);

/* A push of octo/plain whose body differs with n; buffer of `size`. */
size_t push_body(char *out, size_t size, unsigned n);

#endif
