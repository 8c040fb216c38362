/* SPDX-License-Identifier: ISC */
/* Who is there and who is kept out, by source: the one view that the daemon is asked for. */
#include "control/top.h"

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
	const json_t *ban; /* NULL: none */
};

static const struct table_column columns[] = {
	{ .title = "SOURCE", .key = "source" },
	{ .title = "CONN", .key = "connections", .is_right = true },
	{ .title = "WAITING", .key = "waiting", .rank = 2, .is_right = true },
	{ .title = "STATE", .key = "state", .rank = 1 },
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

int
top_sources_ask(struct top_sources *sources, const struct control *control)
{
	json_t *connections = json_array(), *bans = json_array();
	int error = connections != NULL && bans != NULL ? 0 : -ENOMEM;

	if (error == 0)
		error = ask(control, CONTROL_VERB_connections, "connections", connections);
	if (error == 0)
		error = ask(control, CONTROL_VERB_bans, "bans", bans);
	if (error < 0) {
		json_decref(connections);
		json_decref(bans);
		return error;
	}
	top_sources_fini(sources);
	*sources = (struct top_sources){ connections, bans };
	return 0;
}

void
top_sources_fini(struct top_sources *sources)
{
	json_decref(sources->connections);
	json_decref(sources->bans);
	*sources = (struct top_sources){ .connections = NULL };
}

/* ---------------------------------------------------------------- counting */

static int
compare_by_name(const void *one, const void *other)
{
	return strcmp(((const struct visitor *)one)->name, ((const struct visitor *)other)->name);
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

static size_t
add_connections(const struct top_sources *told, struct visitor *list)
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
		count++;
	}
	return count;
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
	}
	return kept;
}

/* ---------------------------------------------------------------- the frame */

static int
compare_visitors(const void *one, const void *other, void *argument)
{
	const struct visitor *a = one, *b = other;
	const struct top *top = argument;
	int result = 0;

	if (top->order != TOP_BY_NAME)
		result = (b->connections > a->connections) - (b->connections < a->connections);
	if (result == 0)
		result = compare_by_name(a, b);
	return top->is_reversed ? -result : result;
}

static enum tone
add_visitor(struct table *table, const struct visitor *visitor)
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
	table_add_text(table, state);
	return visitor->ban != NULL ? TONE_WARN : TONE_PLAIN;
}

int
top_sources_frame(struct top_frame *frame, const struct top *top)
{
	size_t most =
		json_array_size(top->sources.connections) + json_array_size(top->sources.bans);
	auto_free struct visitor *list = calloc(most + 1, sizeof(*list));
	struct top by = *top;
	size_t count;

	frame->table = table_new(columns, ARRAY_SIZE(columns));
	frame->tones = calloc(most + 1, sizeof(*frame->tones));
	if (frame->table == NULL || frame->tones == NULL || list == NULL)
		return -ENOMEM;
	count = add_connections(&top->sources, list);
	count += add_bans(&top->sources, list + count);
	count = merge(list, count);
	qsort_r(list, count, sizeof(*list), compare_visitors, &by);
	for (size_t i = 0; i < count; i++)
		if (strcasestr(list[i].name, top->filter) != NULL)
			frame->tones[frame->rows++] = add_visitor(frame->table, &list[i]);
	return 0;
}
