/* LINK: src/effects/sockdiag.o */
/* SPDX-License-Identifier: ISC */
/* Any bytes as a message of the kernel's: refused, passed over, or read within their length. The
 * first byte says whether it is an answer or a notice. */
#include "effects/sockdiag.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct sockdiag facts = { .cookie = 1, .state = 99 };
	const struct sockdiag before = facts;
	auto_free uint8_t *message = NULL; /* of its own length, so that a sanitizer sees more */
	int result;

	if (length == 0 || length > 65536)
		return 0;
	message = malloc(length); /* never of 0 */
	if (message == NULL)
		return 0;
	memcpy(message, bytes + 1, length - 1);
	result = sockdiag_parse(message, length - 1, bytes[0], &facts);
	if (result > 1 || result < -4095)
		abort();
	if (result <= 0 && memcmp(&facts, &before, sizeof(facts)) != 0)
		abort();
	if (result == 1 && facts.is_fin_taken && !facts.has_counters)
		abort();
	return 0;
}
