/* SPDX-License-Identifier: ISC */
/* LINK: src/model/openmetrics.o src/base/refused.o src/base/shared.o src/base/shared_measures.o
 * src/base/shared_queue.o src/base/shared_places.o src/base/textbuf.o src/base/utf8.o */
/* Metrics as text: what stands there, what is left out, and what names cannot do. That the whole
 * is well-formed the claims in tests/e2e/test_metrics.py show. */
#include "model/openmetrics.h"

#include "base/shared_measures.h"
#include "base/shared_places.h"
#include "base/shared_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX ((size_t)1 << 20)

static struct shared *
new_shared(uint32_t rows, uint32_t writers)
{
	struct shared *shared = NULL;
	int shared_fd = -1;

	assert_int_equal(shared_create(&shared, &shared_fd, rows, writers), 0);
	(void)close(shared_fd);
	return shared;
}

static char *
write_all(const struct shared *shared, enum openmetrics_form form)
{
	const struct openmetrics source = { .shared = shared, .form = form, .now = 1000 };
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	uint64_t place = 0;
	size_t before = 0;

	while (openmetrics_add(&source, &place, &text)) {
		assert_true(text.length - before <= OPENMETRICS_PIECE_MAX);
		before = text.length;
	}
	assert_int_equal(textbuf_error(&text), 0);
	assert_false(openmetrics_add(&source, &place, &text));
	return textbuf_take(&text);
}

static void
assert_has(const struct shared *shared, const char *line)
{
	char *text = write_all(shared, OPENMETRICS_1_0);
	const char *found = strstr(text, line);

	if (found == NULL || (found > text && found[-1] != '\n'))
		fail_msg("no line %s in:\n%s", line, text);
	free(text);
}

static void
assert_lacks(const struct shared *shared, const char *piece)
{
	char *text = write_all(shared, OPENMETRICS_1_0);

	if (strstr(text, piece) != NULL)
		fail_msg("%s in:\n%s", piece, text);
	free(text);
}

static void
a_service_has_its_counts_its_refusals_and_its_places(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	shared_name_row(shared, 2, "echo");
	shared_describe_row(shared, 2, 1, 50);
	shared_add(shared, 2, 1, METRIC_connections, 3);
	shared_add(shared, 2, 2, METRIC_connections, 4);
	shared_add(shared, 2, 2, METRIC_verdict_refuse_access, 2);
	assert_true(shared_admit(shared, 2, 1, 50));
	assert_has(shared, "reeve_service_connections_total{service=\"echo\"} 7\n");
	assert_has(shared, "reeve_service_handlers_total{service=\"echo\"} 0\n");
	assert_true(shared_queue_sit(shared, 2, 1, 5));
	assert_has(shared, "reeve_service_queued_connections{service=\"echo\"} 1\n");
	assert_has(shared, "reeve_service_active_connections{service=\"echo\"} 1\n");
	assert_has(shared, "reeve_service_connections_limit{service=\"echo\"} 50\n");
	assert_has(shared, "reeve_service_failing{service=\"echo\"} 0\n");
	assert_has(shared, "reeve_service_refusals_total{service=\"echo\",verdict=\"access\"} 2\n");
	assert_lacks(shared, "verdict=\"ban\"");
	shared_set_ceiling(shared, 2, 0);
	assert_has(shared, "reeve_service_failing{service=\"echo\"} 1\n");
	(void)shared_free(shared);
}

static void
what_nobody_used_has_one_counter_and_what_left_the_configuration_has_none(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	shared_name_row(shared, 0, "quiet");
	shared_name_row(shared, 1, "gone");
	shared_add(shared, 1, 1, METRIC_connections, 3);
	shared_describe_row(shared, 1, 0, 0);
	assert_has(shared, "reeve_service_connections_total{service=\"quiet\"} 0\n");
	assert_lacks(shared, "handlers_total{service=\"quiet\"}");
	assert_lacks(shared, "gone");
	(void)shared_free(shared);
}

static void
services_of_one_name_are_told_apart_by_their_number(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	for (uint32_t row = 0; row < 2; row++) {
		shared_name_row(shared, row, "echo");
		shared_describe_row(shared, row, row + 1, 9);
		shared_add(shared, row, 1, METRIC_connections, row + 5);
	}
	assert_has(shared, "reeve_service_connections_total{service=\"echo\"} 5\n");
	assert_has(shared, "reeve_service_connections_total{service=\"echo\",number=\"2\"} 6\n");
	(void)shared_free(shared);
}

static void
names_cannot_break_out_of_their_label(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	shared_name_row(shared, 0, "a\"} 9\n\x1b\\\xff\xc3\xa9");
	assert_has(shared,
		"reeve_service_connections_total{service=\"a\\\"} 9??\\\\?\xc3\xa9\"} 0\n");
	(void)shared_free(shared);
}

