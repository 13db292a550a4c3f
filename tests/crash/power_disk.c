/* SPDX-License-Identifier: MIT */
/*
 * From the log of calls to the disks that a power cut may leave.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "power.h"

#define EXHAUSTIVE 12 /* atoms that may be there or not: all 2^n ways */
#define NAMES_MAX  256
#define PAGE	   4096

struct file {
	int exists;
	size_t size, cap;
	unsigned char *bytes;
};

struct name {
	int dir, inode; /* -1: removed */
	char name[96];
};

struct disk {
	const struct power_log *log;
	int cut;
	unsigned char *there; /* by atom */
	int *open; /* atoms that are neither certain nor impossible */
	int open_count;
	unsigned char rubbish; /* what unwritten bytes hold */
	struct file *files;
	struct name names[NAMES_MAX];
	int name_count;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

struct disk *
disk_new(const struct power_log *log)
{
	struct disk *d = must(calloc(1, sizeof *d));

	d->log = log;
	d->there = must(calloc((size_t)log->atom_count + 1, 1));
	d->open = must(calloc((size_t)log->atom_count + 1, sizeof *d->open));
	d->files = must(calloc((size_t)log->inode_count + 1, sizeof *d->files));
	return d;
}

void
disk_free(struct disk *d)
{
	for (int i = 0; i < d->log->inode_count; i++)
		free(d->files[i].bytes);
	free(d->files);
	free(d->open);
	free(d->there);
	free(d);
}

/* ---- which atoms are there ---- */

/* xorshift64*: the same choices each time. */
static uint64_t
scramble(uint64_t x)
{
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return x * 0x2545f4914f6cdd1dull;
}

static int
coin(uint64_t seed, uint64_t what, unsigned percent)
{
	uint64_t x = scramble(scramble(seed + 1) ^ (what * 0x9e3779b97f4a7c15));

	return (x >> 32) % 100 < percent;
}

/* A file, or a directory: what one forgotten sync would concern. */
static int
group_of(const struct atom *a)
{
	return a->dir == -1 ? SPOOL_DIRS + a->inode : a->dir;
}

/* By chance: atom by atom, call by call, page by page. */
static int
by_chance(const struct disk *d, const struct atom *a, int index, unsigned n)
{
	static const unsigned percents[] = { 50, 50, 85, 15 };
	uint64_t seed = (uint64_t)d->cut << 32 | n;
	unsigned percent = percents[n / 4 % 4];

	switch (n % 4) {
	case 0:
		return coin(seed, (uint64_t)a->op + 1000000, percent);
	case 1:
		return coin(seed, (uint64_t)group_of(a) + 2000000, percent);
	case 2:
		if (a->kind == ATOM_DATA)
			return coin(seed,
			    (uint64_t)a->inode << 32 | (uint64_t)(a->at / PAGE),
			    percent);
		return coin(seed, (uint64_t)index + 3000000, percent);
	default:
		return coin(seed, (uint64_t)index + 3000000, percent);
	}
}

static void
find_open(struct disk *d)
{
	const struct power_log *log = d->log;

	d->open_count = 0;
	for (int i = 0; i < log->atom_count; i++) {
		const struct atom *a = &log->atoms[i];

		d->there[i] = a->op < d->cut && a->durable < d->cut;
		if (a->op < d->cut && a->durable >= d->cut)
			d->open[d->open_count++] = i;
	}
}

#define SUSPECT_WAYS 6

/* The place held something else before: what was erased may be back. */
static int
is_over_older(const struct power_log *log, const struct atom *a)
{
	for (const struct atom *b = log->atoms; b < a; b++) {
		if (a->kind == ATOM_DATA && b->kind == ATOM_DATA &&
		    b->inode == a->inode && b->at == a->at)
			return 1;
	}
	return 0;
}

/* Everything there but what was to be synced by a call that is taken out; or
 * but one kind of it. */
static int
choose_suspects(struct disk *d, unsigned way)
{
	int any = 0;

	for (int i = 0; i < d->open_count; i++) {
		const struct atom *a = &d->log->atoms[d->open[i]];
		int gone = a->suspect;

		if (way == 1)
			gone &= a->kind == ATOM_REMOVE;
		else if (way == 2)
			gone &= a->kind == ATOM_ADD;
		else if (way == 3)
			gone &= a->kind == ATOM_INODE;
		else if (way == 4)
			gone &= a->kind == ATOM_SIZE || a->kind == ATOM_DATA;
		else if (way == 5)
			gone = gone && is_over_older(d->log, a);
		any |= gone;
		d->there[d->open[i]] = !gone;
	}
	return any ? 1 : -1;
}

/* The telling ways: 0 where the n-th is not one of them. */
static int
choose_telling(struct disk *d, unsigned n)
{
	const struct power_log *log = d->log;
	unsigned groups = SPOOL_DIRS + (unsigned)log->inode_count;
	unsigned ops = (unsigned)d->cut;
	int alone, any;

	if (n < SUSPECT_WAYS)
		return choose_suspects(d, n);
	n -= SUSPECT_WAYS;
	alone = (int)(n & 1);
	any = n < 2;
	if (n >= 2 + 2 * groups + 2 * ops)
		return 0;
	for (int i = 0; i < d->open_count; i++) {
		const struct atom *a = &log->atoms[d->open[i]];
		int ours;

		if (n < 2) {
			d->there[d->open[i]] = (unsigned char)n;
			continue;
		}
		if (n < 2 + 2 * groups)
			ours = group_of(a) == (int)((n - 2) / 2);
		else
			ours = a->op == (int)((n - 2 - 2 * groups) / 2);
		any |= ours;
		d->there[d->open[i]] = alone ? ours : !ours;
	}
	return any ? 1 : -1;
}

static void build(struct disk *d);

int
disk_choose(struct disk *d, int cut, unsigned n)
{
	int telling;
	unsigned first;

	d->cut = cut;
	find_open(d);
	if (d->open_count == 0 && n > 0)
		return 0;
	d->rubbish = n % 3 == 2 ? 0x5a : 0;
	telling = choose_telling(d, n);
	if (telling == -1)
		return 0;
	first = 2 + 2 * (SPOOL_DIRS + (unsigned)d->log->inode_count +
			    (unsigned)cut);
	if (telling == 0) {
		n -= first;
		if (d->open_count <= EXHAUSTIVE && n >= 1u << d->open_count)
			return 0;
		for (int i = 0; i < d->open_count; i++) {
			int atom = d->open[i];

			d->there[atom] =
			    (unsigned char)(d->open_count <= EXHAUSTIVE
						? (int)(n >> i & 1)
						: by_chance(d,
						      &d->log->atoms[atom],
						      atom, n));
		}
	}
	build(d);
	return 1;
}

/* ---- what they make ---- */

static void
set_size(struct disk *d, struct file *f, size_t size)
{
	if (size > f->cap) {
		f->cap = size * 2;
		f->bytes = must(realloc(f->bytes, f->cap));
	}
	if (size > f->size)
		memset(f->bytes + f->size, d->rubbish, size - f->size);
	f->size = size;
}

static struct name *
find_name(struct disk *d, int dir, const char *name)
{
	for (int i = 0; i < d->name_count; i++) {
		if (d->names[i].dir == dir &&
		    strcmp(d->names[i].name, name) == 0)
			return &d->names[i];
	}
	return NULL;
}

static void
set_name(struct disk *d, int dir, const char *name, int inode)
{
	struct name *n = find_name(d, dir, name);

	if (n == NULL) {
		if (inode == -1)
			return;
		if (d->name_count == NAMES_MAX)
			abort();
		n = &d->names[d->name_count++];
		n->dir = dir;
		snprintf(n->name, sizeof n->name, "%s", name);
	}
	n->inode = inode;
}

static void
apply_name(struct disk *d, const struct atom *a)
{
	if (a->kind != ATOM_ADD)
		set_name(d, a->dir, a->name, -1);
	if (a->kind == ATOM_ADD)
		set_name(d, a->dir, a->name, a->inode);
	if (a->kind == ATOM_RENAME)
		set_name(d, a->dir, a->to, a->inode);
}

/* Sizes first: a sector may reach the disk before the size that shows it. */
static void
build(struct disk *d)
{
	const struct power_log *log = d->log;

	for (int i = 0; i < log->inode_count; i++)
		d->files[i].exists = 0, d->files[i].size = 0;
	d->name_count = 0;
	for (int i = 0; i < log->atom_count; i++) {
		const struct atom *a = &log->atoms[i];

		if (!d->there[i])
			continue;
		if (a->kind == ATOM_INODE)
			d->files[a->inode].exists = 1;
		else if (a->kind == ATOM_SIZE)
			set_size(d, &d->files[a->inode], (size_t)a->at);
		else if (a->kind != ATOM_DATA)
			apply_name(d, a);
	}
	for (int i = 0; i < log->atom_count; i++) {
		const struct atom *a = &log->atoms[i];
		struct file *f;
		size_t len;

		if (!d->there[i] || a->kind != ATOM_DATA)
			continue;
		f = &d->files[a->inode];
		if ((size_t)a->at >= f->size)
			continue;
		len = f->size - (size_t)a->at < a->len ? f->size - (size_t)a->at
						       : a->len;
		memcpy(f->bytes + a->at, a->data, len);
	}
}

static uint64_t
hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t word;

