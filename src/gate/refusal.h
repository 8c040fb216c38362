/* SPDX-License-Identifier: ISC */
/* What a refused client finds: the end, a reset, a banner, the tarpit. Which verdict is answered by
 * which key of its service stands in base/verdicts.def. */
#ifndef REEVE_GATE_REFUSAL_H
#define REEVE_GATE_REFUSAL_H

#include "gate/entrance.h"

/* Its refusal has been counted and told: answer it. The entrant, and what it holds, is not the
 * caller's any more. */
void refusal_answer(struct entrant *entrant, enum verdict verdict);

/* Count it, tell it, answer it. */
void refusal_refuse(struct entrant *entrant, enum verdict verdict);

#endif
