#!/bin/sh
# SPDX-License-Identifier: ISC
# Every script is clean by shellcheck, whatever its name.
set -eu

find . \( -name .git -o -name 'build*' \) -prune -o -type f -print |
while read -r file; do
	head -n 1 "$file" | tr -d '\0' | grep -qE '^#!.*/(env )?(ba|da)?sh\b' && echo "$file"
done | sort | xargs shellcheck --external-sources
