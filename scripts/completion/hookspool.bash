# SPDX-License-Identifier: MIT
# Completion of hookspool(1) for bash. The command itself knows its commands,
# options and job IDs; this only asks it. Where the answer is empty, file
# names are completed.

_hookspool()
{
	local IFS=$'\n'

	COMPREPLY=($("${COMP_WORDS[0]}" complete -- \
	    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}

complete -o default -F _hookspool hookspool
