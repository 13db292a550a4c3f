/* SPDX-License-Identifier: MIT */
#ifndef GIT_LIBGIT2_H
#define GIT_LIBGIT2_H

#include <git2.h>

#include "err.h"

/*
 * libgit2, loaded by git_start() when it is first needed (library.h says
 * why). To be included instead of git2.h. The types are the header's own, so
 * the compiler checks calls as always.
 *
 * A function that is newly used has to be added to both lists: without that
 * it works too, but then the linker makes each worker load libgit2 when it
 * starts, and a test complains.
 */

#define LIBGIT2_FUNCTIONS(X)                                                   \
	X(git_attr_get)                                                        \
	X(git_checkout_options_init)                                           \
	X(git_checkout_tree)                                                   \
	X(git_commit_create)                                                   \
	X(git_commit_free)                                                     \
	X(git_commit_id)                                                       \
	X(git_commit_lookup)                                                   \
	X(git_commit_message)                                                  \
	X(git_commit_tree)                                                     \
	X(git_commit_tree_id)                                                  \
	X(git_config_free)                                                     \
	X(git_config_set_bool)                                                 \
	X(git_config_set_string)                                               \
	X(git_credential_userpass_plaintext_new)                               \
	X(git_diff_free)                                                       \
	X(git_diff_get_delta)                                                  \
	X(git_diff_num_deltas)                                                 \
	X(git_diff_options_init)                                               \
	X(git_diff_tree_to_tree)                                               \
	X(git_error_last)                                                      \
	X(git_fetch_options_init)                                              \
	X(git_index_add)                                                       \
	X(git_index_add_all)                                                   \
	X(git_index_entrycount)                                                \
	X(git_index_free)                                                      \
	X(git_index_get_byindex)                                               \
	X(git_index_open)                                                      \
	X(git_index_read_tree)                                                 \
	X(git_index_update_all)                                                \
	X(git_index_write)                                                     \
	X(git_index_write_tree)                                                \
	X(git_libgit2_init)                                                    \
	X(git_libgit2_opts)                                                    \
	X(git_object_free)                                                     \
	X(git_object_id)                                                       \
	X(git_odb_add_disk_alternate)                                          \
	X(git_odb_exists)                                                      \
	X(git_odb_free)                                                        \
	X(git_odb_object_data)                                                 \
	X(git_odb_object_free)                                                 \
	X(git_odb_object_size)                                                 \
	X(git_odb_read)                                                        \
	X(git_odb_read_header)                                                 \
	X(git_oid_fromstr)                                                     \
	X(git_oid_tostr)                                                       \
	X(git_patch_free)                                                      \
	X(git_patch_from_diff)                                                 \
	X(git_patch_line_stats)                                                \
	X(git_push_options_init)                                               \
	X(git_reference_create)                                                \
	X(git_reference_free)                                                  \
	X(git_reference_iterator_free)                                         \
	X(git_reference_iterator_glob_new)                                     \
	X(git_reference_name_is_valid)                                         \
	X(git_reference_name_to_id)                                            \
	X(git_reference_next)                                                  \
	X(git_reference_target)                                                \
	X(git_remote_create_anonymous)                                         \
	X(git_remote_fetch)                                                    \
	X(git_remote_free)                                                     \
	X(git_remote_push)                                                     \
	X(git_repository_config)                                               \
	X(git_repository_free)                                                 \
	X(git_repository_index)                                                \
	X(git_repository_init_ext)                                             \
	X(git_repository_init_options_init)                                    \
	X(git_repository_odb)                                                  \
	X(git_repository_open)                                                 \
	X(git_repository_open_bare)                                            \
	X(git_repository_set_head)                                             \
	X(git_repository_set_head_detached)                                    \
	X(git_repository_set_workdir)                                          \
	X(git_revparse_single)                                                 \
	X(git_signature_free)                                                  \
	X(git_signature_new)                                                   \
	X(git_tree_entry_byindex)                                              \
	X(git_tree_entry_filemode)                                             \
	X(git_tree_entry_id)                                                   \
	X(git_tree_entry_name)                                                 \
	X(git_tree_entrycount)                                                 \
	X(git_tree_free)                                                       \
	X(git_tree_lookup)

#define LIBGIT2_MEMBER(function) __typeof__(function) *(function);
struct libgit2 {
	LIBGIT2_FUNCTIONS(LIBGIT2_MEMBER)
};
#undef LIBGIT2_MEMBER

extern struct libgit2 libgit2;

int libgit2_load(struct err *err) CHECKED;

