/* SPDX-License-Identifier: ISC */
/* Who is there and who is kept out, by source: the one view that the daemon is asked for. */
#include "control/top.h"

#include "base/shared_measures.h"
#include "control/client.h"
#include "control/show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 1000 /* with a daemon that does not answer, and nobody else can be heard */
#define NAME_MAX_BYTES 80
#define STATE_MAX 160
#define LEFT_MAX 64

/* A source, with what it does here. */
struct visitor {
	char name[NAME_MAX_BYTES];
	int64_t connections;
	int64_t waiting;
	int64_t came; /* of them, since the look before; bytes since then */
	int64_t received;
	int64_t sent;
	int64_t refused; /* ever */
	int64_t refused_now;
	const json_t *ban; /* NULL: none */
};

/* A connection as it was at the look before. */
struct past {
	int64_t id;
	int64_t received;
	int64_t sent;
};

static const struct table_column columns[] = {
	{ .title = "SOURCE", .key = "source" },
	{ .title = "ACTIVE", .key = "connections", .is_right = true },
	{ .title = "WAITING", .key = "waiting", .rank = 5, .is_right = true },
	{ .title = "CONN/s", .key = "connections_per_second", .rank = 2, .is_right = true },
	{ .title = "IN/s", .key = "received_bytes_per_second", .rank = 4, .is_right = true },
	{ .title = "OUT/s", .key = "sent_bytes_per_second", .rank = 6, .is_right = true },
	{ .title = "REFUSED/s", .key = "refused_per_second", .rank = 1, .is_right = true },
	{ .title = "REFUSED", .key = "refused", .rank = 3, .is_right = true },
	{ .title = "STATE", .key = "state" },
};

/* ---------------------------------------------------------------- asking */

/* All replies of one method; what they list goes into `list`. */
static int
ask(const struct control *control, enum control_id id, const char *member, json_t *list)
{
	struct client *client = client_open(control);
	bool is_last = client == NULL;
	int error = client == NULL ? -ENOTCONN : 0;

	if (error == 0) {
		client_set_patience(client, PATIENCE_MS);
		error = client_call(client, control_verb_get(id), NULL) < 0 ? -EIO : 0;
	}
	while (error == 0 && !is_last) {
		struct varlink_message reply;

		if (client_next(client, &reply, NULL) != 1) {
			error = -ETIMEDOUT;
			break;
		}
		(void)json_array_extend(list, json_object_get(reply.parameters, member));
		is_last = !reply.continues;
		varlink_message_fini(&reply);
	}
	(void)client_free(client);
	return error;
}

static struct top_refusals
look_at_refusals(const struct shared *view)
{
	struct top_refusals refusals = { .list = calloc((size_t)shared_writers(view) * REFUSED_ROWS,
						 sizeof(*refusals.list)) };

	for (uint32_t writer = 0; refusals.list != NULL && writer < shared_writers(view); writer++)
		for (size_t i = 0; i < REFUSED_ROWS; i++) {
			struct top_refused *refused = &refusals.list[refusals.count];

			refused->writer = writer;
			refusals.count +=
				refused_read(shared_refused(view, writer), i, &refused->row);
		}
	return refusals;
}

int
top_sources_ask(struct top_sources *sources, const struct control *control,
	const struct shared *view)
{
	json_t *connections = json_array(), *bans = json_array();
	struct top_refusals refusals = look_at_refusals(view);
	int64_t now_us = shared_clock_us();
	int error = connections != NULL && bans != NULL && refusals.list != NULL ? 0 : -ENOMEM;

	if (error == 0)
		error = ask(control, CONTROL_VERB_connections, "connections", connections);
	if (error == 0)
		error = ask(control, CONTROL_VERB_bans, "bans", bans);
	if (error < 0) {
		json_decref(connections);
		json_decref(bans);
		free(refusals.list);
		return error;
	}
	json_decref(sources->before);
	json_decref(sources->bans);
	free(sources->refusals_before.list);
	*sources = (struct top_sources){ .connections = connections,
		.bans = bans,
		.before = sources->connections,
		.refusals = refusals,
		.refusals_before = sources->refusals,
		.taken_us = now_us,
		.span_us = sources->connections != NULL ? now_us - sources->taken_us : 0 };
	return 0;
}

void
top_sources_fini(struct top_sources *sources)
{
	json_decref(sources->connections);
	json_decref(sources->bans);
	json_decref(sources->before);
	free(sources->refusals.list);
	free(sources->refusals_before.list);
	*sources = (struct top_sources){ .connections = NULL };
}

