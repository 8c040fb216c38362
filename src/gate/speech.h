/* SPDX-License-Identifier: ISC */
/* What clients are told before they are served, or instead of it (config/banner.h). It is sent as
 * far as the kernel takes it, which mostly is at once; who does not take the rest in two seconds
 * is not waited for. What a client sends stays unread for whoever serves it. */
#ifndef REEVE_GATE_SPEECH_H
#define REEVE_GATE_SPEECH_H

#include "gate/entrance.h"

/* Is there anything to say in that value of a key? */
bool speech_has(const char *value);

/* Say it, with that verdict's reason. Whatever comes after it comes after its last byte. */
enum passage speech_say(struct entrant *entrant, const char *value, enum verdict verdict);

/* Say it now or not at all: what was not taken of it, malloc'ed, for speech_say_rest; its length is
 * 0 if all was, or if there is no memory for it. */
char *speech_try(const struct entrant *entrant, const char *value, enum verdict verdict,
	size_t *ret_length);
enum passage speech_say_rest(struct entrant *entrant, const char *rest, size_t length);

/* Say that rest now, to who is refused. False: not all was taken, and nothing may follow it. */
bool speech_try_rest(const struct entrant *entrant, const char *rest, size_t length);

/* Say banner_fail and end: its place is free at once, and the client gets a while to read. */
void speech_dismiss(struct entrant *entrant, enum verdict verdict);

#endif
