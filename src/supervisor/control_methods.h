/* SPDX-License-Identifier: ISC */
/* What does each method of control_verbs.def. The files are named after what they are about. */
#ifndef REEVE_SUPERVISOR_CONTROL_METHODS_H
#define REEVE_SUPERVISOR_CONTROL_METHODS_H

#include "supervisor/control_peer.h"

#define VERB(word, ...) void control_do_##word(struct control_peer *peer);
#define METHOD(word, ...) void control_do_##word(struct control_peer *peer);
#define LOCAL(...)
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL

#endif
