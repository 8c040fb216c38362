/* SPDX-License-Identifier: ISC */
/* Settings by hand: they hold until their time is over or the next reload, which takes the files'
 * word again. One is taken as a configuration is, with everything that can be wrong with it told.
 *
 * What the files say meanwhile must not slip in with it: they are read again, for only they know
 * the places of their rules, and have to say what they said when they were taken. */
#include "supervisor/control.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"
#include "supervisor/reload.h"

#include "effects/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SETTINGS_MAX 64
#define SPAN_MIN_MS 1000
#define SPAN_MAX_MS 2592000000 /* 30 days */
#define TEXT_MAX (256U << 20)
#define BUSY_MS 200    /* a reload is under way: later */
#define STAYS_MS 60000 /* the files have changed: perhaps they change back */

struct hand_setting {
	char *service;
	char *text; /* KEY=VALUE */
	msec until; /* 0: a reload */
	bool stays; /* beyond its time, and that has been told */
	struct hand_setting *next;
};

static struct hand_setting *
setting_free(struct hand_setting *setting)
{
	if (setting == NULL)
		return NULL;
	free(setting->service);
	free(setting->text);
	free(setting);
	return NULL;
}

static struct hand_setting *
setting_new(const char *service, const char *text, msec until)
{
	struct hand_setting *setting = calloc(1, sizeof(*setting));

	if (setting == NULL)
		return NULL;
	setting->service = strdup(service);
	setting->text = strdup(text);
	setting->until = until;
	return setting->service != NULL && setting->text != NULL ? setting : setting_free(setting);
}

static bool
is_same_key(const struct hand_setting *a, const struct hand_setting *b)
{
	size_t length = strcspn(a->text, "=");

	return strcmp(a->service, b->service) == 0 && strcspn(b->text, "=") == length &&
		memcmp(a->text, b->text, length) == 0;
}

/* --- do the files say what they said? */

static int
note_base(struct supervisor *supervisor)
{
	struct control *control = supervisor->control;
	int base_fd;

	if (control->base_fd >= 0)
		return 0;
	base_fd = fcntl(supervisor->services.config_fd, F_DUPFD_CLOEXEC, SPAWN_LOW_FDS);
	if (base_fd < 0)
		return -errno;
	control->base_fd = base_fd;
	return 0;
}

static bool
is_as_before(const struct control *control, const struct config *config)
{
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	const void *before = NULL;
	size_t length = 0;
	bool is_same = config_print(config, &text) == 0 &&
		sealed_map(control->base_fd, &before, &length) == 0 && length == text.length &&
		memcmp(before, text.text, length) == 0;

	if (before != NULL)
		sealed_unmap(before, length);
	textbuf_fini(&text);
	return is_same;
}

/* 0; -EINVAL: they have mistakes; -ESTALE: they say something else. */
static int
check_files(const struct supervisor *supervisor, struct complaint_list *complaints)
{
	struct config *config = reload_load_checked(supervisor, NULL, 0, complaints);
	int error = -EINVAL;

	if (config != NULL)
		error = is_as_before(supervisor->control, config) ? 0 : -ESTALE;
	(void)config_free(config);
	return error;
}

/* --- taking them */

/* Serve the files with the settings that hold, without one of the key of `added` (may be NULL) and
 * without those whose time is over, and with `added`. As reload_settings, or -ESTALE. */
static int
take_settings(struct supervisor *supervisor, const struct hand_setting *added, msec now,
	struct complaint_list *complaints)
{
	struct config_override list[SETTINGS_MAX + 1];
	uint32_t count = 0;
	int error = check_files(supervisor, complaints);

	for (const struct hand_setting *setting = supervisor->control->settings; setting != NULL;
		setting = setting->next)
		if ((setting->until == 0 || setting->until > now) && count < SETTINGS_MAX &&
			(added == NULL || !is_same_key(setting, added)))
			list[count++] = (struct config_override){ setting->service, setting->text };
	if (added != NULL)
		list[count++] = (struct config_override){ added->service, added->text };
	return error < 0 ? error : reload_settings(supervisor, list, count, complaints);
}

static void
drop_those(struct control *control, const struct hand_setting *same, msec now)
{
	struct hand_setting **place = &control->settings;

	while (*place != NULL) {
		struct hand_setting *setting = *place;
		bool is_over = setting->until != 0 && setting->until <= now;

		if (!is_over && (same == NULL || !is_same_key(setting, same))) {
			place = &setting->next;
			continue;
		}
		if (is_over)
			LOG(setting_ended, .service = setting->service, .setting = setting->text);
		*place = setting->next;
		(void)setting_free(setting);
	}
}

