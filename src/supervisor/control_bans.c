/* SPDX-License-Identifier: ISC */
/* Bans, looked at and changed by hand. */
#include "supervisor/bans.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"

#include "model/ban_text.h"

#include <errno.h>

#define BANS_AT_ONCE 512
#define SPAN_MS 86400000 /* of a ban without a time: a day */

static json_t *
describe(const struct supervisor *supervisor, const struct ban *ban)
{
	char text[BAN_SOURCE_TEXT_MAX];

	return json_pack("{s:s, s:o*, s:s, s:I, s:I}", "source",
		ban_source_write(&ban->source, text), "service",
		ban->service != NULL ? control_string(ban->service) : NULL, "cause", ban_cause(ban),
		"left_ms", (json_int_t)(ban->until - loop_now(supervisor->loop)), "made_for_ms",
		(json_int_t)ban->span);
}

/* From the place peer->awaited on. One that is lifted meanwhile moves another one to its place, so
 * that one may be told twice, or not at all, to who takes them in pieces. */
static json_t *
describe_next(struct control_peer *peer)
{
	const struct supervisor *supervisor = peer->supervisor;
	size_t count = bans_count(supervisor);
	json_t *bans = json_array();

	for (size_t i = 0; i < BANS_AT_ONCE && peer->awaited < count; i++, peer->awaited++) {
		const struct ban *ban = bans_at(supervisor, peer->awaited);

		if (ban->until > loop_now(supervisor->loop))
			(void)json_array_append_new(bans, describe(supervisor, ban));
	}
	return json_pack("{s:o, s:I}", "bans", bans, "left",
		(json_int_t)(peer->awaited < count ? count - peer->awaited : 0));
}

static void
list_more(struct control_peer *peer)
{
	json_t *next = describe_next(peer);

	if (peer->awaited < bans_count(peer->supervisor))
		control_add_answer(peer, next);
	else
		control_answer(peer, next);
}

void
control_do_bans(struct control_peer *peer)
{
	peer->awaited = 0;
	if (peer->call.wants_more)
		peer->go_on = list_more;
	else
		control_answer(peer, describe_next(peer));
}

void
control_do_ban(struct control_peer *peer)
{
	const char *service = control_text(peer, "service");
	const char *problem = NULL;
	int error;

	if (service != NULL && control_find_service(peer, service) == NULL)
		return;
	error = bans_add(peer->supervisor, control_text(peer, "source"), service,
		control_number(peer, "for_ms", SPAN_MS), &problem);
	if (error == -EINVAL)
		control_fail_reason(peer, problem);
	else if (error < 0)
		control_fail_reason(peer, "there is no room for another ban");
	else
		control_answer(peer, json_object());
}

void
control_do_unban(struct control_peer *peer)
{
	const char *problem = NULL;
	size_t count = 0;

	if (bans_remove(peer->supervisor, control_text(peer, "source"),
		    control_text(peer, "service"), &count, &problem) < 0)
		control_fail_reason(peer, problem);
	else if (count == 0)
		control_fail_reason(peer, "nobody is banned by that");
	else
		control_answer(peer, json_pack("{s:I}", "lifted", (json_int_t)count));
}
