/* SPDX-License-Identifier: ISC */
/* Connections, listed and ended: programs out of our own table, the rest by asking the gates. */
#include "supervisor/bounds.h"
#include "supervisor/control_census.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"
#include "supervisor/handler_table.h"

#include "config/map.h"

#include <string.h>
#include <sys/param.h>

#define ROWS_AT_ONCE 512 /* in a reply */

/* --- gathering */

static bool
make_room(struct control_census *census, size_t more)
{
	size_t room = MAX(census->row_room, 64);
	struct census_row *rows;

	if (census->row_count + more <= census->row_room)
		return true;
	while (room < census->row_count + more)
		room *= 2;
	rows = reallocarray(census->rows, room, sizeof(*rows));
	if (rows == NULL)
		return false;
	census->rows = rows;
	census->row_room = room;
	return true;
}

/* A gate may have written anything: rows that cannot be true are left out. */
static bool
read_answer(struct control_census *census, const struct census_answer *answer)
{
	size_t size = answer->rows * sizeof(struct census_row);
	size_t done = 0;
	char *to;

	if (answer->rows == 0)
		return true;
	if (!make_room(census, answer->rows))
		return false;
	to = (char *)(census->rows + census->row_count);
	while (done < size) {
		ssize_t got = pread(answer->memory_fd, to + done, size - done, (off_t)done);

		if (got <= 0)
			break;
		done += (size_t)got;
	}
	for (size_t i = 0; i < done / sizeof(struct census_row); i++) {
		struct census_row row;

		memcpy(&row, to + i * sizeof(row), sizeof(row));
		if (census_is_sound(&row, census->peer->supervisor->row_count)) {
			row.pid = 0;
			census->rows[census->row_count++] = row;
		}
	}
	return true;
}

/* A program on pipes is in its gate's list too, which knows its bytes. Room was made before: rows
 * move when there are more of them, and these are keys. */
static bool
add_programs(struct control_census *census, const struct map *carried)
{
	const struct supervisor *supervisor = census->peer->supervisor;
	msec now = loop_now(supervisor->loop);

	for (const struct handler *handler = NULL;
		(handler = handlers_next(&supervisor->handlers, handler)) != NULL;) {
		const uintptr_t *place =
			map_find(carried, &handler->connection, sizeof(handler->connection));
		struct census_row row = { .connection = handler->connection,
			.age_ms = now - handler->started,
			.idle_ms = -1,
			.row = handler->row,
			.kind = CENSUS_PROGRAM,
			.peer = handler->peer,
			.pid = (uint32_t)handler->pid };

		if (!census_is_meant(&census->filter, row.connection, row.row, &row.peer))
			continue;
		if (place != NULL) {
			census->rows[(uintptr_t)place - 1].pid = row.pid;
			continue;
		}
		if (!make_room(census, 1))
			return false;
		census->rows[census->row_count++] = row;
	}
	return true;
}

static bool
gather(struct control_census *census)
{
	struct map *carried = map_new();
	bool is_done = carried != NULL;
	size_t count;

	for (uint32_t i = 0; is_done && i < census->answer_count; i++)
		is_done = read_answer(census, &census->answers[i]);
	count = census->row_count;
	/* The programs' own rows come behind, so that none of these moves while it is a key. */
	is_done = is_done && make_room(census, census->peer->supervisor->handlers.count);
	for (size_t i = 0; is_done && i < count; i++)
		if (census->rows[i].kind == CENSUS_RELAY || census->rows[i].kind == CENSUS_CARRY)
			(void)map_add(carried, &census->rows[i].connection,
				sizeof(census->rows[i].connection), (void *)(i + 1));
	is_done = is_done && add_programs(census, carried);
	(void)map_free(carried);
	return is_done;
}

/* --- listing */

static json_t *
describe(const struct supervisor *supervisor, const struct census_row *row)
{
	const struct served *served = supervisor->rows[row->row];
	char room[NETADDR_TEXT_MAX];
	bool has_bytes = row->kind != CENSUS_PROGRAM && row->kind != CENSUS_WAITING;

	return json_pack("{s:I, s:o, s:s, s:s*, s:I, s:o*, s:o*, s:o*, s:o*}", "id",
		(json_int_t)row->connection, "service",
		control_string(served != NULL ? served->name : "?"), "kind",
		census_kind_word((enum census_kind)row->kind), "peer",
		row->peer.family != AF_UNSPEC ? netaddr_format(&row->peer, room) : NULL, "age_ms",
		(json_int_t)row->age_ms, "idle_ms",
		has_bytes ? json_integer((json_int_t)row->idle_ms) : NULL, "pid",
		row->pid != 0 ? json_integer((json_int_t)row->pid) : NULL, "bytes_in",
		has_bytes ? json_integer((json_int_t)row->bytes_in) : NULL, "bytes_out",
		has_bytes ? json_integer((json_int_t)row->bytes_out) : NULL);
}

