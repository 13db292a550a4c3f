/* SPDX-License-Identifier: MIT */
#ifndef RESPONDER_GROUP_H
#define RESPONDER_GROUP_H

#include "responder.h"

/*
 * One responder for all tests of a program: cmocka's set-up and tear-down of
 * the group. Options, if it is to have some, are set before.
 */

extern struct responder responder;
extern const char *const *responder_options;

int responder_begin(void **state);
int responder_end(void **state);

#endif
