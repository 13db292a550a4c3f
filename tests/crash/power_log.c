/* SPDX-License-Identifier: MIT */
/*
 * What is on disk for certain: which call brought each atom there.
 */
#include <stdlib.h>
#include <string.h>

#include "power.h"

static int
is_synced_by(const struct atom *a, const struct op *op)
{
	switch (op->kind) {
	case OP_SYNC_ALL:
		return 1;
	case OP_SYNC_FILE:
		return a->dir == -1 && a->inode == op->which;
	case OP_SYNC_DIR:
		return a->dir == op->which;
	case OP_CHANGE:
		break;
	}
	return 0;
}

static int
is_out(const struct power_log *log, int op, int without, int alike)
{
	return op == without || (alike && strcmp(log->ops[op].text,
					      log->ops[without].text) == 0);
}

void
power_durability(struct power_log *log, int without, int alike)
{
	for (int i = 0; i < log->atom_count; i++) {
		struct atom *a = &log->atoms[i];

		a->durable = POWER_NEVER;
		a->suspect = 0;
		for (int k = a->op + 1; k < log->op_count; k++) {
			if (!is_synced_by(a, &log->ops[k]))
				continue;
			if (without != -1 && is_out(log, k, without, alike)) {
				a->suspect = 1;
				continue;
			}
			a->durable = k;
			break;
		}
	}
}

void
power_log_release(struct power_log *log)
{
	for (int i = 0; i < log->atom_count; i++)
		free(log->atoms[i].data);
	free(log->atoms);
	free(log->ops);
}
