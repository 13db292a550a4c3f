/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_form.h"
#include "config_value.h"
#include "glob.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

#define LABEL_CHARS   50    /* GitHub's limit for the name of a label */
#define WELCOME_BYTES 10240 /* what the welcome comment has room for */

static int
only(const char *text, const char *set, size_t least, size_t most)
{
	size_t n = strspn(text, set);

	return text[n] == '\0' && n >= least && n <= most;
}

static int
is_text(const char *text)
{
	return *text != '\0';
}

static int
is_name(const char *text)
{
	return only(text, LETTERS DIGITS "._-", 1, 64);
}

static int
is_repository(const char *text)
{
	static const char set[] = LETTERS DIGITS "._-";
	size_t owner = strspn(text, set);

	return owner > 0 && owner <= 100 && text[owner] == '/' &&
	       only(text + owner + 1, set, 1, 100);
}

static int
is_login(const char *text)
{
	return only(text, LETTERS DIGITS "_-[]@", 1, 100);
}

static int
is_url(const char *text)
{
	size_t scheme = strncasecmp(text, "https://", 8) == 0  ? 8
			: strncasecmp(text, "http://", 7) == 0 ? 7
							       : 0;

	return scheme > 0 &&
	       (isalnum((unsigned char)text[scheme]) || text[scheme] == '[') &&
	       strpbrk(text, " \t\r\n\"<>\\") == NULL;
}

/* "..", alone between slashes. */
static int
climbs(const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return 1;
		path += n + (path[n] == '/');
	}
	return 0;
}

static int
is_path(const char *text)
{
	return text[0] == '/' && !climbs(text) && strpbrk(text, "\r\n") == NULL;
}

static int
is_secret_file(const char *text)
{
	if (strchr(text, '/') == NULL)
		return is_name(text) && text[0] != '.';
	return is_path(text);
}

static int
is_inside(const char *text)
{
	return text[0] != '/' && !climbs(text) &&
	       only(text, LETTERS DIGITS "._/-", 0, 4096);
}

static int
is_cidr(const char *text)
{
	const char *slash = strchr(text, '/');
	unsigned char bytes[16];
	char address[INET6_ADDRSTRLEN];
	int64_t bits;
	int v6 = strchr(text, ':') != NULL;

	if (slash == NULL || (size_t)(slash - text) >= sizeof address)
		return 0;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return 0;
	if (text_int(&bits, slash + 1) == -1 || bits < 0 ||
	    bits > (v6 ? 128 : 32))
		return 0;
	/* Bits behind the prefix are more often a slip than a wish. */
	for (int i = (int)bits; i < (v6 ? 128 : 32); i++) {
		if (bytes[i / 8] & 0x80 >> i % 8)
			return 0;
	}
	return 1;
}

static int
is_label(const char *text)
{
	size_t chars = 0;

	for (const char *p = text; *p != '\0'; p++)
		chars += ((unsigned char)*p & 0xc0) != 0x80;
	return chars > 0 && chars <= LABEL_CHARS &&
	       strpbrk(text, "\r\n") == NULL;
}

static int
is_color(const char *text)
{
	return only(text, LETTERS, 3, 32) ||
	       only(text + (*text == '#'), DIGITS "abcdefABCDEF", 6, 6);
}

/* Quotes of a shell must be closed; a backslash takes the next character. */
static int
is_command(const char *text)
{
	char quote = '\0';

	if (text[strspn(text, " \t\r\n")] == '\0')
		return 0;
	for (; *text != '\0'; text++) {
		if (*text == '\\' && quote != '\'') {
			if (*++text == '\0')
				return 0;
		} else if (quote != '\0') {
			quote = *text == quote ? '\0' : quote;
		} else if (*text == '\'' || *text == '"') {
			quote = *text;
		}
	}
	return quote == '\0';
}

/* "*", or "feat, fix,docs". */
static int
is_titles(const char *text)
{
	static const char set[] = LETTERS DIGITS "_-";

	if (strcmp(text, "*") == 0)
		return 1;
	for (;;) {
		size_t n;

		text += strspn(text, " ");
		n = strspn(text, set);
		if (n == 0)
			return 0;
		text += n;
		text += strspn(text, " ");
		if (*text == '\0')
			return 1;
		if (*text++ != ',')
			return 0;
	}
}

