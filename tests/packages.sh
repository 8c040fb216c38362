#!/bin/sh
# SPDX-License-Identifier: ISC
# See to it that the packages for a purpose are there: as root install what is lacking, else say
# which command does. Costs one look into dpkg's list when nothing is lacking.
#
# usage: tests/packages.sh [build] [run] [check] [lint]
set -eu

list_of() {
	case $1 in
	build) echo "gcc libc6-dev make libconfig-dev libseccomp-dev libsystemd-dev" ;;
	run) echo "netcat-openbsd telnet" ;;
	check) echo "libcmocka-dev netcat-openbsd python3 telnet" ;;
	lint) echo "clang clang-format clang-tidy codespell cppcheck libclang-rt-dev mandoc" \
		"shellcheck universal-ctags" ;;
	valgrind) echo "valgrind" ;;
	*)
		echo "tests/packages.sh: \"$1\" is no list of packages" >&2
		exit 2
		;;
	esac
}

# Those of the named packages that dpkg does not have installed.
lacking_of() {
	for package in "$@"; do
		status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=none
		[ "$status" = installed ] || echo "$package"
	done
}

wanted=
for purpose in "$@"; do
	wanted="$wanted $(list_of "$purpose")"
done

if ! command -v dpkg-query >/dev/null; then
	echo "no Debian packages here; wanted are the likes of:$wanted"
	exit 0
fi

# shellcheck disable=SC2086 # a list of words
lacking=$(lacking_of $wanted | sort -u | tr '\n' ' ')
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "Packages are lacking. This installs them; then try again:" >&2
	echo "    sudo apt-get install --no-install-recommends $lacking" >&2
	exit 1
fi

echo "installing $lacking"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null || echo "the package lists could not be renewed; trying the old ones" >&2
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $lacking </dev/null
