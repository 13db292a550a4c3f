/* SPDX-License-Identifier: MIT */
#ifndef HOOK_RUN_H
#define HOOK_RUN_H

struct hook;
struct job;

/*
 * Runs one hook that wants the event, as the step "hook:NAME", and returns
 * the worse of `code` and its own exit code:
 *
 *   EXIT_DONE      the command exited 0
 *   EXIT_TRYAGAIN  it failed and has retries left; or the machine did
 *                  (no disk, no processes), or the worker was told to stop
 *   EXIT_FAILED    it failed for good, which the step says ("final")
 *
 * `tries` is how often the command failed in earlier attempts of the job:
 * those that the machine spoilt do not count against its retries.
 */
int hook_run(
    struct job *job, const struct hook *hook, unsigned tries, int code);

#endif
