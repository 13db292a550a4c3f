/* SPDX-License-Identifier: MIT */
#ifndef LEDGER_PARTS_H
#define LEDGER_PARTS_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "ledger.h"

/*
 * What the ledger's own files share: ledger.c (locking, looking, putting),
 * ledger_look.c (looking for many),
 * ledger_files.c (which generations there are), ledger_flush.c (flushing,
 * ageing) and ledger_entry.c (the text of an entry, the places of a page).
 * Nobody else includes this.
 */

#define LEDGER_ENTRY   64
#define LEDGER_PAGE    4096
#define LEDGER_PLACES  (LEDGER_PAGE / LEDGER_ENTRY)
#define LEDGER_FIRST   64    /* pages: 256 kB, about 900 jobs */
#define LEDGER_LARGEST 16384 /* pages: 64 MB, about 180,000 jobs */
#define LEDGER_GROWTH  8
#define LEDGER_NAME    40
#define LEDGER_FILES   16 /* so many of the newest are looked through */
#define LEDGER_HELD    2  /* pages kept while the lock is held: a claim's */

struct generation {
	uint64_t number;
	uint32_t pages;
	int fd;
	ino_t ino;
	/* Holds what this process's last flush did not cover, for all it
	 * knows. Older generations get no entries: once is enough. */
	int dirty;
	int named;  /* its name is on disk */
	int failed; /* a flush of `fd` failed */
};

/* A page as it was read. Number and pages are the file's name: somebody may
 * have put two files of one number there. */
struct held_page {
	uint64_t number; /* 0: none */
	uint32_t pages;
	off_t at;
	char bytes[LEDGER_PAGE];
};

struct ledger {
	int dir; /* borrowed */
	mode_t mode;
	pthread_mutex_t lock;	/* with ledger_lock() */
	pthread_rwlock_t swap;	/* held to change `files`, or to use them
				   without `lock` */
	int lock_fd;		/* the directory, for flock() */
	pid_t pid;		/* whose descriptor that is */
	struct timespec listed; /* the directory's mtime then */
	struct generation files[LEDGER_FILES]; /* oldest first */
	unsigned count;
	/* Nobody else changes a page while we have the lock, so what was
	 * looked through is not read again to put an entry there. */
	struct held_page held[LEDGER_HELD];
	unsigned held_next; /* the one to be given up next */
};

/* ---- ledger.c ---- */

/* The one page of a generation that may have the key. */
uint32_t ledger_page_number(
    const struct generation *g, const struct ledger_key *key);

/* What is behind the end of a file that was cut off is not there: zeros. */
int ledger_read_page(const struct generation *g, off_t at,
    char page[LEDGER_PAGE], struct err *err) CHECKED;

/* ---- ledger_entry.c ---- */

/* The offset of a key's place in the page, or -1. */
int ledger_page_find(const char *page, const struct ledger_key *key);
int ledger_page_free(const char *page);
unsigned ledger_page_count(const char *page, char kind);

void ledger_entry(
    char out[LEDGER_ENTRY], const struct ledger_key *key, int64_t wall);

/* ---- ledger_files.c: with the lock ---- */

/* Learns of generations that came or went since the last call. */
int ledger_refresh(struct ledger *l, struct err *err) CHECKED;

/* Begins the next generation. */
int ledger_grow(struct ledger *l, struct err *err) CHECKED;

/* 0; 1 where it is not there or nothing of ours, -1. */
int ledger_open_file(
    struct ledger *l, struct generation *g, struct err *err) CHECKED;

/* Removes the files up to that number; how many. */
unsigned ledger_remove(struct ledger *l, uint64_t last);

/* Lets go of all files. */
void ledger_drop_files(struct ledger *l);

#endif
