#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages are right mdoc. usage: tests/lint/manuals.sh BUILD
set -eu

for page in "$1"/man/*.[578]; do
	[ -e "$page" ] || { echo "$1/man: no pages"; exit 1; }
	mandoc -T lint -W warning "$page" || status=1
done
exit "${status:-0}"
