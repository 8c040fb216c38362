/* SPDX-License-Identifier: ISC */
/* A call that came over the control socket: read, judged, and given to what does it. */
#include "supervisor/control_methods.h"

#include <errno.h>
#include <string.h>

#define DESCRIPTION_MAX (256U << 10)

static void (*const methods[CONTROL_VERB_COUNT])(struct control_peer *peer) = {
#define VERB(word, ...) [CONTROL_VERB_##word] = control_do_##word,
#define METHOD(word, ...) [CONTROL_VERB_##word] = control_do_##word,
#define LOCAL(...)
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL
};

static void
get_info(struct control_peer *peer)
{
	control_answer(peer,
		json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "reeve", "product", "reeved",
			"version", REEVE_VERSION, "url", "man:reeved(8)", "interfaces",
			"org.varlink.service", CONTROL_INTERFACE));
}

static void
get_description(struct control_peer *peer)
{
	const char *interface = control_text(peer, "interface");
	struct textbuf text = TEXTBUF_INIT(DESCRIPTION_MAX);
	int error;

	if (interface == NULL || json_object_size(peer->call.parameters) != 1) {
		control_fail_parameter(peer, "interface");
		return;
	}
	error = control_describe(interface, &text);
	if (error == -ENOENT)
		control_fail(peer, VARLINK_ERROR("InterfaceNotFound"),
			json_pack("{s:s}", "interface", interface));
	else
		control_answer(peer,
			error == 0 ? json_pack("{s:s}", "description", text.text) : NULL);
	textbuf_fini(&text);
}

/* An interface that we have, named by the beginning of a method's name with the dot behind it? */
static bool
is_interface(const char *known, const char *method, size_t length)
{
	return strlen(known) == length && memcmp(known, method, length) == 0;
}

/* Neither a method of ours nor one that every service has. */
static void
fail_unknown(struct control_peer *peer)
{
	const char *method = peer->call.method;
	const char *dot = strrchr(method, '.');
	size_t length = dot != NULL ? (size_t)(dot + 1 - method) : 0;

	if (is_interface(CONTROL_ERROR(""), method, length) ||
		is_interface(VARLINK_ERROR(""), method, length))
		control_fail(peer, VARLINK_ERROR("MethodNotFound"),
			json_pack("{s:s}", "method", method));
	else
		control_fail(peer, VARLINK_ERROR("InterfaceNotFound"),
			json_pack("{s:s%}", "interface", method, length > 0 ? length - 1 : 0));
}

static void
call_method(struct control_peer *peer, const struct control_verb *verb)
{
	const char *wrong = control_wrong_parameter(verb, peer->call.parameters);

	peer->verb = verb;
	if (verb->right == CONTROL_CHANGE && peer->right != CONTROL_CHANGE) {
		LOG(control_refused, .method = verb->method, .uid = peer->who.uid,
			.pid = peer->who.pid);
		control_fail(peer, VARLINK_ERROR("PermissionDenied"), NULL);
		return;
	}
	if (wrong != NULL) {
		control_fail_parameter(peer, wrong);
		return;
	}
	if (verb->right == CONTROL_CHANGE)
		LOG(control_called, .method = verb->method, .uid = peer->who.uid,
			.pid = peer->who.pid);
	methods[verb->id](peer);
}

void
control_dispatch(struct control_peer *peer, const char *text, size_t length)
{
	const struct control_verb *verb;
	const char *wrong = NULL;

	/* What is no call has no answer either: there is nothing to say what it is an answer to. */
	if (varlink_read_call(&peer->call, text, length, &wrong) < 0) {
		peer->is_broken = true;
		return;
	}
	verb = control_verb_by_method(peer->call.method);
	if (peer->call.wants_upgrade)
		control_fail(peer, VARLINK_ERROR("MethodNotImplemented"),
			json_pack("{s:s}", "method", peer->call.method));
	else if (verb != NULL)
		call_method(peer, verb);
	else if (strcmp(peer->call.method, VARLINK_ERROR("GetInfo")) == 0)
		get_info(peer);
	else if (strcmp(peer->call.method, VARLINK_ERROR("GetInterfaceDescription")) == 0)
		get_description(peer);
	else
		fail_unknown(peer);
}
