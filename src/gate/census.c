/* SPDX-License-Identifier: ISC */
/* Go through everything that is served here, once. Nothing is kept for this: nobody pays while
 * nobody asks. */
#include "gate/census.h"

#include "gate/carry.h"
#include "gate/conn.h"
#include "gate/hall.h"
#include "gate/outbox.h"
#include "gate/relay.h"

#include <errno.h>

#define ROWS_AT_ONCE 256

struct census {
	struct gate *gate;
	const struct census_filter *filter;
	int memory_fd;
	uint32_t room; /* rows that fit */
	uint32_t written;
	uint32_t left; /* meant, and not written for want of room */
	uint32_t ended;
	struct census_row rows[ROWS_AT_ONCE];
	uint32_t gathered;
};

static void
write_gathered(struct census *census)
{
	const char *bytes = (const char *)census->rows;
	size_t length = census->gathered * sizeof(census->rows[0]);
	size_t done = 0;

	while (done < length) {
		ssize_t count = write(census->memory_fd, bytes + done, length - done);

		if (count <= 0 && errno != EINTR)
			break;
		done += count > 0 ? (size_t)count : 0;
	}
	census->written += (uint32_t)(done / sizeof(census->rows[0]));
	census->left += census->gathered - (uint32_t)(done / sizeof(census->rows[0]));
	census->gathered = 0;
}

static void
add_row(struct census *census, const struct census_row *row)
{
	if (census->written + census->gathered == census->room) {
		census->left++;
		return;
	}
	census->rows[census->gathered++] = *row;
	if (census->gathered == ROWS_AT_ONCE)
		write_gathered(census);
}

static void
count_conns(struct census *census, const struct service *service)
{
	msec now = loop_now(census->gate->loop);

	for (const struct conn *conn = conn_oldest(service); conn; conn = conn->newer) {
		const struct census_row row = { .connection = conn_id(conn),
			.bytes_in = conn->bytes_in,
			.bytes_out = conn->bytes_out,
			.age_ms = now - conn->started,
			.idle_ms = (uint32_t)now - conn->moved_ms,
			.row = service->row,
			.kind = CENSUS_BUILTIN,
			.peer = conn->peer };

		if (census_is_meant(census->filter, row.connection, row.row, &row.peer))
			add_row(census, &row);
	}
}

static void
count_relays(struct census *census)
{
	msec now = loop_now(census->gate->loop);

	for (const struct relay *relay = census->gate->relays->first; relay; relay = relay->next) {
		const struct census_row row = { .connection = relay->connection,
			.bytes_in = relay->inward.bytes,
			.bytes_out = relay->outward.bytes,
			.age_ms = now - relay->started,
			.idle_ms = now - relay->moved,
			.row = relay->service->row,
			.kind = CENSUS_RELAY,
			.peer = relay->peer };

		if (census_is_meant(census->filter, row.connection, row.row, &row.peer))
			add_row(census, &row);
	}
}

static void
count_carries(struct census *census, const struct listener *listener)
{
	msec now = loop_now(census->gate->loop);

	for (const struct carry *carry = listener->carries; carry; carry = carry->next) {
		const struct census_row row = { .connection = carry->connection,
			.bytes_in = carry->bytes_in,
			.bytes_out = carry->bytes_out,
			.age_ms = now - carry->started,
			.idle_ms = now - carry->moved,
			.row = carry->service->row,
			.kind = CENSUS_CARRY,
			.peer = carry->peer.address };

		if (census_is_meant(census->filter, row.connection, row.row, &row.peer))
			add_row(census, &row);
	}
}

static bool
is_meant_guest(const struct census *census, const struct guest *guest)
{
	const struct entrant *entrant = &guest->entrant;

	/* It has no number before it is served. */
	return !guest->stage->is_refused && census->filter->connection == 0 &&
		census_is_meant(census->filter, 0, entrant->service->row, &entrant->peer);
}

static void
count_guests(struct census *census)
{
	int64_t now = shared_clock_us();

	for (const struct guest *guest = census->gate->first_guest; guest; guest = guest->next) {
		const struct entrant *entrant = &guest->entrant;
		int64_t waited = entrant->accepted_us > 0 ? (now - entrant->accepted_us) / 1000 : 0;
		const struct census_row row = { .age_ms = waited > 0 ? waited : 0,
			.row = entrant->service->row,
			.kind = CENSUS_WAITING,
			.peer = entrant->peer };

		if (is_meant_guest(census, guest))
			add_row(census, &row);
	}
}

/* --- ends */

static void
end_conns(struct census *census, struct service *service)
{
	for (struct conn *conn = conn_oldest(service); conn; conn = conn->newer)
		if (census_is_meant(census->filter, conn_id(conn), service->row, &conn->peer)) {
			conn_set_ended(conn, ENDING_KILLED);
			conn_mark_due(conn);
			census->ended++;
		}
}

/* One that goes may let others in, so each time the list is looked at anew. Who is told why stays
 * in it for a while, and has been counted. */
static void
end_guests(struct census *census)
{
	struct guest *guest;

	do {
		guest = census->gate->first_guest;
		while (guest && !is_meant_guest(census, guest))
			guest = guest->next;
		if (guest) {
			census->ended++;
			guest->stage->over(guest, HALL_STOP);
		}
	} while (guest);
}

/* The client of one whose program has ended already, or never came, is nobody else's. The others
 * end with their programs, which the supervisor ends. */
static void
end_relays(struct census *census)
{
	struct relay *next;

	for (struct relay *relay = census->gate->relays->first; relay; relay = next) {
		next = relay->next;
		if (relay->stage == RELAY_LINGERING &&
			census_is_meant(census->filter, relay->connection, relay->service->row,
				&relay->peer)) {
			census->ended++;
			relay_free(relay);
		}
	}
}

int
census_take(struct gate *gate, const struct message_census *asked, int memory_fd)
{
	struct census census = {
		.gate = gate, .filter = &asked->filter, .memory_fd = memory_fd, .room = asked->rows
	};
	struct message_counted counted = { .number = asked->number };

	/* Those whom a guest that goes lets in are meant as well. */
	if (asked->ends)
		end_guests(&census);
	for (struct service *service = gate->first_service; service; service = service->next)
		if (asked->ends)
			end_conns(&census, service);
		else
			count_conns(&census, service);
	if (asked->ends) {
		end_relays(&census);
	} else {
		count_relays(&census);
		count_guests(&census);
		for (uint32_t i = 0; i < gate->listener_count; i++)
			count_carries(&census, gate->listeners[i]);
		write_gathered(&census);
	}
	counted.rows = census.written;
	counted.left = census.left;
	counted.ended = census.ended;
	outbox_send(gate, MESSAGE_counted, &counted, -1);
	return 0;
}
