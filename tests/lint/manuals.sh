#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages are right mdoc, and reevectl's has every verb. usage: tests/lint/manuals.sh BUILD
set -eu

for page in "$1"/man/*.[578]; do
	[ -e "$page" ] || { echo "$1/man: no pages"; exit 1; }
	mandoc -T lint -W warning "$page" || status=1
done

verbs=$("$1/reevectl" --help | sed -n 's/^  \([a-z][a-z]*\).*/\1/p')
[ -n "$verbs" ] || { echo "reevectl --help: no verbs"; exit 1; }
for verb in $verbs; do
	grep -q "^\.It Cm $verb\>" "$1/man/reevectl.8" ||
		{ echo "$1/man/reevectl.8: nothing about the verb $verb" && status=1; }
done
exit "${status:-0}"
