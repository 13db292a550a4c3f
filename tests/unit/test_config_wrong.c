/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_files.h"

/* Wrong values of the server's own keys and of hooks, one rule each. */

#define C	    "config.yaml:"
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct wrong_file server[] = {
	{ "an unknown key names the nearest", "webhook-secert: x\n",
	    C "1: webhook-secert: unknown key; did you mean "
	      "webhook-secret?" },
	{ "nothing near: no guess", "zzzzzz: x\n", C "1: zzzzzz: unknown key" },
	{ "case matters", "Log-Level: INFO\n",
	    C "1: Log-Level: unknown key; did you mean log-level?" },
	{ "underscores are not dashes", "log_level: INFO\n",
	    C "1: log_level: unknown key; did you mean log-level?" },
	{ "an unknown key inside a mapping", "limits:\n  max-queued-file: 1\n",
	    C "2: limits.max-queued-file: unknown key; did you mean "
	      "max-queued-files?" },
	{ "a key of the top in a block",
	    "repositories:\n  a:\n    name: o/a\n    concurrency: 2\n",
	    C "4: repositories.a.concurrency: belongs at the top of "
	      "config.yaml, not to a repository" },
	{ "a key of a block at the top", "name: o/a\n",
	    C "1: name: belongs in a repository's block" },
	{ "protected branches belong to a repository",
	    "log-level: INFO\nprotected-branches: {main: []}\n",
	    C "2: protected-branches: belongs in a repository's block" },
	{ "a relative data directory", "data-directory: var/spool\n",
	    C "1: data-directory: expected an absolute path without \"..\", "
	      "got \"var/spool\"" },
	{ "a data directory that climbs", "data-directory: /var/../etc\n",
	    C "1: data-directory: expected an absolute path without \"..\", "
	      "got \"/var/../etc\"" },
	{ "repositories as a list", "repositories:\n  - name: o/a\n",
	    C "1: repositories: expected a mapping, got a list" },
	{ "no repositories", "repositories: {}\n",
	    C "1: repositories: expected at least one repository" },
	{ "repositories left empty", "log-level: INFO\nrepositories:\n",
	    C "2: repositories: expected a mapping, got nothing" },
	{ "a repository left empty", "repositories:\n  a:\n",
	    C "2: repositories.a: expected a mapping, got nothing" },
	{ "a repository as a string", "repositories:\n  a: o/a\n",
	    C "2: repositories.a: expected a mapping, got a string" },
	{ "a repository without a name",
	    "repositories:\n  a:\n    pre-commit: true\n",
	    C "2: repositories.a.name: is required" },
	{ "a name left empty", "repositories:\n  a:\n    name:\n",
	    C "2: repositories.a.name: is required" },
	{ "a short name", "repositories:\n  a:\n    name: api\n",
	    C "3: repositories.a.name: expected owner/repository, got "
	      "\"api\"" },
	{ "a name of three parts", "repositories:\n  a:\n    name: a/b/c\n",
	    C "3: repositories.a.name: expected owner/repository, got "
	      "\"a/b/c\"" },
	{ "a URL for a name",
	    "repositories:\n  a:\n    name: https://github.com/o/a\n",
	    C "3: repositories.a.name: expected owner/repository, got "
	      "\"https://github.com/o/a\"" },
	{ "one full name in two blocks, whatever the case",
	    "repositories:\n  a: {name: Org/Api}\n  b: {name: org/api}\n",
	    C "3: repositories.b.name: \"org/api\" stands in line 2 "
	      "already" },
	{ "an empty secret", "webhook-secret: \"\"\n",
	    C "1: webhook-secret: expected a text" },
	{ "a secret is never repeated in a message",
	    "webhook-secret: [s3cret]\n",
	    C "1: webhook-secret: expected a string, got a list" },
	{ "secrets as one string", "webhook-secrets: s3cret\n",
	    C "1: webhook-secrets: expected a list, got a string" },
	{ "a relative secret file", "webhook-secret-file: ../secret\n",
	    C "1: webhook-secret-file: expected an absolute path without "
	      "\"..\", or the name of a systemd credential, got "
	      "\"../secret\"" },
	{ "a secret file that is not there",
	    "webhook-secret-file: /nonexistent/secret\n",
	    C "1: webhook-secret-file: /nonexistent/secret: No such file or "
	      "directory" },
	{ "the second of two secret files",
	    "webhook-secret-file:\n  - /proc/self/comm\n  - /nonexistent/b\n",
	    C "3: webhook-secret-file[1]: /nonexistent/b: No such file or "
	      "directory" },
	{ "a variable that is not set",
	    "webhook-secret: ${HOOKSPOOL_TEST_UNSET}\n",
	    C "1: webhook-secret: the environment has no "
	      "HOOKSPOOL_TEST_UNSET" },
	{ "a word for a boolean", "allow-unsigned: maybe\n",
	    C "1: allow-unsigned: expected true or false, got a string" },
	{ "a quoted boolean", "allow-unsigned: \"true\"\n",
	    C "1: allow-unsigned: expected true or false, got a string" },
	{ "a number for a boolean", "allow-unsigned: 1\n",
	    C "1: allow-unsigned: expected true or false, got a number" },
	{ "an address that is no range", "allow-ips: [192.0.2.1]\n",
	    C "1: allow-ips[0]: expected an address range such as "
	      "192.0.2.0/24 or 2001:db8::/32, no bits set behind the prefix, "
	      "got \"192.0.2.1\"" },
	{ "bits behind the prefix",
	    "trusted-proxies:\n  - 10.0.0.0/8\n  - 10.0.0.1/8\n",
	    C "3: trusted-proxies[1]: expected an address range such as "
	      "192.0.2.0/24 or 2001:db8::/32, no bits set behind the prefix, "
	      "got \"10.0.0.1/8\"" },
	{ "a prefix that is too long", "allow-ips: 2001:db8::/129\n",
	    C "1: allow-ips: expected an address range such as "
	      "192.0.2.0/24 or 2001:db8::/32, no bits set behind the prefix, "
	      "got \"2001:db8::/129\"" },
	{ "a mapping for a list", "allow-ips: {a: b}\n",
	    C "1: allow-ips: expected a string or a list, got a mapping" },
	{ "a list inside a list", "allow-ips: [[192.0.2.0/24]]\n",
	    C "1: allow-ips[0]: expected a string, got a list" },
	{ "limits as a number", "limits: 5\n",
	    C "1: limits: expected a mapping, got a number" },
	{ "a fraction for an integer", "limits: {max-queued-files: 1.5}\n",
	    C "1: limits.max-queued-files: expected an integer, got "
	      "\"1.5\"" },
	{ "a negative count", "limits: {max-queued-files: -1}\n",
	    C "1: limits.max-queued-files: expected a value from 0 to "
	      "1000000000, got -1" },
	{ "a number beyond 64 bits",
	    "limits: {max-queued-files: 99999999999999999999}\n",
	    C "1: limits.max-queued-files: expected an integer, got "
	      "\"99999999999999999999\"" },
	{ "an unknown unit of size", "limits: {min-free-bytes: 5X}\n",
	    C "1: limits.min-free-bytes: expected a size such as 64k, 25M "
	      "or 2G, got \"5X\"" },
	{ "a size in lower-case giga", "limits: {min-free-bytes: 5g}\n",
	    C "1: limits.min-free-bytes: expected a size such as 64k, 25M "
	      "or 2G, got \"5g\"" },
	{ "a size that overflows", "limits: {min-free-bytes: 9999999999T}\n",
	    C "1: limits.min-free-bytes: expected a size such as 64k, 25M "
	      "or 2G, got \"9999999999T\"" },
	{ "an unknown unit of time", "retention: {settled-age: 2w}\n",
	    C "1: retention.settled-age: expected a duration such as 90s, "
	      "10m, 2h or 8d, got \"2w\"" },
	{ "a duration of two parts", "job-timeout: 1h30m\n",
	    C "1: job-timeout: expected a duration such as 90s, 10m, 2h or "
	      "8d, got \"1h30m\"" },
	{ "a negative duration", "job-timeout: -5s\n",
	    C "1: job-timeout: expected a duration such as 90s, 10m, 2h or "
	      "8d, got \"-5s\"" },
	{ "a duration with a blank", "job-timeout: 5 s\n",
	    C "1: job-timeout: expected a duration such as 90s, 10m, 2h or "
	      "8d, got \"5 s\"" },
	{ "a duration that is too long", "job-timeout: 8d\n",
	    C "1: job-timeout: expected a value from 1ms to 7d, got 8d" },
	{ "a list for a duration", "job-timeout: [1h]\n",
	    C "1: job-timeout: expected a duration such as 90s, 10m, 2h or "
	      "8d, got a list" },
	{ "an unknown log level", "log-level: LOUD\n",
	    C "1: log-level: expected one of DEBUG, INFO, WARNING, ERROR; "
	      "got \"LOUD\"" },
	{ "an unknown log format", "log-format: json\n",
	    C "1: log-format: expected one of lines, pretty; got \"json\"" },
	{ "no workers at all", "concurrency: 0\n",
	    C "1: concurrency: expected a value from 1 to 1024, got 0" },
	{ "too many workers", "concurrency: 5000\n",
	    C "1: concurrency: expected a value from 1 to 1024, got 5000" },
	{ "a quoted integer", "concurrency: \"4\"\n",
	    C "1: concurrency: expected an integer, got a string" },
	{ "a word for an integer", "concurrency: many\n",
	    C "1: concurrency: expected an integer, got a string" },
	{ "a size of nothing", "max-output: 0\n",
	    C "1: max-output: expected a value from 4k to 1G, got 0" },
	{ "a kind of job with an unknown limit",
	    "kinds:\n  push:\n    timeuot: 5m\n",
	    C "3: kinds.push.timeuot: unknown key; did you mean timeout?" },
	{ "a URL without a scheme", "public-url: hooks.example.org\n",
	    C "1: public-url: expected a URL that begins with https:// or "
	      "http://, got \"hooks.example.org\"" },
	{ "a URL of another scheme", "github-api-url: ftp://example.org\n",
	    C "1: github-api-url: expected a URL that begins with https:// "
	      "or http://, got \"ftp://example.org\"" },
	{ "a relative certificate file", "ca-file: ca.pem\n",
	    C "1: ca-file: expected an absolute path without \"..\", got "
	      "\"ca.pem\"" },
};

