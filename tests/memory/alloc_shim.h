/* SPDX-License-Identifier: MIT */
#ifndef ALLOC_SHIM_H
#define ALLOC_SHIM_H

/*
 * What a test tells alloc_shim.so through a shared mapping: set `all` first,
 * then `left`. The allocation that finds `left` at 1 fails, and with `all`
 * each one after it, until `left` is 0 again.
 */
struct alloc_orders {
	_Atomic int left;   /* allocations up to the one that fails; 0: none */
	_Atomic int all;    /* also those behind it */
	_Atomic int failed; /* how many did */
};

#endif
