/* SPDX-License-Identifier: ISC */
/* Reasons are values: why a client is let in or not, and why a connection ended. One word for
 * one thing in logs, metrics and manual. */
#ifndef REEVE_VERDICT_H
#define REEVE_VERDICT_H

enum verdict {
	VERDICT_ADMIT,
#define VERDICT(name, word, answer, told, sentence) VERDICT_##name,
#include "base/verdicts.def"
#undef VERDICT
	VERDICT_COUNT
};

/* Which key of a service says how such a verdict is answered. */
enum verdict_answer { VERDICT_NOT, VERDICT_AT_LIMIT, VERDICT_REFUSE_WITH };

enum ending {
#define ENDING(name, word, sentence) ENDING_##name,
#include "base/endings.def"
#undef ENDING
	ENDING_COUNT
};

/* The word of the row; never NULL. */
const char *verdict_word(enum verdict verdict);
const char *ending_word(enum ending ending);

/* How it is answered, and what a client is told of it; a text in any case. */
enum verdict_answer verdict_answer(enum verdict verdict);
const char *verdict_told(enum verdict verdict);

#endif