#define H "hooks:\n  - name: a\n    command: [/bin/true]\n"

static const struct wrong_file hooks[] = {
	{ "hooks as a mapping", "hooks:\n  deploy: {command: [x]}\n",
	    C "1: hooks: expected a list, got a mapping" },
	{ "a hook as a string", "hooks:\n  - deploy\n",
	    C "2: hooks[0]: expected a mapping, got a string" },
	{ "a hook without a name", "hooks:\n  - command: [/bin/true]\n",
	    C "2: hooks[0].name: is required" },
	{ "a hook without a command", "hooks:\n  - name: a\n",
	    C "2: hooks[0].command: is required" },
	{ "a name with a blank",
	    "hooks:\n  - name: a b\n    command: [/bin/true]\n",
	    C "2: hooks[0].name: expected 1 to 64 letters, digits, \".\", "
	      "\"_\" or \"-\", got \"a b\"" },
	{ "two hooks of one name", H "  - {name: a, command: [/bin/true]}\n",
	    C "4: hooks[1].name: \"a\" stands in line 2 already" },
	{ "an unknown key in a hook", H "    comand: [x]\n",
	    C "4: hooks[0].comand: unknown key; did you mean command?" },
	{ "a command as a shell line",
	    "hooks:\n  - name: a\n    command: echo hello\n",
	    C "3: hooks[0].command: expected a list, got a string" },
	{ "a command of nothing", "hooks:\n  - {name: a, command: []}\n",
	    C "2: hooks[0].command: expected a program" },
	{ "an empty program", "hooks:\n  - {name: a, command: [\"\", x]}\n",
	    C "2: hooks[0].command: expected a program" },
	{ "a mapping as argument",
	    "hooks:\n  - name: a\n    command: [x, {a: b}]\n",
	    C "3: hooks[0].command[1]: expected a string, got a mapping" },
	{ "an unquoted boolean as argument",
	    "hooks:\n  - name: a\n    command: [x, yes]\n",
	    C "3: hooks[0].command[1]: expected a string, got a boolean" },
	{ "an event that cannot be one", H "    events: [\"pull request\"]\n",
	    C "4: hooks[0].events[0]: expected 1 to 64 letters, digits, "
	      "\".\", \"_\" or \"-\", got \"pull request\"" },
	{ "a label that is too long",
	    H "    labels: [aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
	      "f]\n",
	    C "4: hooks[0].labels[0]: expected a label of 1 to 50 "
	      "characters, got "
	      "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeef\"" },
	{ "an unknown stdin", H "    stdin: json\n",
	    C "4: hooks[0].stdin: expected one of none, payload; got "
	      "\"json\"" },
	{ "a payload file that is no boolean", H "    payload-file: /tmp/x\n",
	    C "4: hooks[0].payload-file: expected true or false, got a "
	      "string" },
	{ "a relative working directory", H "    working-directory: srv\n",
	    C "4: hooks[0].working-directory: expected an absolute path "
	      "without \"..\", got \"srv\"" },
	{ "a timeout of nothing", H "    timeout: 0\n",
	    C "4: hooks[0].timeout: expected a value from 1ms to 7d, got "
	      "0" },
	{ "too many retries", H "    retries: 101\n",
	    C "4: hooks[0].retries: expected a value from 0 to 100, got "
	      "101" },
	{ "an unknown sandbox", H "    sandbox: full\n",
	    C "4: hooks[0].sandbox: expected one of none, limits, strict; "
	      "got \"full\"" },
	{ "an unknown workspace", H "    workspace: base\n",
	    C "4: hooks[0].workspace: expected one of head, merge, tag, "
	      "default-branch; got \"base\"" },
	{ "a variable's name with a dash", H "    environment: {MY-VAR: x}\n",
	    C "4: hooks[0].environment.MY-VAR: expected the name of an "
	      "environment variable" },
	{ "a variable that is a list", H "    environment: {A: [x]}\n",
	    C "4: hooks[0].environment.A: expected a string, got a list" },
	{ "a rule as a list", H "    match: [and]\n",
	    C "4: hooks[0].match: expected a mapping, got a list" },
	{ "a rule of two kinds", H "    match: {and: [], or: []}\n",
	    C "4: hooks[0].match: expected a rule: a mapping with one of "
	      "and, or, not, value, regex, cidr" },
	{ "a rule of an unknown kind", H "    match: {xor: []}\n",
	    C "4: hooks[0].match.xor: unknown rule; expected one of and, or, "
	      "not, value, regex, cidr" },
	{ "an empty list of rules", H "    match: {and: []}\n",
	    C "4: hooks[0].match.and: expected a list of rules" },
	{ "one rule where a list must be",
	    H "    match:\n      or: {cidr: 10.0.0.0/8}\n",
	    C "5: hooks[0].match.or: expected a list of rules" },
	{ "a comparison without its path",
	    H "    match:\n      not:\n        value: {equals: a}\n",
	    C "6: hooks[0].match.not.value: expected a mapping of path, and "
	      "equals with a value or a list of values" },
	{ "a comparison with more",
	    H "    match: {value: {path: a, equals: b, or: c}}\n",
	    C "4: hooks[0].match.value: expected a mapping of path, and "
	      "equals with a value or a list of values" },
	{ "a comparison with a list in a list",
	    H "    match: {value: {path: a, equals: [[b]]}}\n",
	    C "4: hooks[0].match.value: expected a value" },
	{ "a pattern without its path", H "    match: {regex: {pattern: a}}\n",
	    C "4: hooks[0].match.regex: expected a mapping of path and "
	      "pattern, both strings" },
	{ "a pattern that is none",
	    H "    match:\n      and:\n        - regex: {path: ref, "
	      "pattern: \"(\"}\n",
	    C "6: hooks[0].match.and[0].regex: expected a POSIX extended "
	      "regular expression of at most 1024 bytes" },
	{ "a rule with a bad range", H "    match: {cidr: [10.0.0.0]}\n",
	    C "4: hooks[0].match.cidr: expected an address range such as "
	      "192.0.2.0/24 or 2001:db8::/32, no bits set behind the "
	      "prefix" },
	{ "a repository's hook is checked alike",
	    "repositories:\n  a:\n    name: o/a\n    hooks:\n"
	    "      - name: x\n",
	    C "5: repositories.a.hooks[0].command: is required" },
	{ "an issue job's program as a shell line",
	    "issue-job: {command: make}\n",
	    C "1: issue-job.command: expected a list, got a string" },
	{ "an unknown way with a branch that exists",
	    "issue-job: {existing-branch: force}\n",
	    C "1: issue-job.existing-branch: expected one of reuse, suffix; "
	      "got \"force\"" },
	{ "a guarded path whose set does not end",
	    "issue-job:\n  restricted-paths:\n    - \"*.pem\"\n"
	    "    - \"id_[rd\"\n",
	    C "4: issue-job.restricted-paths[1]: expected a glob whose sets "
	      "and escapes end, got \"id_[rd\"" },
	{ "a workspace without room", "workspace: {job-bytes: none}\n",
	    C "1: workspace.job-bytes: expected a size such as 64k, 25M or "
	      "2G, got \"none\"" },
};

static void
wrong_server_keys_are_explained(void **state)
{
	(void)state;
	check_wrong_files(server, COUNT(server));
}

static void
wrong_hooks_are_explained(void **state)
{
	(void)state;
	check_wrong_files(hooks, COUNT(hooks));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_server_keys_are_explained),
		cmocka_unit_test(wrong_hooks_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
