/* SPDX-License-Identifier: ISC */
/* LINK: src/control/output.o src/control/table.o src/control/top_keys.o src/control/top_model.o
 * src/control/top_sources.o src/base/netaddr.o src/base/refused.o src/base/shared.o
 * src/base/shared_measures.o src/base/shared_places.o src/base/textbuf.o src/base/utf8.o
 * src/base/verdict.o -ljansson */
/* What top makes of the shared memory, and what keys do; the screen itself is in
 * tests/e2e/test_top.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/shared_measures.h"
#include "base/shared_places.h"
#include "control/client.h"
#include "control/show.h"
#include "control/top.h"

#include <string.h>

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SECOND_US 1000000

/* Nobody is asked here; what was told is set by hand. */
struct client *
client_open(const struct control *control)
{
	(void)control;
	return NULL;
}

struct client *
client_free(struct client *client)
{
	return client;
}

void
client_set_patience(struct client *client, unsigned ms)
{
	(void)client;
	(void)ms;
}

int
client_call(struct client *client, const struct control_verb *verb, json_t *parameters)
{
	(void)client;
	(void)verb;
	json_decref(parameters);
	return -1;
}

int
client_next(struct client *client, struct varlink_message *ret_reply, int *ret_fd)
{
	(void)client;
	(void)ret_reply;
	(void)ret_fd;
	return -1;
}

void
varlink_message_fini(struct varlink_message *message)
{
	(void)message;
}

const struct control_verb *
control_verb_get(enum control_id id)
{
	(void)id;
	return NULL;
}

long long
show_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

const char *
show_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

void
show_duration(long long ms, char *ret_text, size_t room)
{
	(void)snprintf(ret_text, room, "%lldms", ms);
}

struct fixture {
	struct shared *shared;
	struct top top;
	struct top_frame frame;
	json_t *rows;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int shared_fd = -1;

	assert_non_null(fixture);
	fixture->top = (struct top){ .order = TOP_BY_CONNECTIONS, .tick_ms = TOP_TICK_MS };
	assert_int_equal(shared_create(&fixture->shared, &shared_fd, 8, 2), 0);
	(void)close(shared_fd);
	shared_name_row(fixture->shared, 0, "echo");
	shared_name_row(fixture->shared, 2, "git");
	shared_name_row(fixture->shared, 5, "chat");
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	json_decref(fixture->rows);
	top_frame_fini(&fixture->frame);
	top_sample_fini(&fixture->top.before);
	top_sample_fini(&fixture->top.now);
	top_sources_fini(&fixture->top.sources);
	(void)shared_free(fixture->shared);
	free(fixture);
	return 0;
}

static void
sample(struct fixture *fixture, int64_t now_us)
{
	struct top *top = &fixture->top;

	top_sample_fini(&top->before);
	top->before = top->now;
	assert_int_equal(top_sample_take(&top->now, fixture->shared, now_us), 0);
}

static void
make(struct fixture *fixture)
{
	json_decref(fixture->rows);
	top_frame_fini(&fixture->frame);
	assert_int_equal(top_frame_make(&fixture->frame, &fixture->top), 0);
	fixture->rows = table_json(fixture->frame.table);
	assert_non_null(fixture->rows);
	assert_int_equal(json_array_size(fixture->rows), fixture->frame.rows);
}

/* The names of the rows, a blank between them. */
static const char *
names(struct fixture *fixture, char text[static 256])
{
	text[0] = '\0';
	make(fixture);
	for (size_t i = 0; i < json_array_size(fixture->rows); i++) {
		const json_t *row = json_array_get(fixture->rows, i);

		(void)strcat(strcat(text, i > 0 ? " " : ""),
			json_string_value(json_object_get(row, "service")));
	}
	return text;
}

static double
number(const struct fixture *fixture, size_t row, const char *key)
{
	return json_number_value(json_object_get(json_array_get(fixture->rows, row), key));
}

static const char *
text_of(const struct fixture *fixture, size_t row, const char *key)
{
	return json_string_value(json_object_get(json_array_get(fixture->rows, row), key));
}