#define git_attr_get		  libgit2.git_attr_get
#define git_checkout_options_init libgit2.git_checkout_options_init
#define git_checkout_tree	  libgit2.git_checkout_tree
#define git_commit_create	  libgit2.git_commit_create
#define git_commit_free		  libgit2.git_commit_free
#define git_commit_id		  libgit2.git_commit_id
#define git_commit_lookup	  libgit2.git_commit_lookup
#define git_commit_message	  libgit2.git_commit_message
#define git_commit_tree		  libgit2.git_commit_tree
#define git_commit_tree_id	  libgit2.git_commit_tree_id
#define git_config_free		  libgit2.git_config_free
#define git_config_set_bool	  libgit2.git_config_set_bool
#define git_config_set_string	  libgit2.git_config_set_string
#define git_credential_userpass_plaintext_new                                  \
	libgit2.git_credential_userpass_plaintext_new
#define git_diff_free			libgit2.git_diff_free
#define git_diff_get_delta		libgit2.git_diff_get_delta
#define git_diff_num_deltas		libgit2.git_diff_num_deltas
#define git_diff_options_init		libgit2.git_diff_options_init
#define git_diff_tree_to_tree		libgit2.git_diff_tree_to_tree
#define git_error_last			libgit2.git_error_last
#define git_fetch_options_init		libgit2.git_fetch_options_init
#define git_index_add			libgit2.git_index_add
#define git_index_add_all		libgit2.git_index_add_all
#define git_index_entrycount		libgit2.git_index_entrycount
#define git_index_free			libgit2.git_index_free
#define git_index_get_byindex		libgit2.git_index_get_byindex
#define git_index_open			libgit2.git_index_open
#define git_index_read_tree		libgit2.git_index_read_tree
#define git_index_update_all		libgit2.git_index_update_all
#define git_index_write			libgit2.git_index_write
#define git_index_write_tree		libgit2.git_index_write_tree
#define git_libgit2_init		libgit2.git_libgit2_init
#define git_libgit2_opts		libgit2.git_libgit2_opts
#define git_object_free			libgit2.git_object_free
#define git_object_id			libgit2.git_object_id
#define git_odb_add_disk_alternate	libgit2.git_odb_add_disk_alternate
#define git_odb_exists			libgit2.git_odb_exists
#define git_odb_free			libgit2.git_odb_free
#define git_odb_object_data		libgit2.git_odb_object_data
#define git_odb_object_free		libgit2.git_odb_object_free
#define git_odb_object_size		libgit2.git_odb_object_size
#define git_odb_read			libgit2.git_odb_read
#define git_odb_read_header		libgit2.git_odb_read_header
#define git_oid_fromstr			libgit2.git_oid_fromstr
#define git_oid_tostr			libgit2.git_oid_tostr
#define git_patch_free			libgit2.git_patch_free
#define git_patch_from_diff		libgit2.git_patch_from_diff
#define git_patch_line_stats		libgit2.git_patch_line_stats
#define git_push_options_init		libgit2.git_push_options_init
#define git_reference_create		libgit2.git_reference_create
#define git_reference_free		libgit2.git_reference_free
#define git_reference_iterator_free	libgit2.git_reference_iterator_free
#define git_reference_iterator_glob_new libgit2.git_reference_iterator_glob_new
#define git_reference_name_is_valid	libgit2.git_reference_name_is_valid
#define git_reference_name_to_id	libgit2.git_reference_name_to_id
#define git_reference_next		libgit2.git_reference_next
#define git_reference_target		libgit2.git_reference_target
#define git_remote_create_anonymous	libgit2.git_remote_create_anonymous
#define git_remote_fetch		libgit2.git_remote_fetch
#define git_remote_free			libgit2.git_remote_free
#define git_remote_push			libgit2.git_remote_push
#define git_repository_config		libgit2.git_repository_config
#define git_repository_free		libgit2.git_repository_free
#define git_repository_index		libgit2.git_repository_index
#define git_repository_init_ext		libgit2.git_repository_init_ext
#define git_repository_init_options_init                                       \
	libgit2.git_repository_init_options_init
#define git_repository_odb	 libgit2.git_repository_odb
#define git_repository_open	 libgit2.git_repository_open
#define git_repository_open_bare libgit2.git_repository_open_bare
#define git_repository_set_head	 libgit2.git_repository_set_head
#define git_repository_set_head_detached                                       \
	libgit2.git_repository_set_head_detached
#define git_repository_set_workdir libgit2.git_repository_set_workdir
#define git_revparse_single	   libgit2.git_revparse_single
#define git_signature_free	   libgit2.git_signature_free
#define git_signature_new	   libgit2.git_signature_new
#define git_tree_entry_byindex	   libgit2.git_tree_entry_byindex
#define git_tree_entry_filemode	   libgit2.git_tree_entry_filemode
#define git_tree_entry_id	   libgit2.git_tree_entry_id
#define git_tree_entry_name	   libgit2.git_tree_entry_name
#define git_tree_entrycount	   libgit2.git_tree_entrycount
#define git_tree_free		   libgit2.git_tree_free
#define git_tree_lookup		   libgit2.git_tree_lookup

#endif
