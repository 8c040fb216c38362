/* SPDX-License-Identifier: ISC */
/* What a confined process may ask of the kernel, as tables: for the files that have one, and for
 * sandbox.c, which shuts the door. */
#ifndef REEVE_SANDBOX_TABLE_H
#define REEVE_SANDBOX_TABLE_H

#include "effects/sandbox.h"

#include <seccomp.h>
#include <sys/mman.h>

enum need {
	ALWAYS,
	SANITIZED,   /* the sanitizers' runtime alone asks for it */
	UNSANITIZED, /* their runtime asks for more: the first table has it */
};

struct allowed {
	int number;
	enum need need;
	const char *reason;
};

#define CALL(name) SCMP_SYS(name)

/* Allowed only if one or two arguments are so. */
struct allowed_so {
	int number;
	enum need need;
	unsigned count;
	struct scmp_arg_cmp arguments[2];
	const char *reason;
};

/* The kernel looks at 32 bits of these; what is above them in the register may be anything. */
#define IS(argument, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, 0xffffffff, value)
#define NO_CODE SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)

struct sandbox {
	const struct allowed *calls;
	size_t call_count;
	const struct allowed_so *calls_so;
	size_t call_so_count;
	const struct allowed *denied; /* not ended, but told EPERM: what libraries can do without */
	size_t denied_count;
	const char *const *readable; /* files and folders, ended by a NULL; NULL: none */
	bool may_connect;
};

int sandbox_enter_by(const struct sandbox *sandbox, const char **ret_part);

#endif