static void
rates_are_what_came_in_the_time_between(void **state)
{
	struct fixture *fixture = *state;

	shared_add(fixture->shared, 2, 1, METRIC_connections, 1000);
	sample(fixture, 10 * SECOND_US);
	shared_add(fixture->shared, 2, 1, METRIC_connections, 10);
	shared_add(fixture->shared, 2, 0, METRIC_connections, 10);
	shared_add(fixture->shared, 2, 1, METRIC_verdict_refuse_access, 4);
	shared_add(fixture->shared, 2, 1, METRIC_verdict_refuse_ban, 2);
	shared_add(fixture->shared, 2, 1, METRIC_verdict_wait_rate, 50);
	sample(fixture, 12 * SECOND_US);
	make(fixture);
	assert_string_equal(text_of(fixture, 0, "service"), "git");
	assert_true(number(fixture, 0, "connections_per_second") == 10);
	assert_true(number(fixture, 0, "refused_per_second") == 3);
	assert_string_equal(text_of(fixture, 0, "state"), "refusing");
	assert_int_equal(fixture->frame.services, 3);
	assert_true(fixture->frame.rates[TOP_BY_CONNECTIONS] == 10);
}

static void
the_first_sample_has_no_rates(void **state)
{
	struct fixture *fixture = *state;

	shared_add(fixture->shared, 2, 1, METRIC_connections, 1000);
	sample(fixture, SECOND_US);
	make(fixture);
	assert_true(fixture->frame.rates[TOP_BY_CONNECTIONS] == 0);
}

static void
a_row_of_another_service_has_no_past(void **state)
{
	struct fixture *fixture = *state;

	shared_add(fixture->shared, 2, 1, METRIC_connections, 10);
	sample(fixture, SECOND_US);
	shared_name_row(fixture->shared, 2, "");
	shared_name_row(fixture->shared, 2, "new");
	shared_add(fixture->shared, 2, 1, METRIC_connections, 50);
	sample(fixture, 2 * SECOND_US);
	make(fixture);
	assert_true(fixture->frame.rates[TOP_BY_CONNECTIONS] == 0);
}

static void
rows_are_sorted_and_those_that_are_equal_by_name(void **state)
{
	struct fixture *fixture = *state;
	char text[256];

	sample(fixture, SECOND_US);
	assert_string_equal(names(fixture, text), "chat echo git");
	shared_add(fixture->shared, 0, 1, METRIC_connections, 5);
	shared_add(fixture->shared, 2, 1, METRIC_received_bytes, 5);
	sample(fixture, 2 * SECOND_US);
	assert_string_equal(names(fixture, text), "echo chat git");
	fixture->top.order = TOP_BY_RECEIVED;
	assert_string_equal(names(fixture, text), "git chat echo");
	fixture->top.is_reversed = true;
	assert_string_equal(names(fixture, text), "chat echo git");
	fixture->top.order = TOP_BY_NAME;
	assert_string_equal(names(fixture, text), "git echo chat");
}

static void
the_filter_and_z_leave_rows_out_and_the_sums_stay(void **state)
{
	struct fixture *fixture = *state;
	char text[256];

	sample(fixture, SECOND_US);
	shared_add(fixture->shared, 0, 1, METRIC_connections, 5);
	sample(fixture, 2 * SECOND_US);
	(void)strcpy(fixture->top.filter, "CH");
	assert_string_equal(names(fixture, text), "echo chat");
	fixture->top.is_idle_hidden = true;
	assert_string_equal(names(fixture, text), "echo");
	(void)strcpy(fixture->top.filter, "git");
	assert_string_equal(names(fixture, text), "");
	assert_int_equal(fixture->frame.services, 3);
	assert_true(fixture->frame.rates[TOP_BY_CONNECTIONS] == 5);
}

static void
states_tell_who_is_full_failing_or_leaving(void **state)
{
	struct fixture *fixture = *state;

	shared_describe_row(fixture->shared, 0, 1, 2);
	assert_true(shared_admit(fixture->shared, 0, 1, 2));
	assert_true(shared_admit(fixture->shared, 0, 1, 2));
	shared_describe_row(fixture->shared, 2, 2, 10);
	shared_set_ceiling(fixture->shared, 2, 1);
	shared_describe_row(fixture->shared, 5, 0, 10);
	fixture->top.order = TOP_BY_NAME;
	sample(fixture, SECOND_US);
	make(fixture);
	assert_string_equal(text_of(fixture, 0, "state"), "leaving");
	assert_string_equal(text_of(fixture, 1, "state"), "full");
	assert_true(number(fixture, 1, "active") == 2);
	assert_string_equal(text_of(fixture, 2, "state"), "failing");
	assert_string_equal(text_of(fixture, 2, "service"), "git#2");
}

