/* SPDX-License-Identifier: MIT */
/*
 * The limit next to which the responder is measured: a FastCGI program that
 * stores nothing.
 *
 *   bare answer|hmac SOCKET PROCESSES THREADS SECRET
 *
 * It reads the body and answers 202; with "hmac" it works out the body's
 * HMAC first and compares it. libfcgi's own loop, so threads are pinned by
 * connections that are kept open: give it more than the web server keeps.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "digest.h"
#include "err.h"

#define PIECE 32768

static int listen_fd, check;
static const char *secret;

static int
is_signed(FCGX_Request *r, struct digest *d, char *piece)
{
	const char *claimed =
	    FCGX_GetParam("HTTP_X_HUB_SIGNATURE_256", r->envp);
	uint8_t want[DIGEST_LEN], got[DIGEST_LEN];
	struct err err;
	int n;

	if (check && (claimed == NULL || strlen(claimed) < 7 ||
			 hex_decode(want, DIGEST_LEN, claimed + 7) == -1 ||
			 digest_reset(d, &err) == -1))
		return 0;
	while ((n = FCGX_GetStr(piece, PIECE, r->in)) > 0) {
		if (check && digest_add(d, piece, (size_t)n, &err) == -1)
			return 0;
	}
	return !check ||
	       (digest_end(d, got, &err) == 0 && digest_equal(got, want));
}

static void *
answer_all(void *arg)
{
	static const char good[] = "Status: 202 Accepted\r\n"
				   "Content-Type: application/json\r\n\r\n"
				   "{\"status\":\"accepted\"}\n";
	static const char bad[] = "Status: 403 Forbidden\r\n\r\n";
	char *piece = malloc(PIECE);
	struct digest *d;
	FCGX_Request r;
	struct err err;

	(void)arg;
	if (piece == NULL ||
	    digest_new_hmac(&d, secret, strlen(secret), &err) == -1)
		exit(1);
	FCGX_InitRequest(&r, listen_fd, 0);
	while (FCGX_Accept_r(&r) == 0) {
		const char *text = is_signed(&r, d, piece) ? good : bad;

		FCGX_PutStr(text, (int)strlen(text), r.out);
		FCGX_Finish_r(&r);
	}
	return NULL;
}

static _Noreturn void
serve(int threads)
{
	pthread_t id;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	FCGX_Init();
	for (int i = 1; i < threads; i++) {
		if (pthread_create(&id, NULL, answer_all, NULL) != 0)
			exit(1);
	}
	answer_all(NULL);
	exit(0);
}

int
main(int argc, char **argv)
{
	if (argc != 6) {
		fputs("usage: bare answer|hmac SOCKET PROCESSES THREADS "
		      "SECRET\n",
		    stderr);
		return 2;
	}
	check = strcmp(argv[1], "hmac") == 0;
	secret = argv[5];
	listen_fd = FCGX_OpenSocket(argv[2], 1024);
	if (listen_fd == -1)
		return 1;
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (fork() == 0)
			serve(atoi(argv[4]));
	}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
