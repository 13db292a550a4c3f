/* SPDX-License-Identifier: MIT */
#ifndef CGI_H
#define CGI_H

/*
 * The same responder as a plain CGI program (RFC 3875): one request, from
 * the environment and standard input, answered on standard output.
 */

/* Answers; also where the configuration cannot be read. The exit code. */
int cgi_run(const char *config);

#endif