static void
refusals_are_told_by_verdict(void **state)
{
	struct fixture *fixture = *state;

	shared_add(fixture->shared, 0, 1, METRIC_verdict_refuse_ban, 7);
	shared_add(fixture->shared, 5, 1, METRIC_verdict_refuse_access, 2);
	sample(fixture, SECOND_US);
	shared_add(fixture->shared, 5, 1, METRIC_verdict_refuse_access, 3);
	sample(fixture, 2 * SECOND_US);
	fixture->top.view = TOP_REFUSALS;
	make(fixture);
	assert_int_equal(fixture->frame.rows, 2);
	assert_string_equal(text_of(fixture, 0, "service"), "chat");
	assert_string_equal(text_of(fixture, 0, "verdict"), "access");
	assert_true(number(fixture, 0, "per_second") == 3);
	assert_true(number(fixture, 0, "total") == 5);
	assert_string_equal(text_of(fixture, 1, "verdict"), "ban");
	fixture->top.is_idle_hidden = true;
	make(fixture);
	assert_int_equal(fixture->frame.rows, 1);
}

static void
sources_are_counted_and_their_bans_shown(void **state)
{
	struct fixture *fixture = *state;

	fixture->top.sources = (struct top_sources){
		.connections = json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:n,s:s}]",
			"peer", "192.0.2.1:7", "kind", "builtin", "peer", "[2001:db8::1]:9", "kind",
			"program", "peer", "192.0.2.1:8", "kind", "waiting", "peer", "unix", "kind",
			"builtin", "peer", "kind", "builtin"),
		.bans = json_pack("[{s:s,s:n,s:s,s:i},{s:s,s:s,s:s,s:i}]", "source", "192.0.2.1/32",
			"service", "cause", "sensor", "left_ms", 60000, "source", "10.0.0.0/8",
			"service", "echo", "cause", "hand", "left_ms", 1000),
	};
	sample(fixture, SECOND_US);
	fixture->top.view = TOP_SOURCES;
	make(fixture);
	assert_int_equal(fixture->frame.rows, 5);
	assert_int_equal(fixture->frame.services, 3);
	assert_string_equal(text_of(fixture, 0, "source"), "192.0.2.1");
	assert_true(number(fixture, 0, "connections") == 2);
	assert_true(number(fixture, 0, "waiting") == 1);
	assert_string_equal(text_of(fixture, 1, "source"), "2001:db8::1");
	assert_string_equal(text_of(fixture, 2, "source"), "unix");
	assert_string_equal(text_of(fixture, 3, "source"), "10.0.0.0/8");
	assert_non_null(strstr(text_of(fixture, 3, "state"), "banned from echo, "));
	assert_non_null(strstr(text_of(fixture, 4, "state"), "banned from all, "));
	(void)strcpy(fixture->top.filter, "192");
	make(fixture);
	assert_int_equal(fixture->frame.rows, 2);
}

/* The third has come meanwhile, the fourth was not told of before. */
static void
two_looks_make_the_rates_of_sources(void **state)
{
	struct fixture *fixture = *state;

	fixture->top.sources = (struct top_sources){
		.before = json_pack("[{s:i,s:s,s:i,s:i,s:i},{s:i,s:s,s:i,s:n,s:n}]", "id", 9,
			"peer", "192.0.2.1:7", "age_ms", 70000, "bytes_in", 1000, "bytes_out", 50,
			"id", 4, "peer", "192.0.2.2:7", "age_ms", 70000, "bytes_in", "bytes_out"),
		.connections = json_pack("[{s:i,s:s,s:i,s:i,s:i},{s:i,s:s,s:i,s:n,s:n},"
					 "{s:i,s:s,s:i,s:i,s:i},{s:i,s:s,s:i,s:i,s:i}]",
			"id", 9, "peer", "192.0.2.1:7", "age_ms", 72000, "bytes_in", 1400,
			"bytes_out", 50, "id", 4, "peer", "192.0.2.2:7", "age_ms", 72000,
			"bytes_in", "bytes_out", "id", 10, "peer", "192.0.2.1:8", "age_ms", 1500,
			"bytes_in", 100, "bytes_out", 20, "id", 5, "peer", "192.0.2.3:7", "age_ms",
			9000, "bytes_in", 100, "bytes_out", 100),
		.span_us = 2 * SECOND_US,
	};
	fixture->top.view = TOP_SOURCES;
	make(fixture);
	assert_int_equal(fixture->frame.rows, 3);
	assert_string_equal(text_of(fixture, 0, "source"), "192.0.2.1");
	assert_true(number(fixture, 0, "connections") == 2);
	assert_true(number(fixture, 0, "connections_per_second") == 0.5);
	assert_true(number(fixture, 0, "received_bytes_per_second") == 250);
	assert_true(number(fixture, 0, "sent_bytes_per_second") == 10);
	for (size_t i = 1; i < 3; i++) {
		assert_true(number(fixture, i, "connections_per_second") == 0);
		assert_true(number(fixture, i, "received_bytes_per_second") == 0);
	}
	fixture->top.order = TOP_BY_RECEIVED;
	fixture->top.is_reversed = true;
	make(fixture);
	assert_string_equal(text_of(fixture, 2, "source"), "192.0.2.1");
	fixture->top.sources.span_us = 0;
	make(fixture);
	assert_true(number(fixture, 2, "received_bytes_per_second") == 0);
}

