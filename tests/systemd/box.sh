# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# A box with a real systemd, for the scripts that read this file. They set `tree` and `log`.
#
# Environment: SYSTEMD_BOX (the program that boots the box; else the one in PATH, or in the folder
# shared/systemd-box beside a folder that we are in), BOX (where its root folder is kept;
# /var/tmp/box), SUITE (Debian's release in it).

# Nothing can be judged here.
skip() {
	echo "1..1"
	echo "ok 1 - reeve under systemd # SKIP $*"
	exit 0
}

find_box() {
	if [ -n "${SYSTEMD_BOX:-}" ]; then
		echo "$SYSTEMD_BOX"
		return
	fi
	command -v systemd-box && return
	folder=$tree
	while [ "$folder" != / ]; do
		folder=$(dirname "$folder")
		if [ -x "$folder/shared/systemd-box/systemd-box" ]; then
			echo "$folder/shared/systemd-box/systemd-box"
			return
		fi
	done
	return 1
}

# The packages that have the libraries of these programs; the box has a C library.
packages_of() {
	ldd "$@" | sed -n 's/^\t\(lib[^ ]*\) => .*/\1/p' | grep -v '^libc\.' | sort -u |
		while read -r library; do
			dpkg-query -S "*/$library" | sed 's/[:,].*//'
		done | sort -u
}

# What keeps the box from being had is a reason to skip, and no failure.
# look_for_box PROGRAM... (with the libraries that they want)
look_for_box() {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to boot a box"
	command -v dpkg-query >/dev/null || skip "no Debian packages here"
	box=$(find_box) || skip "no systemd-box in PATH or SYSTEMD_BOX"
	cache=${BOX:-/var/tmp/box}
	# shellcheck disable=SC2046 # a list of words
	"$box" build "$cache" ${SUITE:+--suite "$SUITE"} $(packages_of "$@") >"$log" 2>&1 ||
		skip "no box: $(tail -n 1 "$log")"
}

# Claims with a load fill the journal quicker than it takes records of one service by default, and
# the claims after them would wait for records that it has left out.
keep_all_records='mkdir -p /etc/systemd/journald.conf.d &&
	printf "[Journal]\nRateLimitIntervalSec=0\n" >/etc/systemd/journald.conf.d/all.conf'

# Judge the claims of a folder in the tree. What is behind -- is for tests/e2e/run.py.
# run_claims FOLDER [OPTION-OF-systemd-box ...] -- [OPTION ...]
run_claims() {
	claims=$1
	shift
	count=$#
	for word in "$@"; do
		if [ "$word" = -- ] && [ -n "$claims" ]; then
			set -- "$@" -- env REEVED=/usr/sbin/reeved PYTHONDONTWRITEBYTECODE=1 \
				HANDLERS=/usr/libexec/reeve/handlers \
				python3 /reeve/tree/tests/e2e/run.py -j 1 --folder "/reeve/tree/$claims"
			claims=
		else
			set -- "$@" "$word"
		fi
	done
	shift "$count"
	status=0
	"$box" run "$cache" --timeout 600 --quiet --bind "$tree:/reeve/tree" --pre "$keep_all_records" \
		"$@" 2>"$log" || status=$?
	cat "$log" >&2
	# The box's own word for a host that gives no name spaces or control groups.
	[ "$status" -ne 125 ] || skip "no box: $(tail -n 1 "$log")"
	return "$status"
}
