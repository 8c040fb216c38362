/* SPDX-License-Identifier: ISC */
/* The rows of control_verbs.def at run time: who may call what, with which parameters, and how the
 * interfaces are described to those who ask. */
#ifndef REEVE_CONTROL_METHODS_H
#define REEVE_CONTROL_METHODS_H

#include "base/textbuf.h"

#include <jansson.h>

#define CONTROL_INTERFACE "io.reeve.Control"
#define CONTROL_ERROR(name) CONTROL_INTERFACE "." name
#define CONTROL_SOCKET "control.sock" /* in the run folder */
#define CONTROL_GROUP "reeve"         /* whose members may look */

enum control_id {
#define VERB(word, ...) CONTROL_VERB_##word,
#define METHOD(word, ...) CONTROL_VERB_##word,
#define LOCAL(word, ...) CONTROL_VERB_##word,
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL
	CONTROL_VERB_COUNT
};

enum control_right { CONTROL_LOOK, CONTROL_CHANGE };
enum control_replies { CONTROL_ONE, CONTROL_MANY };
enum control_kind { CONTROL_STRING, CONTROL_INT, CONTROL_FLAG, CONTROL_DURATION };
enum control_presence { CONTROL_OPTIONAL, CONTROL_NEEDED };
enum control_place { CONTROL_OPERAND, CONTROL_OPTION };

struct control_parameter {
	const char *name; /* NULL: there are no more */
	enum control_kind kind;
	enum control_presence presence;
	enum control_place place;
	const char *word;
	const char *help;
};

struct control_verb {
	enum control_id id;
	bool is_word; /* of reevectl */
	const char *word;
	const char *method; /* without the interface; NULL: the daemon is not asked */
	enum control_right right;
	enum control_replies replies;
	const struct control_parameter *parameters;
	const char *reply;
	const char *help;
};

const struct control_verb *control_verb_get(enum control_id id);

/* By the word of reevectl, by the method's whole name. NULL: there is none. */
const struct control_verb *control_verb_by_word(const char *word);
const struct control_verb *control_verb_by_method(const char *method);

/* Are these the parameters of the method, each of its kind? NULL, or the name of the first that is
 * wrong, unknown or lacking. One that is null is one that is not there. */
const char *control_wrong_parameter(const struct control_verb *verb, json_t *parameters);

/* An interface in Varlink's language. 0, -ENOENT if we have none of that name, or the text's
 * error. */
int control_describe(const char *interface, struct textbuf *text);

#endif
