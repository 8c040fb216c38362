#!/bin/sh
# SPDX-License-Identifier: ISC
# The shells know every option of reeved, and no other.
set -eu

known=$(sed -n 's/^OPTION([A-Z_]*, *"\([a-z-]*\)".*/\1/p' src/reeved_options.def | sort)
[ -n "$known" ] || { echo "src/reeved_options.def: no options found"; exit 1; }
for file in etc/completion/reeved.bash etc/completion/_reeved; do
	offered=$(grep -oE -e '--[a-z][a-z-]+' "$file" | sed 's/^--//' | sort -u)
	[ "$known" = "$offered" ] || { echo "$file: offers other options"; status=1; }
done
offered=$(sed -n 's/.* -l \([a-z-]*\) .*/\1/p' etc/completion/reeved.fish | sort)
[ "$known" = "$offered" ] || { echo "etc/completion/reeved.fish: offers other options"; status=1; }
exit "${status:-0}"
