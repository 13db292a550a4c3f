/* SPDX-License-Identifier: MIT */
#ifndef FSIO_H
#define FSIO_H

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;
struct stat;

/*
 * File calls that always do all of what they were asked, or say why not:
 * interrupted calls are repeated, short writes continued.
 *
 * No function here repeats a failed fsync or close: the kernel reports a
 * lost write once and then calls the page clean ("Can Applications Recover
 * from fsync Failures?", ATC 2020), so the caller must give the file up.
 *
 * Names are relative to a directory descriptor, but for the base of
 * fs_make_below(). Descriptors are opened close-on-exec, and only regular files
 * and directories are opened. A symbolic link in the last component is followed
 * to a directory (that is how data is moved to another disk), never to a file.
 */

/* Opens `name` for reading; ERR_BAD where it is not a regular file. */
int fs_open_read(int *fd, int dir, const char *name, struct err *err)
    __attribute__((warn_unused_result));

/* Opens a directory; makes it with `mode` first where it is missing. */
int fs_open_dir(int *fd, int dir, const char *name, struct err *err)
    __attribute__((warn_unused_result));
int fs_make_dir(int *fd, int dir, const char *name, mode_t mode,
    struct err *err) __attribute__((warn_unused_result));

/*
 * 1 if two looks at a path saw one file, and nothing happened to it between
 * them: its times, size and links are the same. A change within the grain of
 * the file system's times goes unseen.
 */
int fs_unchanged(const struct stat *a, const struct stat *b);

/*
 * Opens the directory `path` ("cache/github") below the directory `base`,
 * making each component that is missing with `mode`. `base` itself must be
 * there: a disk that is not mounted must not be filled on the one beneath.
 * `path` is the caller's own word, or checked: it is followed as it stands.
 */
int fs_make_below(int *fd, const char *base, const char *path, mode_t mode,
    struct err *err) __attribute__((warn_unused_result));

int fs_write_all(int fd, const void *bytes, size_t len, struct err *err)
    __attribute__((warn_unused_result));
int fs_pwrite_all(int fd, const void *bytes, size_t len, off_t at,
    struct err *err) __attribute__((warn_unused_result));

/* As many as there are up to `len`; *got < len only at the end of file. */
int fs_pread_full(int fd, void *bytes, size_t len, off_t at, size_t *got,
    struct err *err) __attribute__((warn_unused_result));

/* The whole file into `b`; more than the buffer's maximum is ERR_BAD. */
int fs_read_file(struct buf *b, int dir, const char *name, struct err *err)
    __attribute__((warn_unused_result));

int fs_sync(int fd, const char *what, struct err *err)
    __attribute__((warn_unused_result));

/*
 * Replaces `name` with these bytes so that a reader, also after a crash,
 * sees the old file or the new one: temporary file, fsync, rename, fsync of
 * the directory, so `dir` must be one (not AT_FDCWD) and `name` have no slash.
 */
int fs_replace(int dir, const char *name, const void *bytes, size_t len,
    mode_t mode, struct err *err) __attribute__((warn_unused_result));

/* close() unless fd is -1, which it then becomes; errno is kept. */
void fs_close(int *fd);

/*
 * Closes a file that was written; *fd becomes -1 whatever happens, for Linux
 * lets go of the descriptor also where close(2) fails. A failure says that
 * what was written may not be kept, as that of a flush does: some file systems
 * (NFS, quotas) tell of it no earlier. EINTR is none: it tells of nothing.
 */
int fs_close_written(int *fd, const char *what, struct err *err)
    __attribute__((warn_unused_result));

#endif
