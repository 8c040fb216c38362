/* SPDX-License-Identifier: ISC */
/* What is written of services: words that there are. And what only one of the log's places
 * reads. */
#include "base/log_policy.h"
#include "config/check.h"
#include "config/keys.h"

#include <string.h>

static void
complain_of_word(struct check *check, const struct where *where, const char *key,
	enum log_list list, const char *word)
{
	const char *names[LOG_WORD_COUNT + 1];
	struct textbuf wanted = TEXTBUF_INIT(1024);
	const char *nearest;

	if (strcmp(word, "USERID") == 0) {
		complain(check->complaints, where, key,
			"USERID asks the client's own host who its user is (RFC 1413), which "
			"answers what it likes and lets everybody wait for it; reeve does not ask");
		return;
	}
	log_policy_names(list, names);
	for (const char **name = names; *name != NULL; name++)
		textbuf_addf(&wanted, "%s%s", name > names ? ", " : "", *name);
	nearest = complaint_nearest(word, names);
	complain(check->complaints, where, key, "\"%.60s\" is no word of it; wanted: %s%s%s%s",
		word, wanted.text != NULL ? wanted.text : "",
		nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "\"?" : "");
	textbuf_fini(&wanted);
}

static void
check_words(struct check *check, const struct service_config *service, size_t place,
	enum log_list list, char *const *word)
{
	for (; word != NULL && *word != NULL; word++)
		if (log_policy_word(list, *word) < 0)
			complain_of_word(check, key_place_where(service, place),
				keys_find_service(place)->name, list, *word);
}

void
check_service_log(struct check *check, const struct service_config *service)
{
	check_words(check, service, KEY_PLACE_log_on_success, LOG_LIST_SUCCESS,
		service->keys->log_on_success);
	check_words(check, service, KEY_PLACE_log_on_failure, LOG_LIST_FAILURE,
		service->keys->log_on_failure);
}

void
check_daemon_log(struct check *check)
{
	const struct config *config = check->config;

	if (config->daemon.log_file != NULL && config->daemon.log != CONFIG_LOG_JSON)
		complain(check->complaints, &config->daemon_where[KEY_PLACE_log_file],
			"daemon.log_file", "only log = \"json\" writes to a file");
}
