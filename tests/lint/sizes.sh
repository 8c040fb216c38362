#!/bin/sh
# SPDX-License-Identifier: ISC
# Functions, files and lines stay short enough to be read.
# Tables are exempt: a constant array is no function, and a .def file is one table.
set -eu
longest_function=60
longest_file=500
widest_line=100

status=0
# shellcheck disable=SC2046 # names without blanks
ctags --languages=C --langmap=C:.c.h --kinds-C=f --output-format=xref \
	--_xformat='%K %F %n %{end} %N' -f - $(find src services -name '*.[ch]' | sort) |
awk -v most="$longest_function" '
	$1 == "function" && $4 - $3 + 1 > most {
		printf "%s:%d: %s: %d lines; %d at most\n", $2, $3, $5, $4 - $3 + 1, most
		bad = 1
	}
	END { exit bad }' || status=1

find src services -name '*.[ch]' | sort | xargs wc -l | awk -v most="$longest_file" '
	$2 != "total" && $1 > most { printf "%s: %d lines; %d at most\n", $2, $1, most; bad = 1 }
	END { exit bad }' || status=1

# shellcheck disable=SC2016 # the dollars are awk's
find src services tests -name '*.[ch]' | sort | xargs awk -v most="$widest_line" '
	{
		line = $0
		while ((at = index(line, "\t")) > 0)
			line = substr(line, 1, at - 1) sprintf("%*s", 8 - (at - 1) % 8, "") substr(line, at + 1)
		# Bytes that continue a UTF-8 character take no column.
		gsub(/[\200-\277]/, "", line)
		if (length(line) > most) {
			printf "%s:%d: %d columns; %d at most\n", FILENAME, FNR, length(line), most
			bad = 1
		}
	}
	/[ \t]$/ { printf "%s:%d: blanks at the end\n", FILENAME, FNR; bad = 1 }
	END { exit bad }' || status=1
exit $status
