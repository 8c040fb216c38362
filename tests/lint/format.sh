#!/bin/sh
# SPDX-License-Identifier: ISC
# The C files are laid out as .clang-format says (`make format` does it).
set -eu

# shellcheck disable=SC2044 # names without blanks
for file in $(find src services tests -name '*.[ch]' | sort); do
	clang-format "$file" | diff -u "$file" - || status=1
done
exit "${status:-0}"
