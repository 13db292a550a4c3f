/* SPDX-License-Identifier: MIT */
#ifndef REDACT_H
#define REDACT_H

#include <stddef.h>

/*
 * The table of secret values behind log_secret() and redact(), which log.h
 * declares for everybody. Here only what secret.c needs beside them.
 */

/* log_secret(), but tells: 0, or -1 where there is no memory (errno). */
int redact_register(const char *value, size_t len)
    __attribute__((warn_unused_result));

#endif
