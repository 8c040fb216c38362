/* SPDX-License-Identifier: ISC */
/* The confinement of gates: what is still possible once nothing but serving is left to do. */
#ifndef REEVE_SANDBOX_H
#define REEVE_SANDBOX_H

#include "base/util.h"

/* Shut the door: no new privileges, not dumpable, Landlock without any right to any file
 * (where the kernel has it), then the seccomp filter: only the system calls of sandbox.c's
 * table and of sandbox_rows.def, each with its reason there; any other ends the process with
 * SIGSYS. Then it checks that the door is shut. Irreversible.
 *
 * 0: all of it. Otherwise -errno, *ret_part names the part; `landlock` alone may be lacking
 * (-ENOSYS, -EOPNOTSUPP, *ret_part "landlock"): the rest is shut then, and it is for the caller
 * to report and go on. After any other failure the caller must end. */
int sandbox_enter(const char **ret_part);

/* The same for the resolver (sandbox_resolver.c), which asks the DNS, and reads files of /etc. */
int sandbox_enter_resolver(const char **ret_part);

#endif
