/* SPDX-License-Identifier: ISC */
/* Watching the gates, and being watched. */
#include "supervisor/watchdog.h"

#include "supervisor/gates.h"

#include <sys/param.h>

/* How long a gate may hang, without a manager that wants to know sooner. */
#define PATIENCE_MS 30000

/* So often within its patience a manager is told, and gates are asked within theirs. */
#define ROUNDS 5

/* A gate that is being replaced is one that lives, for so many patiences. */
#define REPLACING 2

static bool
is_late(const struct supervised_gate *gate, msec now)
{
	return gate->asked != 0 && now - gate->asked >= gate->supervisor->watchdog.patience;
}

static void
ask(struct supervised_gate *gate, msec now)
{
	const struct message_ping body = { .unused = 0 };

	if (is_late(gate, now)) {
		gate->asked = 0;
		gate_lied(gate, channel_message_name(MESSAGE_ping), "it did not answer in time");
		return;
	}
	/* One that takes no message now is behind, and will be asked again; it is late all the
	 * same if that goes on. */
	if (gate->asked == 0) {
		gate->asked = now;
		if (channel_send(gate->channel.fd, MESSAGE_ping, &body, NULL, 0, NULL, 0) == 0)
			gate->was_asked = true;
	} else if (!gate->was_asked &&
		channel_send(gate->channel.fd, MESSAGE_ping, &body, NULL, 0, NULL, 0) == 0) {
		gate->was_asked = true;
	}
}

static void
look(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, watchdog.timer);
	struct watchdog *watchdog = &supervisor->watchdog;
	bool is_alive = supervisor->is_stopping || !supervisor->is_ready;
	/* If we have stood still ourselves, the answers are there, unread. */
	bool was_away = now - watchdog->looked > 2 * watchdog->patience / ROUNDS;

	watchdog->looked = now;
	for (uint32_t i = 0; i < supervisor->gate_count; i++) {
		struct supervised_gate *gate = &supervisor->gates[i];

		if (gate->phase != CHANNEL_SERVE || gate->channel.fd < 0)
			continue;
		if (was_away && gate->asked != 0)
			gate->asked = now;
		is_alive = is_alive || !is_late(gate, now);
		ask(gate, now);
	}
	if (is_alive)
		watchdog->alive = now;
	if (watchdog->is_wanted && now - watchdog->alive < REPLACING * watchdog->patience)
		notify_watchdog();
	/* Without memory for the timer the manager will start us anew, with some. */
	(void)loop_set_timer(supervisor->loop, timer, now + watchdog->patience / ROUNDS);
}

void
watchdog_begin(struct supervisor *supervisor)
{
	struct watchdog *watchdog = &supervisor->watchdog;
	msec wanted = notify_watchdog_ms();

	watchdog->is_wanted = wanted > 0;
	watchdog->patience = wanted > 0 ? MAX(MIN(wanted / 2, PATIENCE_MS), ROUNDS) : PATIENCE_MS;
	watchdog->timer.expired = look;
	watchdog->alive = watchdog->looked = loop_now(supervisor->loop);
	look(&watchdog->timer, watchdog->alive);
}

void
watchdog_answered(struct supervised_gate *gate)
{
	gate->asked = 0;
	gate->was_asked = false;
}