	for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; len > 0; len--, p++)
		h = (h ^ *p) * 0x100000001b3ull;
	return h;
}

uint64_t
disk_hash(const struct disk *d)
{
	uint64_t sum = 0;

	for (int i = 0; i < d->name_count; i++) {
		const struct name *n = &d->names[i];
		uint64_t h = 0xcbf29ce484222325ull;

		if (n->inode == -1 || !d->files[n->inode].exists)
			continue;
		h = hash_bytes(h, &n->dir, sizeof n->dir);
		h = hash_bytes(h, &n->inode, sizeof n->inode);
		h = hash_bytes(h, n->name, strlen(n->name));
		sum += hash_bytes(
		    h, d->files[n->inode].bytes, d->files[n->inode].size);
	}
	for (int i = 0; i < d->log->job_count; i++) {
		const struct deed *job = &d->log->jobs[i];

		sum += (uint64_t)((d->cut >= job->acked) +
				  2 * (d->cut > job->ran) +
				  4 * (d->cut >= job->over) +
				  8 * (d->cut > job->retried) +
				  16 * (d->cut > job->left)) *
		       scramble((uint64_t)i + 77);
	}
	return scramble(sum);
}

static void
write_file(const struct file *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);

	if (fd == -1 ||
	    (f->size > 0 && write(fd, f->bytes, f->size) != (ssize_t)f->size)) {
		perror(path);
		abort();
	}
	close(fd);
}

