/* SPDX-License-Identifier: MIT */
#ifndef ERR_H
#define ERR_H

/*
 * What went wrong, filled once, at the place that found it.
 *
 * Calling sequence: a fallible function takes a struct err as its last
 * parameter and returns 0 or -1. With -1 it has filled *err and left its
 * out-parameters as they were. Whoever handles the error logs it; nobody in
 * between does, and lib/ never logs at all.
 *
 * The class says what the outside may be told and whether trying again can
 * help; err.c maps it to the HTTP status and to the worker's exit code in
 * one table. The text is one sentence for a person, without a newline, and
 * never holds a secret.
 */

enum err_class {
	ERR_NONE,
	ERR_TEMP, /* the world may get better: 503, exit 111 */
	ERR_PERM, /* it will not, and it is our side: 500, exit 100 */
	ERR_BAD,  /* what we were given is wrong: 400, exit 100 */
	ERR_CONF, /* our configuration is wrong: 503, exit 100 */
};

#define ERR_TEXT_MAX 200 /* bytes, with the terminating NUL */

struct err {
	enum err_class class;
	int sys; /* errno, 0 where none applies */
	char text[ERR_TEXT_MAX];
};

/* Worker exit codes, as qmail's programs have them (qmail-command(8)). */
#define EXIT_DONE     0
#define EXIT_FAILED   100
#define EXIT_TRYAGAIN 111

/* Fills *err and returns -1, so that `return err_set(...)` ends a function. */
int err_set(struct err *err, enum err_class class, int sys, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/*
 * The same for a failed system call: ": " and strerror(errno) are appended.
 * The class follows from errno: lack of space, memory, descriptors or
 * processes and anything else that passes is ERR_TEMP, the rest ERR_PERM.
 */
int err_sys(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text of an error already set; returns -1. */
int err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * All three give -1. Said here, where compilers and analyzers see it, so that
 * they know what a caller's `== -1` means without looking into err.c.
 */
#define err_set(...)                                                           \
	__extension__({                                                        \
		(err_set)(__VA_ARGS__);                                        \
		-1;                                                            \
	})
#define err_sys(...)                                                           \
	__extension__({                                                        \
		(err_sys)(__VA_ARGS__);                                        \
		-1;                                                            \
	})
#define err_prefix(...)                                                        \
	__extension__({                                                        \
		(err_prefix)(__VA_ARGS__);                                     \
		-1;                                                            \
	})

/*
 * A permission that is missing is an operator's to give: for callers whose
 * work waits for that, ERR_PERM becomes ERR_TEMP.
 */
void err_wait_for_permission(struct err *err);

int err_http_status(enum err_class class);
int err_exit_code(enum err_class class);

/*
 * The end of a program whose own state cannot be trusted: start-up that
 * failed, memory that ran out where no caller can be told, an invariant that
 * does not hold. Writes one line to standard error.
 */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
_Noreturn void bug(const char *file, int line, const char *what);

#define BUG(what) bug(__FILE__, __LINE__, what)
#define CHECKED	  __attribute__((warn_unused_result))

#endif
