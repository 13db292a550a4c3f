/* SPDX-License-Identifier: MIT */
#ifndef HEALTH_H
#define HEALTH_H

struct buf;
struct settings;
struct spool;

/*
 * GET /health/ready: would a webhook that came now be stored, and would
 * somebody run it? One JSON object with "status" and, for each check, "ok"
 * or what is wrong:
 *
 *   {"status":"not_ready","spool":"ok","room":"ok","disk":"ok",
 *    "configuration":"config.yaml:3: ...","runner":"no runner is running"}
 */

/* 1 if all is well. */
int health_report(
    struct buf *out, struct spool *spool, const struct settings *s);

#endif