void
disk_write(const struct disk *d, const char *spool)
{
	char path[400], first[400];

	for (int i = 0; i < d->name_count; i++) {
		const struct name *n = &d->names[i];
		int twin = 0;

		if (n->inode == -1 || !d->files[n->inode].exists)
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", spool,
		    spool_dir_name((unsigned)n->dir), n->name);
		while (twin < i && d->names[twin].inode != n->inode)
			twin++;
		if (twin == i) {
			write_file(&d->files[n->inode], path);
			continue;
		}
		snprintf(first, sizeof first, "%s/%s/%s", spool,
		    spool_dir_name((unsigned)d->names[twin].dir),
		    d->names[twin].name);
		if (link(first, path) == -1) {
			perror(path);
			abort();
		}
	}
}

void
disk_explain(const struct disk *d)
{
	const struct power_log *log = d->log;

	fprintf(stderr, "  cut behind call %d: %s\n", d->cut,
	    d->cut > 0 ? log->ops[d->cut - 1].text : "nothing");
	for (int k = 0; k < d->cut; k++) {
		int there = 0, all = 0;

		for (int i = 0; i < d->open_count; i++) {
			if (log->atoms[d->open[i]].op == k) {
				all++;
				there += d->there[d->open[i]];
			}
		}
		fprintf(stderr, "  %4d %-60s %s", k, log->ops[k].text,
		    all > 0 ? "" : "\n");
		if (all > 0)
			fprintf(stderr, "%d of %d on disk\n", there, all);
	}
	for (int i = 0; i < d->name_count; i++) {
		const struct name *n = &d->names[i];

		if (n->inode != -1)
			fprintf(stderr, "  on disk: %s/%s #%d%s\n",
			    spool_dir_name((unsigned)n->dir), n->name, n->inode,
			    d->files[n->inode].exists ? "" : " (no inode)");
	}
}
