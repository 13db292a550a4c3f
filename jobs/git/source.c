/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "git/fetch.h"
#include "git/source.h"
#include "github/client.h"
#include "github/names.h"

#define PLACE "{repository}"

/* The web host's URL, without a slash at its end. */
static void
derive_host(char *out, size_t size, const char *api)
{
	static const char dotcom[] = "https://api.", enterprise[] = "/api/v3";
	size_t len = strlen(api);

	while (len > 0 && api[len - 1] == '/')
		len--;
	if (strncmp(api, dotcom, sizeof dotcom - 1) == 0) {
		snprintf(out, size, "https://%.*s",
		    (int)(len - (sizeof dotcom - 1)), api + sizeof dotcom - 1);
		return;
	}
	if (len >= sizeof enterprise - 1 &&
	    strncmp(api + len - (sizeof enterprise - 1), enterprise,
		sizeof enterprise - 1) == 0)
		len -= sizeof enterprise - 1;
	snprintf(out, size, "%.*s", (int)len, api);
}

static int
write_url(struct git_source *s, const struct config *config, struct err *err)
{
	const char *template = config_str(config, NULL, "workspace.git-url");
	char host[700];
	const char *place;
	int len;

	if (template == NULL) {
		derive_host(host, sizeof host,
		    config_str(config, s->repository, "github-api-url"));
		len = snprintf(
		    s->url, sizeof s->url, "%s/%s.git", host, s->repository);
	} else {
		place = strstr(template, PLACE);
		if (place == NULL)
			return err_set(err, ERR_CONF, 0,
			    "workspace.git-url: %s is not in it", PLACE);
		len = snprintf(s->url, sizeof s->url, "%.*s%s%s",
		    (int)(place - template), template, s->repository,
		    place + strlen(PLACE));
	}
	if (len < 0 || (size_t)len >= sizeof s->url)
		return err_set(err, ERR_CONF, 0, "the git URL is too long");
	return remote_check_url(s->url, err);
}

int
git_source_init(struct git_source *out, const struct config *config,
    const char *repository, struct err *err)
{
	*out = (struct git_source){ 0 };
	if (!github_repository_valid(repository))
		return err_set(
		    err, ERR_BAD, 0, "%.100s: not owner/name", repository);
	snprintf(out->repository, sizeof out->repository, "%s", repository);
	if (write_url(out, config, err) == -1)
		return -1;
	out->mirror = (struct mirror_source){
		.repository = out->repository,
		.url = out->url,
		.max_bytes =
		    config_size(config, NULL, "workspace.mirror-bytes"),
		.timeout =
		    config_duration(config, NULL, "workspace.git-timeout"),
	};
	return 0;
}

int
git_source_token(struct git_source *source, struct github *gh, struct err *err)
{
	return github_git_token(gh, &source->mirror.token, err);
}
