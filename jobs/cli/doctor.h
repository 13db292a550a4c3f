/* SPDX-License-Identifier: MIT */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdint.h>

#include "cli/cli.h"
#include "config.h"

/*
 * `hookspool doctor`: one table row a check (doctor.c): its name, what it
 * needs to be able to look, its function. A check looks at one thing, leaves
 * nothing behind, and answers with one finding: the worst it saw.
 *
 * A finding is born OK; finding_ok(), finding_warn() and finding_fail() give
 * it its text, and the latter two what to do about it. Files: doctor_setup.c
 * (configuration and secrets), doctor_disk.c (directories, file system,
 * space), doctor_work.c (runner, queue), doctor_host.c (clock, sandbox),
 * doctor_proxy.c (a large request through the web server).
 */

enum verdict { VERDICT_OK, VERDICT_SKIP, VERDICT_WARN, VERDICT_FAIL };

struct finding {
	enum verdict verdict;
	char text[320];
	char remedy[320];
};

struct doctor {
	struct cli *cli; /* config and spool: NULL where they do not open */
	struct config_report report;
	struct err config_err, spool_err;
	const char *url; /* --url, NULL if not given */
	int64_t now;	 /* wall clock, ns */
};

void finding_ok(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Text and remedy are parted by a line feed in `fmt`. */
void finding_warn(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void finding_fail(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Not to be checked on this machine, or not asked for. */
void finding_skip(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void doctor_configuration(struct doctor *d, struct finding *f);
void doctor_secrets(struct doctor *d, struct finding *f);
void doctor_secret_files(struct doctor *d, struct finding *f);
void doctor_separation(struct doctor *d, struct finding *f);
void doctor_hooks(struct doctor *d, struct finding *f);
void doctor_spool(struct doctor *d, struct finding *f);
void doctor_directories(struct doctor *d, struct finding *f);
void doctor_file_system(struct doctor *d, struct finding *f);
void doctor_fsync(struct doctor *d, struct finding *f);
void doctor_space(struct doctor *d, struct finding *f);
void doctor_clock(struct doctor *d, struct finding *f);
void doctor_runner(struct doctor *d, struct finding *f);
void doctor_orphans(struct doctor *d, struct finding *f);
void doctor_queue(struct doctor *d, struct finding *f);
void doctor_dead(struct doctor *d, struct finding *f);
void doctor_sandbox(struct doctor *d, struct finding *f);
void doctor_proxy(struct doctor *d, struct finding *f);

#endif
