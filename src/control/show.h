/* SPDX-License-Identifier: ISC */
/* What the daemon has answered, for people. Texts are made harmless for the terminal: the daemon
 * has many of them from strangers. */
#ifndef REEVE_CONTROL_SHOW_H
#define REEVE_CONTROL_SHOW_H

#include "control/verbs.h"
#include "model/varlink.h"

/* Members of a reply: a number (0) or a text ("") also if it is not there. */
long long show_number(const json_t *object, const char *name);
const char *show_text(const json_t *object, const char *name);

/* "3d 4h", "5m 12s", "1.2s". */
void show_duration(long long ms, char *ret_text, size_t room);

/* The parameters of a reply as they came, on one line. An exit status. */
int show_json(const json_t *reply);

/* An error that brings mistakes of a configuration: print them; false: it is another error. */
bool show_mistakes(const struct varlink_message *reply);

/* One function for each verb that asks the daemon: prints a reply, gives the exit status. */
#define VERB(word, ...) int show_##word(const struct control *control, const json_t *reply);
#define METHOD(...)
#define LOCAL(...)
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL

#endif
