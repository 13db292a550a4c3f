/* SPDX-License-Identifier: MIT */
#ifndef ATTEMPTS_H
#define ATTEMPTS_H

/*
 * What a process behind a wall tries to get out: each is 0 where it went
 * through, else the errno that kept it in. Call them in a child of the test,
 * for try_execute() replaces the process where nothing stops it.
 */

int try_tcp(void);
int try_tcp6(void);
int try_udp(void);
int try_unix_socket(void);
int try_netlink(void);
int try_io_uring(void);
int try_execute(void);
int try_split(void);
int try_new_user(void);

#endif
