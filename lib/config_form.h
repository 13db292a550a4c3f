/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_FORM_H
#define CONFIG_FORM_H

/*
 * Shapes that a string of the configuration may be required to have: a
 * check, the words for a message ("expected %s"), and the same as a regular
 * expression for the JSON Schema where one can say it.
 */

struct config_form {
	const char *words;
	int (*matches)(const char *text);
	const char *pattern; /* ECMA 262, NULL: an editor cannot check it */
};

extern const struct config_form form_text;	 /* not empty */
extern const struct config_form form_name;	 /* [A-Za-z0-9._-]{1,64} */
extern const struct config_form form_repository; /* owner/name */
extern const struct config_form form_login;	 /* of a user or an App */
extern const struct config_form form_url;	 /* http:// or https:// */
extern const struct config_form form_git_url;	 /* with {repository} */
extern const struct config_form form_author; /* no <, >, control characters */
extern const struct config_form form_path;   /* absolute */
extern const struct config_form form_secret_file; /* absolute, or a name
						   * of a credential */
extern const struct config_form form_inside;   /* relative, no "..", inside the
						* workspace */
extern const struct config_form form_cidr;     /* 192.0.2.0/24, 2001:db8::/32 */
extern const struct config_form form_label;    /* 1 to 50 characters */
extern const struct config_form form_color;    /* CSS name or six hex digits */
extern const struct config_form form_command;  /* with balanced quotes */
extern const struct config_form form_titles;   /* "*", or types by comma */
extern const struct config_form form_variable; /* of the environment */
extern const struct config_form form_regex;    /* POSIX extended */
extern const struct config_form form_glob;     /* of paths; see glob.h */
extern const struct config_form form_threshold; /* positive number, or inf */
extern const struct config_form form_welcome;	/* at most 10240 bytes */

#endif
