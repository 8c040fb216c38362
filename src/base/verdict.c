/* SPDX-License-Identifier: ISC */
/* The words of verdicts and endings. */
#include "base/verdict.h"

static const char *const verdict_words[] = {
	[VERDICT_ADMIT] = "admit",
#define VERDICT(name, word, sentence) [VERDICT_##name] = word,
#include "base/verdicts.def"
#undef VERDICT
};

static const char *const ending_words[] = {
#define ENDING(name, word, sentence) [ENDING_##name] = word,
#include "base/endings.def"
#undef ENDING
};

const char *
verdict_word(enum verdict verdict)
{
	return verdict < VERDICT_COUNT ? verdict_words[verdict] : "unknown";
}

const char *
ending_word(enum ending ending)
{
	return ending < ENDING_COUNT ? ending_words[ending] : "unknown";
}
