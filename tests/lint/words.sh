#!/bin/sh
# SPDX-License-Identifier: ISC
# No notes to do something later (an issue or nothing), no test that sleeps to wait.
set -eu

status=0
texts() {
	find . \( -name .git -o -name 'build*' -o -path ./tests/fuzz/corpus -o -path ./tests/lint \) -prune \
		-o -type f -print
}
if texts | xargs grep -nwE 'TODO|FIXME|XXX|HACK'; then
	echo "notes like these belong into an issue"
	status=1
fi
# The end-to-end runner looks again and again, up to a deadline, for what nothing reports, in one
# place each, which the claims use. A pause that is no waiting says on its line what it is.
if find tests \( -name '*.[ch]' -o -name '*.py' \) ! -path tests/e2e/harness.py ! -path tests/e2e/run.py \
	-print0 | xargs -0 -r grep -nE \
	'(^|[^A-Za-z_])(time\.sleep|sleep|usleep|nanosleep|clock_nanosleep) *\(' |
	grep -vE '(#|/\*) [a-z]+'; then
	echo "tests wait for what they need, not for time to pass"
	status=1
fi
exit $status
