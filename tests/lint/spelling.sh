#!/bin/sh
# SPDX-License-Identifier: ISC
# Common misspellings, in code, documents and messages alike. Left out are files that are full of
# mistakes on purpose.
set -eu

exec codespell --ignore-words tests/lint/spelling.txt \
	--skip './.git,./build*,./tests/fuzz/corpus,./tests/config,./etc/qotd'
