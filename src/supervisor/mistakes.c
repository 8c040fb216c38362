/* SPDX-License-Identifier: ISC */
/* Complaints of a start and of a reload. */
#include "supervisor/mistakes.h"

#include "config/keys.h"
#include "config/value.h"

#include <stdio.h>

#define COMPLAINTS_TEXT_MAX (4U << 20)

void
mistakes_show(const struct complaint_list *complaints)
{
	struct textbuf text = TEXTBUF_INIT(COMPLAINTS_TEXT_MAX);

	complaint_list_show(complaints, &text);
	if (text.text != NULL)
		(void)fputs(text.text, stderr);
	(void)fprintf(stderr, "%zu complaint%s; nothing was started\n", complaint_count(complaints),
		PLURAL(complaint_count(complaints)));
	textbuf_fini(&text);
}

void
mistakes_log(const struct complaint_list *complaints)
{
	for (size_t i = 0; i < complaint_count(complaints); i++) {
		const char *message = complaint_message(complaints, i);

		if (message == NULL)
			break;
		LOG(config_mistake, .complaint = message);
	}
	LOG(reload_refused, .complaints = (int64_t)complaint_count(complaints));
}

void
mistakes_warn_of_restart(const struct config_daemon *now, const struct config_daemon *wanted)
{
	size_t count;
	const struct key *keys = keys_all(&count);
	char name[64];

	for (const struct key *key = keys; key < keys + count; key++) {
		if (!key_is_daemon(key) || key->reload == KEY_LIVE ||
			key_is_equal(key, now, wanted))
			continue;
		(void)snprintf(name, sizeof(name), "daemon.%s", key->name);
		LOG(needs_restart, .key = name);
	}
}
