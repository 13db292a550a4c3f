/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "form.h"

/*
 * Form-encoded bodies. What is decoded is never longer than its encoding, and
 * a failure leaves an error behind.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, 1 << 20);
	if (form_field(&out, (const char *)data, size, "payload", &err) == -1) {
		if (err.class == ERR_NONE)
			abort();
	} else if (out.len > size) {
		abort();
	}
	buf_release(&out);
	return 0;
}