/* Who waits has the number 0, as everybody who does. */
static void
a_source_comes_when_it_is_served(void **state)
{
	struct fixture *fixture = *state;

	fixture->top.sources = (struct top_sources){
		.before = json_pack("[{s:i,s:s,s:s,s:i}]", "id", 0, "peer", "192.0.2.1:7", "kind",
			"waiting", "age_ms", 100),
		.connections = json_pack("[{s:i,s:s,s:s,s:i},{s:i,s:s,s:s,s:i}]", "id", 12, "peer",
			"192.0.2.1:7", "kind", "builtin", "age_ms", 100, "id", 0, "peer",
			"192.0.2.2:7", "kind", "waiting", "age_ms", 100),
		.span_us = 2 * SECOND_US,
	};
	fixture->top.view = TOP_SOURCES;
	make(fixture);
	assert_int_equal(fixture->frame.rows, 2);
	assert_string_equal(text_of(fixture, 0, "source"), "192.0.2.1");
	assert_true(number(fixture, 0, "connections_per_second") == 0.5);
	assert_true(number(fixture, 1, "connections_per_second") == 0);
	json_decref(fixture->top.sources.before);
	fixture->top.sources.before = json_array();
	make(fixture);
	assert_true(number(fixture, 1, "connections_per_second") == 0);
}

static void
note(struct fixture *fixture, uint32_t writer, const char *text, uint32_t length, unsigned times)
{
	struct netaddr source = { .family = AF_UNIX };

	if (strcmp(text, "unix") != 0)
		assert_int_equal(netaddr_parse_ip(&source, text), 0);
	while (times-- > 0)
		refused_note(shared_refused(fixture->shared, writer), &source, length);
}

static struct top_refusals
copy_refusals(const struct fixture *fixture)
{
	struct top_refusals made = { .list = calloc(REFUSED_ROWS * 2, sizeof(*made.list)) };

	assert_non_null(made.list);
	for (uint32_t writer = 0; writer < 2; writer++)
		for (size_t i = 0; i < REFUSED_ROWS; i++) {
			made.list[made.count].writer = writer;
			made.count += refused_read(shared_refused(fixture->shared, writer), i,
				&made.list[made.count].row);
		}
	return made;
}

static void
assert_refused(struct fixture *fixture, size_t row, const char *source, double rate, double total)
{
	assert_string_equal(text_of(fixture, row, "source"), source);
	assert_true(number(fixture, row, "refused_per_second") == rate);
	assert_true(number(fixture, row, "refused") == total);
}

static void
refusals_of_all_gates_are_shown_by_source(void **state)
{
	struct fixture *fixture = *state;

	fixture->top.view = TOP_SOURCES;
	fixture->top.order = TOP_BY_REFUSED;
	note(fixture, 0, "192.0.2.1", 32, 5);
	note(fixture, 1, "192.0.2.1", 32, 2);
	note(fixture, 0, "2001:db8::", 64, 9);
	fixture->top.sources = (struct top_sources){
		.connections = json_pack("[{s:s,s:s}]", "peer", "192.0.2.1:7", "kind", "builtin"),
		.bans = json_pack("[{s:s,s:n,s:s,s:i}]", "source", "192.0.2.0/24", "service",
			"cause", "sensor", "left_ms", 60000),
		.refusals_before = copy_refusals(fixture),
		.span_us = 2 * SECOND_US,
	};
	note(fixture, 1, "192.0.2.1", 32, 4);
	note(fixture, 1, "192.0.2.0", 24, 6);
	note(fixture, 0, "unix", 0, 6);
	fixture->top.sources.refusals = copy_refusals(fixture);
	make(fixture);
	assert_int_equal(fixture->frame.rows, 5);
	assert_refused(fixture, 0, "192.0.2.0/24", 3, 6);
	assert_refused(fixture, 1, "unix", 3, 6);
	assert_refused(fixture, 2, "192.0.2.1", 2, 11);
	assert_true(number(fixture, 2, "connections") == 1);
	assert_refused(fixture, 3, "2001:db8::/64", 0, 9);
	assert_refused(fixture, 4, "192.0.2.0/24", 0, 0);
	assert_non_null(strstr(text_of(fixture, 4, "state"), "banned from all, "));
	/* A gate began anew. */
	refused_forget(shared_refused(fixture->shared, 0));
	note(fixture, 0, "2001:db8::", 64, 4);
	free(fixture->top.sources.refusals.list);
	fixture->top.sources.refusals = copy_refusals(fixture);
	make(fixture);
	assert_refused(fixture, 2, "2001:db8::/64", 2, 4);
}