static int
is_variable(const char *text)
{
	return !isdigit((unsigned char)*text) &&
	       only(text, LETTERS DIGITS "_", 1, 256);
}

static int
is_regex(const char *text)
{
	regex_t re;

	if (*text == '\0' || strlen(text) > 1024 ||
	    regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
		return 0;
	regfree(&re);
	return 1;
}

static int
is_glob(const char *text)
{
	return glob_problem(text) == NULL;
}

static int
is_threshold(const char *text)
{
	char *end;

	if (strcmp(text, "inf") == 0)
		return 1;
	return only(text, DIGITS ".", 1, 18) && strtod(text, &end) > 0 &&
	       *end == '\0';
}

static int
is_welcome(const char *text)
{
	return strlen(text) <= WELCOME_BYTES;
}

static int
is_git_url(const char *text)
{
	return (strncmp(text, "https://", 8) == 0 ||
		   strncmp(text, "http://", 7) == 0 ||
		   strncmp(text, "file:///", 8) == 0) &&
	       strstr(text, "{repository}") != NULL &&
	       text[strcspn(text, "@ \t\r\n")] == '\0';
}

/* git puts both between "<", ">" and line ends of its own. */
static int
is_author(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == '<' || *p == '>')
			return 0;
	}
	return *text != '\0';
}

const struct config_form form_text = { "a text", is_text, "." };
const struct config_form form_name = {
	"1 to 64 letters, digits, \".\", \"_\" or \"-\"", is_name,
	"^[A-Za-z0-9._-]{1,64}$"
};
const struct config_form form_repository = { "owner/repository", is_repository,
	"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$" };
const struct config_form form_login = { "a GitHub login", is_login,
	"^[A-Za-z0-9_@\\[\\]-]+$" };
const struct config_form form_url = { "a URL that begins with https:// or "
				      "http://",
	is_url, "^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9\\[]" };
const struct config_form form_git_url = {
	"a URL with https:// or file:/// and {repository} in it", is_git_url,
	"^(https?://|file:///)[^@ ]*\\{repository\\}[^@ ]*$"
};
const struct config_form form_author = { "a text without < and >", is_author,
	"^[^<>]+$" };
const struct config_form form_path = { "an absolute path without \"..\"",
	is_path, "^/" };
const struct config_form form_secret_file = {
	"an absolute path without \"..\", or the name of a systemd credential",
	is_secret_file, "^(/.*|[A-Za-z0-9_-][A-Za-z0-9._-]*)$"
};
const struct config_form form_inside = {
	"a path inside the repository (letters, digits, \".\", \"_\", \"-\", "
	"\"/\"; not absolute, no \"..\")",
	is_inside, "^(?!/)(?!(.*/)?\\.\\.(/|$))[A-Za-z0-9._/-]*$"
};
const struct config_form form_cidr = {
	"an address range such as 192.0.2.0/24 or 2001:db8::/32, no bits set "
	"behind the prefix",
	is_cidr, "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"
};
const struct config_form form_label = { "a label of 1 to 50 characters",
	is_label, "^.{1,50}$" };
const struct config_form form_color = {
	"a CSS colour name or six hexadecimal digits", is_color,
	"^([A-Za-z]{3,32}|#?[0-9A-Fa-f]{6})$"
};
const struct config_form form_command = { "a command with balanced quotes",
	is_command, "\\S" };
const struct config_form form_titles = {
	"\"*\" or types separated by commas, such as \"feat,fix\"", is_titles,
	"^(\\*| *[A-Za-z0-9_-]+ *(, *[A-Za-z0-9_-]+ *)*)$"
};
const struct config_form form_variable = {
	"the name of an environment variable", is_variable,
	"^[A-Za-z_][A-Za-z0-9_]*$"
};
const struct config_form form_regex = { "a POSIX extended regular expression",
	is_regex, "." };
const struct config_form form_glob = { "a glob whose sets and escapes end",
	is_glob, "." };
const struct config_form form_threshold = { "a positive number or \"inf\"",
	is_threshold, "^(inf|[0-9]+(\\.[0-9]+)?)$" };
const struct config_form form_welcome = { "at most 10240 bytes", is_welcome,
	NULL };
