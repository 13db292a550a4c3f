/* SPDX-License-Identifier: MIT */
#ifndef POWER_H
#define POWER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "head.h"
#include "spool.h"

/*
 * Power loss, without pulling a plug. power_record.c writes down what a piece
 * of the program asks of the file system (the linker puts its functions in
 * the place of openat(), write(), fsync() and so on); power_disk.c makes of it
 * the disks that a power cut may leave; gate_power.c has each of them
 * recovered and drained by the real code and judges the outcome.
 *
 * The model of a disk is weaker than any real one. A change is an atom; an
 * atom is on disk for certain once it was synced, and before that it is there
 * or not, each atom by itself and in any order:
 *
 *   an inode's existence, its size         fsync or fdatasync of the file
 *   each 512 bytes of what was written     the same
 *   a name added, a name removed           fsync of the directory; the two
 *                                          halves of a rename to another
 *                                          directory are independent
 *
 * A name whose inode did not reach the disk is no name; bytes within the size
 * that did not reach it are zero or rubbish.
 */

#define POWER_SECTOR 512
#define POWER_NEVER  INT32_MAX
#define POWER_JOBS   4

enum atom_kind {
	ATOM_INODE,
	ATOM_SIZE,
	ATOM_DATA,
	ATOM_ADD,
	ATOM_REMOVE,
	ATOM_RENAME, /* within one directory: one change */
};

struct atom {
	enum atom_kind kind;
	int op;	     /* the call that made it */
	int durable; /* the call that brought it to disk, or POWER_NEVER */
	int suspect; /* a sync that was taken out would have brought it */
	int inode, dir;
	char name[96], to[96];
	off_t at; /* ATOM_DATA: offset; ATOM_SIZE: the size */
	size_t len;
	unsigned char *data;
};

enum op_kind { OP_CHANGE, OP_SYNC_FILE, OP_SYNC_DIR, OP_SYNC_ALL };

struct op {
	enum op_kind kind;
	int which; /* inode or directory */
	char text[256];
};

/* What was true of a job from which call on. */
struct deed {
	struct job_head head;
	int acked;   /* the sender may have been told 2xx */
	int ran;     /* its worker has ended with this verdict */
	int retried; /* its name in retry/ was synced: attempt 0 is past */
	int left;    /* it left retry/ again: moves may be undone */
	int over;    /* its slot was dropped: it must not run again */
};

struct power_log {
	struct op *ops;
	int op_count;
	struct atom *atoms;
	int atom_count;
	int inode_count;
	struct deed jobs[POWER_JOBS];
	int job_count;
};

/* ---- power_record.c ---- */

void power_record_begin(struct power_log *log, struct spool *s);
void power_record_end(void);

/* Sets atom.durable as if the op `without` (-1: none) had not been there;
 * with `alike` also not the others that say the same. */
void power_durability(struct power_log *log, int without, int alike);
void power_log_release(struct power_log *log);

/* ---- power_disk.c ---- */

/* One disk after a cut behind `cut` calls. */
struct disk;

struct disk *disk_new(const struct power_log *log);
void disk_free(struct disk *d);

/*
 * Chooses which of the atoms that are neither durable nor certainly missing
 * are there: the n-th way for this cut. First the telling ways (nothing, all,
 * each file or directory alone there or alone missing), then all if there are
 * few enough, then by chance. Returns 0 where there is no n-th.
 */
int disk_choose(struct disk *d, int cut, unsigned n);

/* A number that two equal disks share. */
uint64_t disk_hash(const struct disk *d);

/* Writes the disk into the empty directories of a spool. */
void disk_write(const struct disk *d, const char *spool);

/* What was left out, for a report. */
void disk_explain(const struct disk *d);

/* ---- power_judge.c ---- */

/*
 * Lets the real code recover the disk and run what waits, and compares that
 * with the promise. Returns 0, or the number of complaints it printed.
 */
int power_judge(const struct power_log *log, int cut, const char *home,
    uint64_t hash, int quiet);

/* Empties the directory of the judge, or makes it. */
void power_home(const char *home);

/* Runs the real runner with --drain in a child of ours. */
int power_drain(const char *home);

#endif
