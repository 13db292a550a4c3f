/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "responder_group.h"

struct responder responder;
const char *const *responder_options;

int
responder_begin(void **state)
{
	(void)state;
	responder_make(&responder, NULL, NULL);
	responder_start(&responder, responder_options);
	return 0;
}

int
responder_end(void **state)
{
	(void)state;
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
	return 0;
}
