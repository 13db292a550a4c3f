/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "config.h"
#include "err.h"
#include "runner/backlog.h"
#include "runner/kinds.h"

void
kinds_read(struct kinds *k, const struct config *config)
{
	const struct config_value *all = config_node(config, NULL, "kinds");
	size_t n = value_count(all);

	kinds_release(k);
	if (n == 0)
		return;
	k->items = calloc(n, sizeof *k->items);
	if (k->items == NULL)
		fatal("out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct config_value *v = value_at(all, i);
		struct kind *kind = &k->items[k->n++];
		int64_t most = 0;

		kind->event = backlog_hash(value_name(all, i));
		/* What is not there, or no number, the loader has judged. */
		if (value_int(&most, value_get(v, "concurrency")) == 0)
			kind->most = (unsigned)most;
		if (value_duration(&kind->time_out, value_get(v, "timeout")) ==
		    -1)
			kind->time_out = 0;
	}
}

void
kinds_release(struct kinds *k)
{
	free(k->items);
	*k = (struct kinds){ 0 };
}

struct kind
kinds_of(const struct kinds *k, uint64_t event)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->items[i].event == event)
			return k->items[i];
	}
	return (struct kind){ .event = event };
}
