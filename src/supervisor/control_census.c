/* SPDX-License-Identifier: ISC */
/* Questions to all gates, and their answers. */
#include "supervisor/control_census.h"

#include "supervisor/control.h"
#include "supervisor/control_describe.h"
#include "supervisor/gates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define PATIENCE_MS 3000
#define ROWS_MAX 131072U /* of one gate */

static void
census_free(void *context)
{
	struct control_census *census = context;

	loop_stop_timer(census->peer->supervisor->loop, &census->patience);
	for (uint32_t i = 0; i < census->answer_count; i++)
		if (census->answers[i].memory_fd >= 0)
			(void)close(census->answers[i].memory_fd);
	free(census->answers);
	free(census->rows);
	free(census);
}

static uint32_t
rows_each(const struct supervisor *supervisor)
{
	return supervisor->descriptors < ROWS_MAX ? (uint32_t)supervisor->descriptors : ROWS_MAX;
}

/* Memory that a gate can fill and not grow; what it does not fill takes none. High, for each who
 * asks keeps one for each gate. */
static int
make_memory(size_t size)
{
	auto_close int memory_fd = memfd_create("reeve-census", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int high_fd;

	if (memory_fd < 0 || ftruncate(memory_fd, (off_t)size) < 0 ||
		fcntl(memory_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	high_fd = spawn_move_high(memory_fd);
	if (high_fd >= 0)
		(void)util_take_fd(&memory_fd);
	return high_fd;
}

static int
ask_gate(const struct supervised_gate *gate, const struct control_census *census,
	struct census_answer *answer)
{
	const struct message_census body = { .number = census->number,
		.filter = census->filter,
		.rows = rows_each(gate->supervisor),
		.ends = census->ends };

	answer->memory_fd = make_memory(body.rows * sizeof(struct census_row));
	if (answer->memory_fd < 0)
		return answer->memory_fd;
	return channel_send(gate->channel.fd, MESSAGE_census, &body, NULL, 0, &answer->memory_fd,
		1);
}

static uint32_t
count_gates(const struct supervisor *supervisor)
{
	uint32_t count = 0;

	for (const struct supervised_gate *gate = NULL;
		(gate = gates_next(supervisor, gate)) != NULL;)
		count++;
	return count;
}

static void
ask_gates(struct control_census *census)
{
	const struct supervisor *supervisor = census->peer->supervisor;

	for (const struct supervised_gate *gate = NULL;
		(gate = gates_next(supervisor, gate)) != NULL;) {
		struct census_answer *answer = &census->answers[census->answer_count];

		/* One that has said nothing yet has no connections. */
		if (gate->channel.fd < 0 || gate->phase == CHANNEL_HELLO)
			continue;
		census->answer_count++;
		*answer = (struct census_answer){ .instance = gate->instance, .memory_fd = -1 };
		if (gate->is_foreign || ask_gate(gate, census, answer) < 0) {
			census->silent++;
			continue;
		}
		answer->is_awaited = true;
		census->awaited++;
	}
}

static void
finish(struct control_census *census)
{
	loop_stop_timer(census->peer->supervisor->loop, &census->patience);
	census->done(census->peer, census);
}

static void
out_of_patience(struct timer *timer, msec now)
{
	struct control_census *census = CONTAINER_OF(timer, struct control_census, patience);

	(void)now;
	census->silent += census->awaited;
	census->awaited = 0;
	for (uint32_t i = 0; i < census->answer_count; i++)
		census->answers[i].is_awaited = false;
	finish(census);
}

bool
control_census_read(struct control_peer *peer, struct census_filter *ret_filter)
{
	const char *service = control_text(peer, "service");
	const char *address = control_text(peer, "peer");

	*ret_filter = (struct census_filter){ .row = CENSUS_ANY_ROW };
	if (service != NULL) {
		const struct served *served = control_find_service(peer, service);

		if (served == NULL)
			return false;
		ret_filter->row = served->row;
	}
	if (address != NULL && census_read_peer(ret_filter, address) != NULL) {
		control_fail_parameter(peer, "peer");
		return false;
	}
	return true;
}

void
control_census_begin(struct control_peer *peer, const struct census_filter *filter, bool ends,
	void (*done)(struct control_peer *peer, struct control_census *census))
{
	struct supervisor *supervisor = peer->supervisor;
	struct control_census *census = calloc(1, sizeof(*census));

	if (census != NULL)
		census->answers = calloc(count_gates(supervisor) + 1, sizeof(*census->answers));
	if (census == NULL || census->answers == NULL) {
		free(census);
		peer->is_broken = true;
		return;
	}
	census->peer = peer;
	census->number = ++supervisor->control->censuses;
	census->filter = *filter;
	census->ends = ends;
	census->done = done;
	census->patience.expired = out_of_patience;
	peer->context = census;
	peer->free_context = census_free;
	ask_gates(census);
	if (census->awaited == 0 ||
		loop_set_timer(supervisor->loop, &census->patience,
			loop_now(supervisor->loop) + PATIENCE_MS) < 0)
		out_of_patience(&census->patience, 0);
}

/* --- answers */

static struct control_census *
next_census(const struct supervisor *supervisor, const struct control_census *after)
{
	const struct control_peer *peer = after != NULL ? after->peer->next : NULL;

	if (after == NULL && supervisor->control != NULL)
		peer = supervisor->control->peers;
	while (peer != NULL && (peer->free_context != census_free || peer->is_broken))
		peer = peer->next;
	return peer != NULL ? peer->context : NULL;
}

static struct census_answer *
find_answer(const struct control_census *census, uint32_t instance)
{
	for (uint32_t i = 0; i < census->answer_count; i++)
		if (census->answers[i].instance == instance && census->answers[i].is_awaited)
			return &census->answers[i];
	return NULL;
}

const char *
control_census_counted(const struct supervised_gate *gate, const struct message_counted *counted)
{
	const struct supervisor *supervisor = gate->supervisor;
	struct control_census *census = NULL;
	struct census_answer *answer;

	if (counted->rows > rows_each(supervisor))
		return "it has counted more than there was room for";
	do
		census = next_census(supervisor, census);
	while (census != NULL && census->number != counted->number);
	answer = census != NULL ? find_answer(census, gate->instance) : NULL;
	if (answer == NULL)
		return NULL; /* whoever asked is gone, or out of patience */
	answer->is_awaited = false;
	answer->rows = counted->rows;
	census->left += counted->left;
	census->ended += counted->ended;
	if (--census->awaited == 0)
		finish(census);
	return NULL;
}

void
control_census_gate_gone(const struct supervised_gate *gate)
{
	struct control_census *census = NULL;
	struct control_census *next;

	for (census = next_census(gate->supervisor, NULL); census != NULL; census = next) {
		struct census_answer *answer = find_answer(census, gate->instance);

		next = next_census(gate->supervisor, census);
		if (answer == NULL)
			continue;
		/* Its connections have ended with it. */
		answer->is_awaited = false;
		if (--census->awaited == 0)
			finish(census);
	}
}