static void
press(struct top *top, const char *keys)
{
	for (; *keys != '\0'; keys++)
		top_take_key(top, (unsigned char)*keys);
}

static void
keys_switch_what_is_shown(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	press(top, "p");
	assert_true(top->is_paused);
	press(top, " rzv");
	assert_false(top->is_paused);
	assert_true(top->is_reversed && top->is_idle_hidden && top->view == TOP_REFUSALS);
	press(top, "\tv>");
	assert_true(top->view == TOP_SERVICES && top->order == TOP_BY_PROGRAMS);
	press(top, "<<<<");
	assert_true(top->order == TOP_BY_WAITS);
	press(top, "h");
	assert_true(top->shows_help);
	press(top, "r");
	assert_true(!top->shows_help && top->is_reversed);
	press(top, "q");
	assert_true(top->is_done);
}

static void
the_pace_has_bounds(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	press(top, "++++++++++");
	assert_int_equal(top->tick_ms, 125);
	press(top, "--------------------");
	assert_int_equal(top->tick_ms, 64000);
}

static void
the_filter_is_typed_and_takes_all_keys_meanwhile(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	press(top, "/qz\xc3\xa9");
	assert_string_equal(top->filter, "qz\xc3\xa9");
	assert_false(top->is_done);
	top_take_key(top, TOP_KEY_BACKSPACE);
	assert_string_equal(top->filter, "qz");
	top_take_key(top, TOP_KEY_UP);
	assert_string_equal(top->filter, "qz");
	press(top, "\n");
	assert_false(top->is_typing);
	assert_string_equal(top->filter, "qz");
	press(top, "\033");
	assert_string_equal(top->filter, "");
	press(top, "/");
	for (int i = 0; i < 200; i++)
		press(top, "x");
	assert_int_equal(strlen(top->filter), TOP_FILTER_MAX - 1);
	press(top, "\033");
	assert_string_equal(top->filter, "");
	assert_false(top->is_typing);
	press(top, "/\b\b");
	assert_string_equal(top->filter, "");
}

static void
scrolling_stays_at_the_beginning(void **state)
{
	struct top *top = &((struct fixture *)*state)->top;

	top->fitting = 10;
	top_take_key(top, TOP_KEY_UP);
	top_take_key(top, TOP_KEY_PAGE_UP);
	assert_int_equal(top->first, 0);
	top_take_key(top, TOP_KEY_DOWN);
	top_take_key(top, TOP_KEY_PAGE_DOWN);
	assert_int_equal(top->first, 10);
	top_take_key(top, TOP_KEY_PAGE_UP);
	assert_int_equal(top->first, 1);
	top_take_key(top, TOP_KEY_HOME);
	assert_int_equal(top->first, 0);
	top_take_key(top, 0x20000); /* one that we do not know */
	assert_int_equal(top->first, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CLAIM(rates_are_what_came_in_the_time_between),
		CLAIM(the_first_sample_has_no_rates),
		CLAIM(a_row_of_another_service_has_no_past),
		CLAIM(rows_are_sorted_and_those_that_are_equal_by_name),
		CLAIM(the_filter_and_z_leave_rows_out_and_the_sums_stay),
		CLAIM(states_tell_who_is_full_failing_or_leaving),
		CLAIM(refusals_are_told_by_verdict),
		CLAIM(sources_are_counted_and_their_bans_shown),
		CLAIM(two_looks_make_the_rates_of_sources),
		CLAIM(a_source_comes_when_it_is_served),
		CLAIM(refusals_of_all_gates_are_shown_by_source),
		CLAIM(keys_switch_what_is_shown),
		CLAIM(the_pace_has_bounds),
		CLAIM(the_filter_is_typed_and_takes_all_keys_meanwhile),
		CLAIM(scrolling_stays_at_the_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
