#!/bin/sh
# SPDX-License-Identifier: ISC
# A file includes only its own floor or lower ones; a built-in only its door, its own files
# and the ground.
set -eu

# shellcheck disable=SC2016 # the dollars are awk's
find src services -name '*.[ch]' -o -name '*.def' | sort | xargs awk '
	function floor_of(path) {
		if (path ~ /^(src\/)?base\//) return 0
		if (path ~ /^(src\/)?config\//) return 1
		if (path ~ /^(src\/)?model\//) return 2
		if (path ~ /^(src\/)?effects\//) return 3
		if (path ~ /^(src\/)?(supervisor|gate|resolver|control)\//) return 4
		return 5
	}
	function complain(text) {
		printf "%s:%d: %s\n", FILENAME, FNR, text
		bad = 1
	}
	# The built-in that a file of services/ belongs to: chat of chat.c and of chat_room.h.
	function builtin_of(path) {
		sub(/^services\//, "", path)
		sub(/[_.].*/, "", path)
		return path
	}
	# "" where the include is allowed, else why not.
	function verdict(file, included) {
		if (included ~ /\.c$/)
			return "includes a .c file"
		# A table of names, which depends on nothing.
		if (included == "services/services.def")
			return ""
		if (file ~ /^services\//) {
			if (included ~ /^base\// || included == "services/service.h")
				return ""
			if (builtin_of(file) == builtin_of(included))
				return ""
			if (file == "services/service.h" && included == "config/config.h")
				return ""
			return "a built-in includes " included ": it may know services/service.h, its own files and base/ only"
		}
		if (included ~ /^services\//)
			return file ~ /^src\/gate\// ? "" : "only gates include " included
		if (file ~ /^src\/[^\/]*$/ && included !~ /\//)
			return ""
		if (included !~ /^(base|config|model|effects|supervisor|gate|resolver|control)\//)
			return "\"" included "\" is not written from src/ (or services/) on"
		if (floor_of(included) > floor_of(file))
			return "includes " included " of a higher floor"
		if (floor_of(file) == 4 && floor_of(included) == 4 &&
		    substr(included, 1, 4) != substr(file, 5, 4))
			return "the roles do not include each other"
		return ""
	}
	/^[ \t]*#[ \t]*(include|define SAVED_ROWS)[ \t]*"/ {
		split($0, parts, "\"")
		why = verdict(FILENAME, parts[2])
		if (why != "")
			complain(why)
	}
	END { exit bad }'
