/* SPDX-License-Identifier: ISC */
/* Connections and what their services know of them, from one gate to the next. */
#include "gate/kept.h"

#include "base/log.h"
#include "base/saved.h"
#include "effects/whole.h"
#include "gate/conn.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/queue.h"
#include "gate/service.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>

#define KEPT_VERSION 1
#define TEXT_MAX (64U << 20)
#define STATE_MAX (16U << 20) /* of a service */

/* What has come, until the configuration serves. */
struct kept {
	int memory_fd;
	int *fds;
	uint32_t count;
	uint32_t room;
};

#define SAVED_ROWS "gate/kept_rows.def"
#include "base/saved_structs.def"
#include "base/saved_tables.def"

static const struct saved_form form = { .name = "reeve-kept",
	.version = KEPT_VERSION,
	.kinds = saved_kinds,
	.kind_count = ARRAY_SIZE(saved_kinds) };

/* ---------------------------------------------------------------- saving */

/* One that is on its way out, or to another service, ends where it is. */
static bool
may_go(const struct conn *conn)
{
	return conn->stage == CONN_OPEN && conn->mode == CONN_SHOWING && !conn->is_at_end;
}

static struct saved_bytes
held_bytes(struct held *held)
{
	if (!held)
		return (struct saved_bytes){ .bytes = NULL };
	return (struct saved_bytes){ .bytes = held->bytes + held->start, .length = held->length };
}

static void
save_conn(struct saved_writer *writer, struct conn *conn, struct textbuf *state)
{
	struct saved_conn row = { .peer = conn->peer,
		.protocol = conn->protocol,
		.started = conn->started,
		.bytes_in = conn->bytes_in,
		.bytes_out = conn->bytes_out,
		.source = conn->source,
		.is_named = conn->is_named,
		.output = held_bytes(conn->output),
		.input = held_bytes(conn->aside.input) };

	textbuf_reset(state);
	conn->service->builtin->ops->save_conn(conn, state);
	row.state = (struct saved_bytes){ .bytes = state->text, .length = state->length };
	if (textbuf_error(state) < 0)
		writer->text->error = textbuf_error(state);
	saved_add(writer, SAVED_ROW_conn, &row);
}

static uint32_t
save_service(struct saved_writer *writer, struct service *service, struct textbuf *state)
{
	struct saved_service row = { .row = service->row,
		.builtin = (char *)(uintptr_t)service->builtin->ops->name };
	uint32_t count = 0;

	textbuf_reset(state);
	service->builtin->ops->save(service->builtin, state);
	row.state = (struct saved_bytes){ .bytes = state->text, .length = state->length };
	if (textbuf_error(state) < 0)
		writer->text->error = textbuf_error(state);
	saved_add(writer, SAVED_ROW_service, &row);
	for (struct conn *conn = conn_oldest(service); conn; conn = conn->newer)
		if (may_go(conn)) {
			save_conn(writer, conn, state);
			count++;
		}
	return count;
}

static bool
is_kept(const struct gate *gate, uint32_t index)
{
	const struct builtin *builtin = gate->services[index]->builtin;

	return builtin && builtin->ops->save;
}

/* From here on they are the next gate's: they leave without a word. */
static void
send_conns(struct gate *gate)
{
	struct message_kept body = { .count = 0 };
	int fds[CHANNEL_FDS_MAX];

	for (uint32_t i = 0; i < gate->service_count; i++) {
		struct conn *next;

		if (!is_kept(gate, i))
			continue;
		/* Whoever began now would be sent along, and has no row. */
		queue_let_by(gate->services[i]);
		for (struct conn *conn = conn_oldest(gate->services[i]); conn; conn = next) {
			next = conn->newer;
			if (!may_go(conn))
				continue;
			fds[body.count++] = conn_give_away(conn);
			if (body.count < CHANNEL_FDS_MAX)
				continue;
			outbox_send_fds(gate, MESSAGE_kept, &body, fds, body.count);
			body.count = 0;
		}
	}
	if (body.count > 0)
		outbox_send_fds(gate, MESSAGE_kept, &body, fds, body.count);
}

void
kept_save(struct gate *gate, int memory_fd, uint32_t most)
{
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	struct textbuf state = TEXTBUF_INIT(STATE_MAX);
	struct saved_writer writer = { .form = &form, .text = &text };
	uint32_t count = 0;
	int result;

	/* What was said to them is sent, or held. */
	conns_end_turn(gate->conns);
	saved_begin(&writer);
	for (uint32_t i = 0; i < gate->service_count; i++)
		if (is_kept(gate, i))
			count += save_service(&writer, gate->services[i], &state);
	saved_end(&writer);
	result = count <= most ? textbuf_error(&text) : -EMFILE;
	if (result == 0)
		result = whole_write(memory_fd, text.text, text.length);
	if (result == 0)
		send_conns(gate);
	else
		LOG(system_error, .step = "saving connections", .error = -result);
	textbuf_fini(&state);
	textbuf_fini(&text);
}

/* ---------------------------------------------------------------- restoring */

