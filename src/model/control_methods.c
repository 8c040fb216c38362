/* SPDX-License-Identifier: ISC */
/* The control socket's methods: found, checked, described. */
#include "model/control_methods.h"

#include <errno.h>
#include <string.h>

#define PARAMETER(name, kind, presence, place, word, help) \
	{ #name, CONTROL_##kind, CONTROL_##presence, CONTROL_##place, word, help },
#define VERB(word, method, right, replies, parameters, ...)                          \
	static const struct control_parameter parameters_of_##word[] = { parameters{ \
		.name = NULL } };
#define METHOD VERB
/* Not by VERB: what was expanded once has commas. */
#define LOCAL(word, parameters, help)                                                \
	static const struct control_parameter parameters_of_##word[] = { parameters{ \
		.name = NULL } };
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL
#undef PARAMETER

#define ROW(word, has_word, method, right, replies, reply, help)                                 \
	[CONTROL_VERB_##word] = { CONTROL_VERB_##word, has_word, #word, method, CONTROL_##right, \
		CONTROL_##replies, parameters_of_##word, reply, help },
#define VERB(word, method, right, replies, parameters, reply, help) \
	ROW(word, true, #method, right, replies, reply, help)
#define METHOD(word, method, right, replies, parameters, reply, help) \
	ROW(word, false, #method, right, replies, reply, help)
#define LOCAL(word, parameters, help) ROW(word, true, NULL, LOOK, ONE, NULL, help)
static const struct control_verb verbs[] = {
#include "model/control_verbs.def"
};
#undef VERB
#undef METHOD
#undef LOCAL
#undef ROW

const struct control_verb *
control_verb_get(enum control_id id)
{
	return &verbs[id];
}

const struct control_verb *
control_verb_by_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].is_word && strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	return NULL;
}

const struct control_verb *
control_verb_by_method(const char *method)
{
	static const char prefix[] = CONTROL_INTERFACE ".";

	if (strncmp(method, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].method != NULL &&
			strcmp(verbs[i].method, method + sizeof(prefix) - 1) == 0)
			return &verbs[i];
	return NULL;
}

static bool
is_of_kind(enum control_kind kind, const json_t *value)
{
	switch (kind) {
	case CONTROL_STRING:
		return json_is_string(value);
	case CONTROL_INT:
	case CONTROL_DURATION:
		return json_is_integer(value);
	case CONTROL_FLAG:
		return json_is_boolean(value);
	}
	return false;
}

static const struct control_parameter *
find_parameter(const struct control_verb *verb, const char *name)
{
	const struct control_parameter *parameter = verb->parameters;

	while (parameter->name != NULL && strcmp(parameter->name, name) != 0)
		parameter++;
	return parameter->name != NULL ? parameter : NULL;
}

const char *
control_wrong_parameter(const struct control_verb *verb, json_t *parameters)
{
	const char *name;
	json_t *value;

	json_object_foreach (parameters, name, value) {
		const struct control_parameter *parameter = find_parameter(verb, name);

		if (parameter == NULL ||
			(!json_is_null(value) && !is_of_kind(parameter->kind, value)))
			return name;
	}
	for (const struct control_parameter *parameter = verb->parameters; parameter->name != NULL;
		parameter++) {
		value = json_object_get(parameters, parameter->name);
		if (parameter->presence == CONTROL_NEEDED && (value == NULL || json_is_null(value)))
			return parameter->name;
	}
	return NULL;
}

/* --- descriptions */

static const char varlink_description[] =
	"# What every service has that speaks Varlink.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Who is it, and which interfaces does it have?\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
	"interfaces: []string)\n"
	"\n"
	"# One interface in the language that this is written in.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound(interface: string)\n"
	"error MethodNotFound(method: string)\n"
	"error MethodNotImplemented(method: string)\n"
	"error InvalidParameter(parameter: string)\n"
	"error PermissionDenied()\n"
	"error ExpectedMore()\n";

static const char *
type_of_kind(enum control_kind kind)
{
	switch (kind) {
	case CONTROL_STRING:
		return "string";
	case CONTROL_INT:
	case CONTROL_DURATION:
		return "int";
	case CONTROL_FLAG:
		break;
	}
	return "bool";
}

static void
describe_method(struct textbuf *text, const struct control_verb *verb)
{
	textbuf_addf(text, "\n# %s.\n# %s\n", verb->help,
		verb->right == CONTROL_LOOK ? "Who may look may call it."
					    : "Only root and the daemon's own user may call it.");
	if (verb->replies == CONTROL_MANY)
		textbuf_add(text, "# Called with \"more\" it goes on.\n");
	for (const struct control_parameter *parameter = verb->parameters; parameter->name != NULL;
		parameter++)
		textbuf_addf(text, "# %s: %s\n", parameter->name, parameter->help);
	textbuf_addf(text, "method %s(", verb->method);
	for (const struct control_parameter *parameter = verb->parameters; parameter->name != NULL;
		parameter++)
		textbuf_addf(text, "%s%s: %s%s", parameter == verb->parameters ? "" : ", ",
			parameter->name, parameter->presence == CONTROL_NEEDED ? "" : "?",
			type_of_kind(parameter->kind));
	textbuf_addf(text, ") -> (%s)\n", verb->reply);
}

static void
describe_control(struct textbuf *text)
{
	textbuf_add(text,
		"# Look at a running reeved, and steer it.\ninterface " CONTROL_INTERFACE "\n");
#define TYPE(name, members, help) textbuf_add(text, "\n# " help "\ntype " #name " (" members ")\n");
#define ERROR(name, members, help)
#include "model/control_types.def"
#undef TYPE
#undef ERROR
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].method != NULL)
			describe_method(text, &verbs[i]);
#define TYPE(name, members, help)
#define ERROR(name, members, help) \
	textbuf_add(text, "\n# " help "\nerror " #name "(" members ")\n");
#include "model/control_types.def"
#undef TYPE
#undef ERROR
}

int
control_describe(const char *interface, struct textbuf *text)
{
	if (strcmp(interface, "org.varlink.service") == 0)
		textbuf_add(text, varlink_description);
	else if (strcmp(interface, CONTROL_INTERFACE) == 0)
		describe_control(text);
	else
		return -ENOENT;
	return textbuf_error(text);
}
