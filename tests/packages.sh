#!/bin/sh
# SPDX-License-Identifier: ISC
# See to it that the packages for a purpose are there: as root install what is lacking, else say
# which command does. Costs one look into dpkg's list when nothing is lacking.
#
# usage: tests/packages.sh [--try | --download] [build] [run] [check] [clients] [lint] [package] [real] [real-apart]
#
# --try leaves out what cannot be had, and is no failure then. --download only puts the packages'
# files into the working folder.
set -eu

list_of() {
	case $1 in
	build) echo "gcc libc6-dev make libc-ares-dev libconfig-dev libjansson-dev libncurses-dev" \
		"libseccomp-dev" ;;
	libwrap) echo "libwrap0-dev" ;;
	run) echo "netcat-openbsd telnet" ;;
	check) echo "libcmocka-dev python3" ;;
	# Tests that want one of them are skipped without it.
	clients) echo "iproute2 netcat-openbsd nftables procps telnet" ;;
	lint) echo "clang clang-format clang-tidy codespell cppcheck libclang-rt-dev libwrap0-dev mandoc" \
		"shellcheck universal-ctags" ;;
	package) echo "debhelper dpkg-dev lintian" ;;
	valgrind) echo "valgrind" ;;
	real) echo "atftp bitlbee busybox curl cvs dict dictd distcc dropbear-bin exim4-daemon-light" \
		"finger fingerd gcc git gophernicus inetutils-telnet inetutils-telnetd lighttpd micro-httpd" \
		"nagios-nrpe-plugin nagios-nrpe-server oidentd openrc openssh-client openssh-server openssl" \
		"p910nd popa3d proftpd-core rsync runit s6 sslh stunnel4 subversion talk talkd tang-common tcpd" \
		"tftp-hpa tftpd-hpa tigervnc-standalone-server" ;;
	# They conflict with those above, and are unpacked where they are wanted.
	real-apart) echo "atftpd nullidentd vsftpd" ;;
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

# What is there already stays. Without a mirror it is soon over.
try_to_install() {
	timeout 120 apt-get -q -y --no-install-recommends --no-remove -o Acquire::Retries=0 \
		-o Acquire::http::Timeout=15 install "$@" </dev/null
}

# All at once if that works, else one by one for a while.
install_what_can_be_had() {
	try_to_install "$@" && return
	end=$(($(date +%s) + 60))
	for package in "$@"; do
		[ "$(date +%s)" -lt "$end" ] || break
		try_to_install "$package" || echo "no $package"
	done
}

export DEBIAN_FRONTEND=noninteractive
how=install retries=3
case ${1:-} in
--try | --download)
	how=${1#--} retries=0
	shift
	;;
esac

wanted=
for purpose in "$@"; do
	wanted="$wanted $(list_of "$purpose")"
done

if ! command -v dpkg-query >/dev/null; then
	echo "no Debian packages here; wanted are the likes of:$wanted"
	exit 0
fi

if [ "$how" = download ]; then
	for package in $wanted; do
		timeout 20 apt-get -q -o Acquire::Retries=0 download "$package" || echo "no $package"
	done
	exit 0
fi

# shellcheck disable=SC2086 # a list of words
lacking=$(lacking_of $wanted | sort -u | tr '\n' ' ')
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	[ "$how" != try ] || exit 0
	echo "Packages are lacking. This installs them; then try again:" >&2
	echo "    sudo apt-get install --no-install-recommends $lacking" >&2
	exit 1
fi

echo "installing $lacking"
apt-get update -q -o Acquire::Retries="$retries" </dev/null ||
	echo "the package lists could not be renewed; trying the old ones" >&2
# shellcheck disable=SC2086
if [ "$how" = try ]; then
	install_what_can_be_had $lacking
else
	apt-get install -q -y --no-install-recommends $lacking </dev/null
fi
