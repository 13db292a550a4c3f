/* SPDX-License-Identifier: MIT */
#ifndef DESK_H
#define DESK_H

#include "err.h"
#include "signature.h"

struct draft;
struct exchange;
struct spool;

/*
 * One desk a thread: it answers one exchange after the other, and keeps what
 * is dear to make (keyed HMACs, the draft, the read buffer) in between.
 * desk_answer() is the whole of the responder's policy; server.c and cgi.c
 * only bring it exchanges.
 *
 * Calling sequence: desk_init(), any number of desk_answer(),
 * desk_release(). settings_current_init() must have been called before.
 */
#define DESK_CHUNK 65536 /* bytes of a body read in one step */

struct desk {
	struct spool *spool; /* borrowed */
	struct draft *draft; /* made when first needed */
	char *chunk;	     /* DESK_CHUNK bytes, made when first needed */
	struct signer signer;
};

void desk_init(struct desk *desk, struct spool *spool);
void desk_release(struct desk *desk);

/* Reads the request, sends exactly one reply, logs one line. */
void desk_answer(struct desk *desk, const struct exchange *x);

#endif