static void
buckets_hold_all_that_was_quicker_and_bounds_are_written_as_others_do(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	shared_name_row(shared, 0, "echo");
	shared_observe(shared, 0, 1, HISTOGRAM_accept_to_handler_seconds, 10);
	shared_observe(shared, 0, 2, HISTOGRAM_accept_to_handler_seconds, 20);
	shared_observe(shared, 0, 0, HISTOGRAM_accept_to_handler_seconds, 60000000);
#define BUCKET(le, count) \
	"reeve_service_accept_to_handler_seconds_bucket{service=\"echo\",le=\"" le "\"} " count "\n"
	assert_has(shared, BUCKET("1.6e-05", "1"));
	assert_has(shared, BUCKET("3.2e-05", "2"));
	assert_has(shared, BUCKET("0.000128", "2"));
	assert_has(shared, BUCKET("16.777216", "2"));
	assert_has(shared, BUCKET("+Inf", "3"));
	assert_has(shared, "reeve_service_accept_to_handler_seconds_count{service=\"echo\"} 3\n");
	assert_has(shared,
		"reeve_service_accept_to_handler_seconds_sum{service=\"echo\"} 60.000030\n");
	assert_lacks(shared, "connection_duration_seconds_bucket"); /* nothing has ended yet */
	(void)shared_free(shared);
}

static void
the_daemon_and_each_process_tell_of_themselves(void **test)
{
	struct shared *shared = new_shared(4, 3);

	(void)test;
	shared_tell(shared, SHARED_SUPERVISOR, PROCESS_start_time_seconds, 400);
	shared_tell(shared, SHARED_SUPERVISOR, PROCESS_reload_failures, 2);
	shared_tell(shared, 2, PROCESS_gate_descriptors, 7);
	shared_tell(shared, 1, PROCESS_log_dropped_lines, 3);
	assert_has(shared, "reeve_build_info{version=\"" REEVE_VERSION "\"} 1\n");
	assert_has(shared, "reeve_uptime_seconds 600\n");
	assert_has(shared, "# UNIT reeve_uptime_seconds seconds\n");
	assert_has(shared, "reeve_reload_failures_total 2\n");
	assert_has(shared, "reeve_gate_descriptors{gate=\"0\"} 0\n");
	assert_has(shared, "reeve_gate_descriptors{gate=\"1\"} 7\n");
	assert_has(shared, "reeve_log_dropped_lines_total{process=\"supervisor\"} 0\n");
	assert_has(shared, "reeve_log_dropped_lines_total{process=\"gate-0\"} 3\n");
	(void)shared_free(shared);
}

static void
the_older_form_calls_counters_by_their_samples_and_has_no_units_and_no_end(void **test)
{
	struct shared *shared = new_shared(4, 3);
	char *text = write_all(shared, OPENMETRICS_PLAIN);

	(void)test;
	assert_non_null(strstr(text, "# TYPE reeve_service_connections_total counter\n"));
	assert_non_null(strstr(text, "# TYPE reeve_build_info gauge\n"));
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	free(text);
	text = write_all(shared, OPENMETRICS_1_0);
	assert_non_null(strstr(text, "# TYPE reeve_service_connections counter\n"));
	assert_non_null(strstr(text, "# TYPE reeve_build info\n"));
	assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
	free(text);
	(void)shared_free(shared);
}

/* The longest names, with all to be escaped, in the highest numbers. */
static void
a_piece_never_is_longer_than_it_may_be(void **test)
{
	struct shared *shared = new_shared(2, SHARED_WRITERS_MAX);
	char name[SHARED_NAME_MAX];

	(void)test;
	memset(name, '"', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	shared_name_row(shared, 1, name);
	shared_describe_row(shared, 1, UINT32_MAX, INT64_MAX);
	for (unsigned int metric = 0; metric < METRIC_COUNT; metric++)
		shared_add(shared, 1, 1, (enum metric)metric, UINT64_MAX);
	for (unsigned int histogram = 0; histogram < HISTOGRAM_COUNT; histogram++)
		for (int shift = 0; shift < 63; shift++)
			shared_observe(shared, 1, 1, (enum histogram)histogram,
				INT64_C(1) << shift);
	for (uint32_t writer = 0; writer < SHARED_WRITERS_MAX; writer++)
		for (unsigned int metric = 0; metric < PROCESS_COUNT; metric++)
			shared_tell(shared, writer, (enum process_metric)metric, UINT64_MAX);
	free(write_all(shared, OPENMETRICS_1_0));
	(void)shared_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_has_its_counts_its_refusals_and_its_places),
		cmocka_unit_test(
			what_nobody_used_has_one_counter_and_what_left_the_configuration_has_none),
		cmocka_unit_test(services_of_one_name_are_told_apart_by_their_number),
		cmocka_unit_test(names_cannot_break_out_of_their_label),
		cmocka_unit_test(
			buckets_hold_all_that_was_quicker_and_bounds_are_written_as_others_do),
		cmocka_unit_test(the_daemon_and_each_process_tell_of_themselves),
		cmocka_unit_test(
			the_older_form_calls_counters_by_their_samples_and_has_no_units_and_no_end),
		cmocka_unit_test(a_piece_never_is_longer_than_it_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
