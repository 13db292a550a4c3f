/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_CHILD_H
#define COMMAND_CHILD_H

#include <sys/types.h>

struct command;

/*
 * The child's way from vfork(2) to execve(2): it uses the parent's memory, and
 * leaves it as it was but for `environ`. Everything that needs memory was made
 * before. A failure is told to the parent as struct child_report
 * through report_fd, which a successful execve(2) closes.
 */

#define CHILD_STATUS_FD 3 /* where bubblewrap writes, strict only */

enum child_stage {
	STAGE_SESSION,
	STAGE_DESCRIPTORS,
	STAGE_DIRECTORY,
	STAGE_SANDBOX,
	STAGE_EXEC,
};

struct child_report {
	enum child_stage stage;
	int sys; /* errno */
};

struct child_plan {
	const struct command *command;
	char *const *argv; /* bubblewrap's, or the command's own */
	char **env;
	const char *cwd; /* NULL: bubblewrap goes there */
	int output_fd, report_fd, status_fd;
	int landlock;
	pid_t parent;
};

_Noreturn void child_exec(const struct child_plan *plan);

#endif