/* ---------------------------------------------------------------- counting */

/* Bans behind the rest. */
static int
compare_by_name(const void *one, const void *other)
{
	const struct visitor *a = one, *b = other;
	int result = strcmp(a->name, b->name);

	return result != 0 ? result : (a->ban != NULL) - (b->ban != NULL);
}

/* An address without its port: "192.0.2.1" of "192.0.2.1:7", "2001:db8::1" of "[2001:db8::1]:7". */
static void
name_of(const char *peer, char name[static NAME_MAX_BYTES])
{
	const char *end = *peer == '[' ? strchr(peer, ']') : strrchr(peer, ':');

	peer += *peer == '[';
	(void)snprintf(name, NAME_MAX_BYTES, "%.*s",
		end != NULL ? (int)(end - peer) : (int)strlen(peer), peer);
}

static int
compare_by_id(const void *one, const void *other)
{
	const struct past *a = one, *b = other;

	return (a->id > b->id) - (a->id < b->id);
}

static struct past *
recall(const struct top_sources *told)
{
	struct past *list = calloc(json_array_size(told->before) + 1, sizeof(*list));
	const json_t *connection;
	size_t index;

	if (list == NULL)
		return NULL;
	json_array_foreach (told->before, index, connection)
		list[index] = (struct past){ show_number(connection, "id"),
			show_number(connection, "bytes_in"), show_number(connection, "bytes_out") };
	qsort(list, json_array_size(told->before), sizeof(*list), compare_by_id);
	return list;
}

/* One that is old and was not told of before, as when a gate was silent, has no past; one that
 * still waits has no number to be known again by, and comes when it is served. */
static void
compare_with_past(struct visitor *visitor, const json_t *connection, const struct past *list,
	const struct top_sources *told)
{
	const struct past key = { .id = show_number(connection, "id") };
	const struct past *past =
		bsearch(&key, list, json_array_size(told->before), sizeof(*list), compare_by_id);
	int64_t age_ms = show_number(connection, "age_ms");

	if (told->span_us <= 0 || key.id == 0 ||
		(past == NULL && age_ms > told->span_us / 1000 + PATIENCE_MS))
		return;
	visitor->came = past == NULL;
	visitor->received =
		show_number(connection, "bytes_in") - (past != NULL ? past->received : 0);
	visitor->sent = show_number(connection, "bytes_out") - (past != NULL ? past->sent : 0);
}

static size_t
add_connections(const struct top_sources *told, const struct past *past, struct visitor *list)
{
	const json_t *connection;
	size_t index, count = 0;

	json_array_foreach (told->connections, index, connection) {
		struct visitor *visitor = &list[count];
		const char *peer = show_text(connection, "peer");

		if (*peer == '\0')
			continue;
		name_of(peer, visitor->name);
		visitor->waiting = strcmp(show_text(connection, "kind"), "waiting") == 0;
		visitor->connections = 1;
		compare_with_past(visitor, connection, past, told);
		count++;
	}
	return count;
}

/* As name_of an address that is a source by itself, or a client on a unix socket. */
static void
name_refused(const struct refused_row *row, char name[static NAME_MAX_BYTES])
{
	bool is_prefix = (row->source.family == AF_INET && row->length < 32) ||
		(row->source.family == AF_INET6 && row->length < 128);
	char room[NETADDR_TEXT_MAX];

	(void)snprintf(name, NAME_MAX_BYTES, is_prefix ? "%s/%u" : "%s",
		netaddr_format_ip(&row->source, room), row->length);
}

/* A row that has another error now was another source's meanwhile, and one with less the table's
 * of another gate: then all that it surely counted it has counted since. */
static uint64_t
count_before(const struct top_refusals *before, const struct top_refused *now)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct top_refused *past = &before->list[i];

		if (past->writer == now->writer && past->row.length == now->row.length &&
			past->row.error == now->row.error && past->row.count <= now->row.count &&
			netaddr_equal(&past->row.source, &now->row.source))
			return past->row.count;
	}
	return now->row.error;
}

static size_t
add_refusals(const struct top_sources *told, struct visitor *list)
{
	for (size_t i = 0; i < told->refusals.count; i++) {
		const struct top_refused *refused = &told->refusals.list[i];

		name_refused(&refused->row, list[i].name);
		list[i].refused = (int64_t)(refused->row.count - refused->row.error);
		list[i].refused_now = (int64_t)(refused->row.count -
			count_before(&told->refusals_before, refused));
	}
	return told->refusals.count;
}

