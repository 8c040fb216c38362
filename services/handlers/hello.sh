#!/bin/sh
# SPDX-License-Identifier: ISC
# hello: greet the client by its address, show it what a handler is told about the connection,
# and send back what it says in capitals.
#
# What a stranger sends must never become a part of a command. It does not even reach the shell
# here: dd reads it from the socket. With blocks of one byte dd holds back nothing, so each line
# comes back at once, and a line without an end fills no memory.

set -u
LC_ALL=C
export LC_ALL

printf 'Hello %s! Here you are known by:\r\n' "${REMOTE_ADDR:-stranger}"

# Only the names that tell of the connection: a service's other variables may be secrets.
awk 'BEGIN {
	for (name in ENVIRON)
		if (name ~ /^(PROTO$|TCP|REMOTE_)/)
			printf "%s=%s\r\n", name, ENVIRON[name]
}' | sort

printf 'Say something.\r\n'
exec dd ibs=1 obs=1 conv=ucase 2>/dev/null