static void
wait_for_next_end(struct control *control, msec earliest)
{
	struct loop *loop = control->supervisor->loop;
	msec due = INT64_MAX;

	for (const struct hand_setting *setting = control->settings; setting != NULL;
		setting = setting->next)
		if (setting->until != 0 && setting->until < due)
			due = setting->until;
	if (due == INT64_MAX)
		loop_stop_timer(loop, &control->settings_end);
	else
		(void)loop_set_timer(loop, &control->settings_end, due > earliest ? due : earliest);
}

static void
tell_stays(struct control *control, msec now)
{
	for (struct hand_setting *setting = control->settings; setting != NULL;
		setting = setting->next)
		if (setting->until != 0 && setting->until <= now && !setting->stays) {
			setting->stays = true;
			LOG(setting_stays, .service = setting->service, .setting = setting->text);
		}
}

static void
some_end(struct timer *timer, msec now)
{
	struct control *control = CONTAINER_OF(timer, struct control, settings_end);
	struct complaint_list *complaints = complaint_list_new();
	int error = complaints != NULL ? take_settings(control->supervisor, NULL, now, complaints)
				       : -ENOMEM;

	if (error == 0)
		drop_those(control, NULL, now);
	else if (error != -EBUSY)
		tell_stays(control, now);
	wait_for_next_end(control, now + (error == -EBUSY ? BUSY_MS : STAYS_MS));
	(void)complaint_list_free(complaints);
}

void
control_settings_forget(struct supervisor *supervisor)
{
	struct control *control = supervisor->control;

	while (control->settings != NULL) {
		struct hand_setting *setting = control->settings;

		control->settings = setting->next;
		(void)setting_free(setting);
	}
	loop_stop_timer(supervisor->loop, &control->settings_end);
	if (control->base_fd >= 0)
		(void)close(util_take_fd(&control->base_fd));
}

json_t *
control_describe_settings(const struct supervisor *supervisor, const char *service)
{
	json_t *settings = json_array();

	for (const struct hand_setting *setting = supervisor->control->settings; setting != NULL;
		setting = setting->next) {
		msec left = setting->until - loop_now(supervisor->loop);

		if (strcmp(setting->service, service) == 0)
			(void)json_array_append_new(settings,
				json_pack("{s:o, s:o*}", "setting", control_string(setting->text),
					"left_ms",
					setting->until != 0
						? json_integer((json_int_t)(left > 0 ? left : 0))
						: NULL));
	}
	return settings;
}

/* --- the call */

static uint32_t
count_settings(const struct control *control)
{
	uint32_t count = 0;

	for (const struct hand_setting *setting = control->settings; setting != NULL;
		setting = setting->next)
		count++;
	return count;
}

static void
fail(struct control_peer *peer, int error, const struct complaint_list *complaints)
{
	switch (error) {
	case -EINVAL:
		control_fail_mistakes(peer, complaints);
		break;
	case -ESTALE:
		control_fail_reason(peer,
			"the files have changed since they were taken: reload first");
		break;
	case -EBUSY:
		control_fail_reason(peer, "a reload is under way: try again");
		break;
	default:
		control_fail_reason(peer, strerror(-error));
		break;
	}
}

static void
set(struct control_peer *peer, struct hand_setting *setting, msec span)
{
	struct supervisor *supervisor = peer->supervisor;
	struct control *control = supervisor->control;
	struct complaint_list *complaints = complaint_list_new();
	msec now = loop_now(supervisor->loop);
	int error = complaints != NULL ? note_base(supervisor) : -ENOMEM;

	if (error == 0)
		error = take_settings(supervisor, setting, now, complaints);
	if (error < 0) {
		fail(peer, error, complaints);
		(void)setting_free(setting);
		if (control->settings == NULL)
			control_settings_forget(supervisor);
	} else {
		drop_those(control, setting, now);
		LOG(setting_changed, .service = setting->service, .setting = setting->text,
			.duration_ms = span);
		setting->next = control->settings;
		control->settings = setting;
		control->settings_end.expired = some_end;
		wait_for_next_end(control, now);
	}
	(void)complaint_list_free(complaints);
}

void
control_do_set(struct control_peer *peer)
{
	struct supervisor *supervisor = peer->supervisor;
	const struct served *served = control_find_service(peer, control_text(peer, "service"));
	int64_t span = control_number(peer, "for_ms", 0);
	bool has_span = json_is_integer(json_object_get(peer->call.parameters, "for_ms"));
	struct hand_setting *setting;

	if (served == NULL)
		return;
	if (has_span && (span < SPAN_MIN_MS || span > SPAN_MAX_MS)) {
		control_fail_parameter(peer, "for_ms");
		return;
	}
	if (count_settings(supervisor->control) >= SETTINGS_MAX) {
		control_fail_reason(peer, "there are 64 settings by hand already");
		return;
	}
	setting = setting_new(served->name, control_text(peer, "setting"),
		has_span ? loop_now(supervisor->loop) + span : 0);
	if (setting == NULL)
		peer->is_broken = true;
	else
		set(peer, setting, span);
}