/* A ban is of a prefix: it has a row of its own. */
static size_t
add_bans(const struct top_sources *told, struct visitor *list)
{
	const json_t *ban;
	size_t index, count = 0;

	json_array_foreach (told->bans, index, ban) {
		(void)snprintf(list[count].name, sizeof(list[count].name), "%s",
			show_text(ban, "source"));
		list[count++].ban = ban;
	}
	return count;
}

/* Those of one name become one. */
static size_t
merge(struct visitor *list, size_t count)
{
	size_t kept = 0;

	qsort(list, count, sizeof(*list), compare_by_name);
	for (size_t i = 0; i < count; i++) {
		struct visitor *last = kept > 0 ? &list[kept - 1] : NULL;

		if (last == NULL || last->ban != NULL || list[i].ban != NULL ||
			strcmp(last->name, list[i].name) != 0) {
			list[kept++] = list[i];
			continue;
		}
		last->connections += list[i].connections;
		last->waiting += list[i].waiting;
		last->came += list[i].came;
		last->received += list[i].received;
		last->sent += list[i].sent;
		last->refused += list[i].refused;
		last->refused_now += list[i].refused_now;
	}
	return kept;
}

/* ---------------------------------------------------------------- the frame */

static int64_t
amount(const struct visitor *visitor, enum top_order order)
{
	if (order == TOP_BY_RECEIVED)
		return visitor->received;
	if (order == TOP_BY_REFUSED)
		return visitor->refused_now;
	return order == TOP_BY_SENT ? visitor->sent : visitor->connections;
}

static int
compare_visitors(const void *one, const void *other, void *argument)
{
	const struct visitor *a = one, *b = other;
	const struct top *top = argument;
	int64_t left = amount(a, top->order), right = amount(b, top->order);
	int result = 0;

	if (top->order != TOP_BY_NAME)
		result = (right > left) - (right < left);
	if (result == 0 && top->order == TOP_BY_REFUSED)
		result = (b->refused > a->refused) - (b->refused < a->refused);
	if (result == 0)
		result = compare_by_name(a, b);
	return top->is_reversed ? -result : result;
}

static double
per_second(int64_t amount, int64_t span_us)
{
	return span_us > 0 && amount > 0 ? (double)amount * 1e6 / (double)span_us : 0;
}

static enum tone
add_visitor(struct table *table, const struct visitor *visitor, int64_t span_us)
{
	char state[STATE_MAX] = "", left[LEFT_MAX];

	if (visitor->ban != NULL) {
		const char *service = show_text(visitor->ban, "service");

		show_duration(show_number(visitor->ban, "left_ms"), left, sizeof(left));
		(void)snprintf(state, sizeof(state), "banned from %s, %s more (%s)",
			*service != '\0' ? service : "all", left, show_text(visitor->ban, "cause"));
	}
	table_add_text(table, visitor->name);
	table_add_number(table, visitor->connections);
	table_add_number(table, visitor->waiting);
	top_add_rate(table, per_second(visitor->came, span_us));
	top_add_rate(table, per_second(visitor->received, span_us));
	top_add_rate(table, per_second(visitor->sent, span_us));
	top_add_rate(table, per_second(visitor->refused_now, span_us));
	table_add_number(table, visitor->refused);
	table_add_text(table, state);
	return visitor->ban != NULL ? TONE_WARN : TONE_PLAIN;
}

int
top_sources_frame(struct top_frame *frame, const struct top *top)
{
	size_t most = json_array_size(top->sources.connections) +
		json_array_size(top->sources.bans) + top->sources.refusals.count;
	auto_free struct visitor *list = calloc(most + 1, sizeof(*list));
	auto_free struct past *past = recall(&top->sources);
	struct top by = *top;
	size_t count;

	frame->table = table_new(columns, ARRAY_SIZE(columns));
	frame->tones = calloc(most + 1, sizeof(*frame->tones));
	if (frame->table == NULL || frame->tones == NULL || list == NULL || past == NULL)
		return -ENOMEM;
	by.order = top_order_of(top);
	count = add_connections(&top->sources, past, list);
	count += add_refusals(&top->sources, list + count);
	count += add_bans(&top->sources, list + count);
	count = merge(list, count);
	qsort_r(list, count, sizeof(*list), compare_visitors, &by);
	for (size_t i = 0; i < count; i++)
		if (strcasestr(list[i].name, top->filter) != NULL)
			frame->tones[frame->rows++] =
				add_visitor(frame->table, &list[i], top->sources.span_us);
	return 0;
}