static json_t *
describe_next(struct control_census *census, size_t most)
{
	json_t *connections = json_array();
	size_t end = MIN(census->next + most, census->row_count);
	uint64_t left = census->row_count - end + census->left;

	for (; census->next < end; census->next++)
		(void)json_array_append_new(connections,
			describe(census->peer->supervisor, &census->rows[census->next]));
	return json_pack("{s:o, s:I, s:I}", "connections", connections, "left", (json_int_t)left,
		"silent_gates", (json_int_t)census->silent);
}

static void
list_more(struct control_peer *peer)
{
	struct control_census *census = peer->context;

	if (census->row_count - census->next > ROWS_AT_ONCE)
		control_add_answer(peer, describe_next(census, ROWS_AT_ONCE));
	else
		control_answer(peer, describe_next(census, ROWS_AT_ONCE));
}

static void
list(struct control_peer *peer, struct control_census *census)
{
	if (!gather(census))
		peer->is_broken = true;
	else if (peer->call.wants_more)
		peer->go_on = list_more;
	else
		control_answer(peer, describe_next(census, ROWS_AT_ONCE));
}

void
control_do_connections(struct control_peer *peer)
{
	struct census_filter filter;

	if (control_census_read(peer, &filter))
		control_census_begin(peer, &filter, false, list);
}

/* --- ending */

static bool
end_program(struct supervisor *supervisor, struct handler *handler)
{
	const struct served *served = supervisor->rows[handler->row];
	msec now = loop_now(supervisor->loop);
	struct bounds *bounds = handler->bounds;

	if (bounds != NULL && bounds->last_signal != 0) {
		/* Asked twice: it has had its time. */
		loop_stop_timer(supervisor->loop, &bounds->timer);
		bounds_moment_has_come(&bounds->timer, now);
		return true;
	}
	if (bounds == NULL) {
		bounds = calloc(1, sizeof(*bounds));
		if (bounds == NULL)
			return false;
		*bounds = (struct bounds){ .supervisor = supervisor,
			.handler = handler,
			.limits.stop_timeout = served != NULL ? served->stop_timeout : 0,
			.timer.expired = bounds_moment_has_come,
			.started = now };
		handler->bounds = bounds;
	}
	bounds_end(bounds, ENDING_KILLED, now);
	return true;
}

static uint32_t
end_programs(struct supervisor *supervisor, const struct census_filter *filter)
{
	uint32_t count = 0;
	struct handler *handler = NULL;

	while ((handler = handlers_next(&supervisor->handlers, handler)) != NULL)
		if (census_is_meant(filter, handler->connection, handler->row, &handler->peer))
			count += end_program(supervisor, handler);
	return count;
}

static void
end(struct control_peer *peer, struct control_census *census)
{
	uint32_t programs = end_programs(peer->supervisor, &census->filter);

	if (programs + census->ended == 0 && census->filter.connection != 0)
		control_fail(peer, CONTROL_ERROR("NoSuchConnection"),
			json_pack("{s:I}", "id", (json_int_t)census->filter.connection));
	else
		control_answer(peer,
			json_pack("{s:I, s:I, s:I}", "connections", (json_int_t)census->ended,
				"programs", (json_int_t)programs, "silent_gates",
				(json_int_t)census->silent));
}

void
control_do_kill(struct control_peer *peer)
{
	int64_t id = control_number(peer, "id", 0);
	bool has_id = json_is_integer(json_object_get(peer->call.parameters, "id"));
	struct census_filter filter;

	if (has_id && id <= 0) {
		control_fail_parameter(peer, "id");
		return;
	}
	/* Who forgets to say what does not mean everything. */
	if (!has_id && control_text(peer, "service") == NULL &&
		control_text(peer, "peer") == NULL) {
		control_fail_reason(peer,
			"which? a connection's id, a service or a peer is wanted");
		return;
	}
	if (!control_census_read(peer, &filter))
		return;
	filter.connection = (uint64_t)id;
	control_census_begin(peer, &filter, true, end);
}
