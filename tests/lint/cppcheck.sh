#!/bin/sh
# SPDX-License-Identifier: ISC
# cppcheck over what is shipped; cppcheck.txt says what is let pass.
#
# usage: tests/lint/cppcheck.sh BUILD
set -eu

mkdir -p "$1/cppcheck"
exec cppcheck --quiet --error-exitcode=1 --std=c11 --language=c \
	--enable=warning,performance,portability --cppcheck-build-dir="$1/cppcheck" \
	--suppressions-list=tests/lint/cppcheck.txt --library=posix,gnu,tests/lint/jansson.cfg -D__linux__ -D_GNU_SOURCE \
	-DREEVE_VERSION='""' -DREEVE_SYSCONFDIR='""' -DREEVE_LIBEXECDIR='""' \
	-Isrc -I. src services
