/* SPDX-License-Identifier: ISC */
/* Reloads that somebody waits for, and what one would do. */
#include "supervisor/control.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"
#include "supervisor/reload.h"

#include <stdio.h>

#define COMPLAINTS_TEXT_MAX (1U << 20)

void
control_fail_mistakes(struct control_peer *peer, const struct complaint_list *complaints)
{
	struct textbuf text = TEXTBUF_INIT(COMPLAINTS_TEXT_MAX);
	json_t *messages = json_array();
	const char *message;

	for (size_t i = 0; (message = complaint_message(complaints, i)) != NULL; i++)
		(void)json_array_append_new(messages, control_string(message));
	complaint_list_show(complaints, &text);
	control_fail(peer, CONTROL_ERROR("Mistakes"),
		json_pack("{s:I, s:o, s:o}", "count", (json_int_t)complaint_count(complaints),
			"complaints", messages, "text",
			control_string(text.text != NULL ? text.text : "")));
	textbuf_fini(&text);
}

void
control_do_plan(struct control_peer *peer)
{
	struct complaint_list *complaints = complaint_list_new();
	struct config *config = NULL;

	if (complaints != NULL)
		config = reload_load_checked(peer->supervisor, NULL, 0, complaints);
	if (config != NULL)
		control_answer(peer, control_describe_plan(peer->supervisor, config));
	else if (complaints != NULL)
		control_fail_mistakes(peer, complaints);
	else
		peer->is_broken = true;
	(void)config_free(config);
	(void)complaint_list_free(complaints);
}

void
control_do_reload(struct control_peer *peer)
{
	struct supervisor *supervisor = peer->supervisor;

	if (supervisor->is_stopping) {
		control_fail(peer, CONTROL_ERROR("Stopping"), NULL);
		return;
	}
	/* The one that is under way has read the files already; it is the next that is meant. */
	peer->awaited = supervisor->control->reloads + 1;
	reload_ask(supervisor, "reevectl");
}

static struct control_peer *
next_waiting(const struct supervisor *supervisor, const struct control_peer *after)
{
	struct control_peer *peer = control_next_waiting(supervisor, CONTROL_VERB_reload, after);

	while (peer != NULL && peer->awaited > supervisor->control->reloads)
		peer = control_next_waiting(supervisor, CONTROL_VERB_reload, peer);
	return peer;
}

void
control_reload_begins(struct supervisor *supervisor)
{
	supervisor->control->reloads++;
}

void
control_reload_loaded(struct supervisor *supervisor, const struct config *config)
{
	struct control *control = supervisor->control;

	json_decref(control->plan);
	control->plan = NULL;
	if (next_waiting(supervisor, NULL) != NULL)
		control->plan = control_describe_plan(supervisor, config);
}

void
control_reload_refused(struct supervisor *supervisor, const struct complaint_list *complaints)
{
	struct control_peer *peer;

	while ((peer = next_waiting(supervisor, NULL)) != NULL) {
		if (complaints != NULL)
			control_fail_mistakes(peer, complaints);
		else
			control_fail_reason(peer, "there is not enough memory");
	}
}

void
control_reload_ends(struct supervisor *supervisor, const char *problem)
{
	struct control *control = supervisor->control;
	struct control_peer *peer;

	while ((peer = next_waiting(supervisor, NULL)) != NULL) {
		if (problem != NULL)
			control_fail_reason(peer, problem);
		else if (control->plan == NULL)
			control_fail_reason(peer, "it is done; there is no memory to tell what");
		else
			control_answer(peer, json_incref(control->plan));
	}
	json_decref(control->plan);
	control->plan = NULL;
	/* One at a time: whoever has set something waits for this. */
	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_set, NULL)) != NULL) {
		if (problem != NULL)
			control_fail_reason(peer, problem);
		else
			control_answer(peer,
				json_pack("{s:I}", "generation",
					(json_int_t)supervisor->generation));
	}
}

void
control_stopping(struct supervisor *supervisor)
{
	struct control_peer *peer;

	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_reload, NULL)) != NULL)
		control_fail(peer, CONTROL_ERROR("Stopping"), NULL);
	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_set, NULL)) != NULL)
		control_fail(peer, CONTROL_ERROR("Stopping"), NULL);
}
