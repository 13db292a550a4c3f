/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <string.h>

#include "library.h"

/* Wide enough, and copied as bytes: ISO C has no way from one to the other,
 * POSIX promises that it works. */
_Static_assert(sizeof(void *) == sizeof(void (*)(void)),
    "dlsym() returns functions as objects");

int
library_load(struct library *l, struct err *err)
{
	void *handle;

	if (l->loaded)
		return 0;
	handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		return err_set(
		    err, ERR_CONF, 0, "%s: %.150s", l->file, dlerror());
	for (size_t i = 0; i < l->count; i++) {
		if (dlsym(handle, l->symbols[i].name) == NULL)
			return err_set(err, ERR_CONF, 0, "%s has no %s",
			    l->file, l->symbols[i].name);
	}
	for (size_t i = 0; i < l->count; i++) {
		void *function = dlsym(handle, l->symbols[i].name);

		memcpy(l->symbols[i].place, &function, sizeof function);
	}
	l->loaded = 1;
	return 0;
}
