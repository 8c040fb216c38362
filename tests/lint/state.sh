#!/bin/sh
# SPDX-License-Identifier: ISC
# No variable outlives a call but the log's sink: state hangs from structs that are handed down.
# Read from the compiled objects, so that a static inside a function counts too.
#
# usage: tests/lint/state.sh BUILD
set -eu

objects=$(find "$1/src" "$1/services" -name '*.o' | sort)
[ -n "$objects" ] || { echo "$1: no objects to look into"; exit 1; }

# shellcheck disable=SC2086,SC2016 # names without blanks; the dollars are awk's
objdump -t $objects | awk -v build="$1/" '
	/file format/ { object = substr($1, length(build) + 1); sub(/:$/, "", object) }
	object ~ /^src\/base\/log/ { next }
	# What a door read from its command line, once.
	object ~ /^src\/[a-z_]*\.o$/ { next }
	# The stack of the child between clone and exec; there is one such child at a time.
	object == "src/effects/spawn.o" && $NF ~ /^stack/ { next }
	# What the library of tcp_wrappers calls gets nothing of ours handed on.
	object == "src/resolver/wrap.o" && $NF == "is_in_doubt" { next }
	/ O (\.data|\.bss|\.tdata|\.tbss|COMMON)(\.[A-Za-z_]|[ \t])/ && !/\.data\.rel\.ro/ {
		printf "%s: %s is a variable\n", object, $NF
		bad = 1
	}
	END { exit bad }'
