#!/bin/sh
# SPDX-License-Identifier: ISC
# Doors stay doors: headers compile alone and are small, power is used in two files, and the
# programs are made of what they should be made of.
#
# usage: tests/lint/doors.sh BUILD "OBJECTS OF REEVED" "OBJECTS OF REEVE-GATE" "OBJECTS OF REEVE-RESOLVER"
set -eu
build=$1 reeved_objects=$2 gate_objects=$3 resolver_objects=$4
# A door is what other folders include; the headers between the files of one room may hold more.
most_in_a_door=12
most_in_a_room=30

# What changes who a process is. Its place is priv.c, and spawn_child.c's steps between clone and exec.
power='set(res|re|e)?[ug]id|setgroups|initgroups|capset|chroot|pivot_root|setns|unshare'
# What a gate must not even be able to call; read from its undefined symbols.
forbidden_to_gates="$power|execv[a-z]*|execl[a-z]*|fexecve|fork|vfork|clone|posix_spawnp?|system|popen|ptrace|mount"

trouble=$(mktemp -d)
trap 'rm -rf "$trouble"' EXIT
complain() {
	echo "$*"
	touch "$trouble/found"
}

headers=$(find src services -name '*.h' | sort)
for header in $headers; do
	for compiler in gcc clang; do
		"$compiler" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-function -Isrc -I. -fsyntax-only -x c "$header" ||
			complain "$header: does not compile alone with $compiler"
	done
	case $header in
	services/service.h) continue ;; # all that a built-in may do, in one place on purpose
	src/base/log.h) continue ;;     # its functions are the rows of events.def
	esac
	count=$(ctags -x --language-force=C --kinds-C=p "$header" | wc -l)
	most=$most_in_a_room
	find src services -name '*.[ch]' ! -path "$(dirname "$header")/*" -exec \
		grep -qF "#include \"${header#src/}\"" {} + && most=$most_in_a_door
	[ "$count" -le "$most" ] || complain "$header: $count functions; $most at most"
done

# The compiler's preprocessor leaves the comments out; strings go here.
find src services -name '*.[ch]' ! -path src/effects/priv.c ! -path 'src/effects/spawn*.c' | sort |
while read -r file; do
	gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | sed 's/"[^"]*"//g' |
		grep -noE "(^|[^A-Za-z0-9_.>])($power) *\(|SYS_($power)\b" &&
		complain "$file: uses a call that belongs into src/effects/priv.c"
done || :

for object in $reeved_objects; do
	case $object in
	services/* | src/gate/* | src/effects/sandbox.o | src/effects/confinement.o)
		complain "Makefile: reeved links $object, which is a gate's" ;;
	esac
done
for object in $gate_objects; do
	case $object in
	src/supervisor/* | src/effects/priv.o | src/effects/spawn*.o | src/effects/listen.o | src/effects/notify.o)
		complain "Makefile: reeve-gate links $object, which is the supervisor's" ;;
	esac
done

for object in $resolver_objects; do
	case $object in
	src/supervisor/* | src/gate/* | services/* | src/effects/priv.o | src/effects/spawn*.o | src/effects/listen.o | src/effects/notify.o)
		complain "Makefile: reeve-resolver links $object, which is somebody else's" ;;
	esac
done

if [ -x "$build/reeve-gate" ] && [ -x "$build/reeved" ]; then
	nm -u "$build/reeve-gate" | sed 's/^ *[Uw] *//; s/@.*//' | grep -xE "$forbidden_to_gates" &&
		complain "reeve-gate: could call what is the supervisor's to call"
	nm "$build/reeved" | awk '$3 ~ /_ops$|^conn_|^gate_main$/ { print $3 }' | grep . &&
		complain "reeved: holds code of the gates"
else
	complain "$build: no reeved and reeve-gate to look into"
fi

[ ! -e "$trouble/found" ]