int
kept_receive(struct gate *gate, struct message *message, const char **ret_rule)
{
	struct kept *kept = gate->kept;
	uint32_t wanted = (kept ? kept->count : 0) + message->fd_count;
	int *wider;

	*ret_rule = "no memory for it";
	if (!kept) {
		kept = calloc(1, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		kept->memory_fd = -1;
		gate->kept = kept;
	}
	wider = reallocarray(kept->fds, wanted, sizeof(int));
	if (!wider)
		return -ENOMEM;
	kept->fds = wider;
	for (uint32_t i = 0; i < message->fd_count; i++) {
		int *place = kept->memory_fd < 0 ? &kept->memory_fd : &kept->fds[kept->count++];

		*place = util_take_fd(&message->fds[i]);
	}
	return 0;
}

void
kept_free(struct gate *gate)
{
	struct kept *kept = gate->kept;

	if (!kept)
		return;
	for (uint32_t i = 0; i < kept->count; i++)
		if (kept->fds[i] >= 0)
			(void)close(kept->fds[i]);
	if (kept->memory_fd >= 0)
		(void)close(kept->memory_fd);
	free(kept->fds);
	free(kept);
	gate->kept = NULL;
}

struct restoring {
	struct gate *gate;
	struct service *service; /* of the connections that follow; NULL: they end */
	uint32_t next;           /* descriptor */
	uint32_t lost;
};

static void
restore_service(struct restoring *restoring, const struct saved_service *row)
{
	struct service *service =
		row->row <= UINT32_MAX ? service_of_row(restoring->gate, (uint32_t)row->row) : NULL;
	struct builtin *builtin = service ? service->builtin : NULL;

	restoring->service = NULL;
	if (!builtin || !builtin->ops->restore || !row->builtin ||
		strcmp(builtin->ops->name, row->builtin) != 0 ||
		builtin->ops->restore(builtin, row->state.bytes ? row->state.bytes : "",
			row->state.length) < 0)
		return;
	restoring->service = service;
}

static int
hold(struct held **held, const struct saved_bytes *bytes, size_t max)
{
	return bytes->length > 0 ? conn_hold(held, bytes->bytes, bytes->length, max) : 0;
}

static int
restore_conn(const struct restoring *restoring, const struct saved_conn *row, int conn_fd)
{
	struct service *service = restoring->service;
	struct gate *gate = restoring->gate;
	struct entrant entrant = { .service = service,
		.conn_fd = conn_fd,
		.protocol = (enum protocol)row->protocol,
		.peer = row->peer,
		.proxy.family = row->is_named ? AF_UNIX : AF_UNSPEC,
		.hold = HOLD_PLACE,
		.is_kept_ready = true };
	struct conn *conn;

	service_keep_place(service);
	listener_note_opened(gate);
	entrant.source = row->source != 0 ? limits_keep(gate, row->source) : 0;
	conn = conn_take_up(&entrant);
	if (!conn)
		return -ENOMEM;
	/* Later than now it would have lasted less than no time. */
	conn->started = MAX(0, MIN(row->started, conn->started));
	conn->bytes_in = row->bytes_in;
	conn->bytes_out = row->bytes_out;
	if (hold(&conn->output, &row->output, CONN_HELD_MAX) < 0 ||
		hold(&conn->aside.input, &row->input, CONN_UNCONSUMED_MAX) < 0 ||
		service->builtin->ops->restore_conn(conn, row->state.bytes ? row->state.bytes : "",
			row->state.length) < 0)
		conn_set_ended(conn, ENDING_ERROR);
	conn_mark_due(conn);
	return 0;
}

static int
take_row(void *owner, unsigned int kind, void *row)
{
	struct restoring *restoring = owner;
	struct kept *kept = restoring->gate->kept;
	const struct saved_conn *conn = row;

	if (kind == SAVED_ROW_service) {
		restore_service(restoring, row);
		return 0;
	}
	if (restoring->next == kept->count || conn->protocol >= PROTOCOL_COUNT)
		return -EPROTO;
	if (!restoring->service ||
		restore_conn(restoring, conn, util_take_fd(&kept->fds[restoring->next])) < 0)
		restoring->lost++;
	restoring->next++;
	return 0;
}

void
kept_restore(struct gate *gate)
{
	struct restoring restoring = { .gate = gate };
	const struct saved_reader reader = { .take = take_row, .owner = &restoring };
	struct saved_mistake mistake = { .what = "it cannot be read" };
	auto_free char *text = NULL;
	size_t length = 0;
	int result;

	if (!gate->kept)
		return;
	result = whole_read(gate->kept->memory_fd, TEXT_MAX, &text, &length);
	if (result == 0)
		result = saved_read(&form, text, length, &reader, &mistake);
	restoring.lost += gate->kept->count - restoring.next;
	if (result < 0 || restoring.lost > 0)
		LOG(kept_lost, .connections = restoring.lost, .line = (int64_t)mistake.line,
			.reason = result < 0 ? mistake.what : "its service is another one now");
	kept_free(gate);
}
