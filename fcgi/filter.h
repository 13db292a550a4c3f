/* SPDX-License-Identifier: MIT */
#ifndef FILTER_H
#define FILTER_H

#include "err.h"

/*
 * System calls this process and its children never need again, refused by the
 * kernel from here on (seccomp, classic BPF; needs no_new_privs). Landlock
 * says which files and TCP ports may be touched; this says the rest: no
 * sockets of any kind, no programs, no looking into other processes.
 *
 * A refused call fails with EPERM. What is refused is a table in filter.c; a
 * call that is not in it is allowed, since libraries differ in what they use.
 *
 * Calling sequence: filter_enter(FILTER_SUPERVISOR) once everything is open,
 * then filter_enter(FILTER_PROCESS) in the forked process; filters add up.
 */
enum filter {
	FILTER_SUPERVISOR, /* may fork and signal what it forked */
	FILTER_PROCESS,	   /* threads only, and no signals to others */
};

/* 0; 1 where this machine has no filter, for which there is no error. */
int filter_enter(enum filter which, struct err *err) CHECKED;

#endif
