/* SPDX-License-Identifier: ISC */
/* The words of verdicts and endings. */
#include "base/verdict.h"

#include <stddef.h>

static const char *const verdict_words[] = {
	[VERDICT_ADMIT] = "admit",
#define VERDICT(name, word, answer, told, sentence) [VERDICT_##name] = word,
#include "base/verdicts.def"
#undef VERDICT
};

static const enum verdict_answer verdict_answers[] = {
#define VERDICT(name, word, answer, told, sentence) [VERDICT_##name] = VERDICT_##answer,
#include "base/verdicts.def"
#undef VERDICT
};

static const char *const verdicts_told[] = {
#define VERDICT(name, word, answer, told, sentence) [VERDICT_##name] = (told),
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

enum verdict_answer
verdict_answer(enum verdict verdict)
{
	return verdict < VERDICT_COUNT ? verdict_answers[verdict] : VERDICT_NOT;
}

const char *
verdict_told(enum verdict verdict)
{
	const char *told = verdict < VERDICT_COUNT ? verdicts_told[verdict] : NULL;

	return told ? told : "";
}

const char *
ending_word(enum ending ending)
{
	return ending < ENDING_COUNT ? ending_words[ending] : "unknown";
}
