/* SPDX-License-Identifier: MIT */
#ifndef SERVE_H
#define SERVE_H

#include "worker/job.h"

/*
 * job-worker --serve: the forker, as runner/forker.h describes it, on the
 * socket that is fd 0. Makes ready what all jobs need, then forks for each
 * request.
 *
 * Returns only in a process for one job, whose descriptors are as if it had
 * been executed; `given` then has the job's attempt, the spool if it could be
 * opened and, if it could be read and is not out of date, the configuration.
 * The forker itself ends here when the runner closes the socket, or ends.
 */
void serve(struct job_options *given);

#endif
