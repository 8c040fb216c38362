/* SPDX-License-Identifier: ISC */
/* LINK: services/metrics.o services/metrics_request.o src/base/textbuf.o src/base/utf8.o
 * tests/unit/fake_gate.o tests/unit/fake_client.o */
/* metrics: requests that are answered, requests that are refused, clients that are slow. */
#include "tests/unit/fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: here\r\n"

static struct builtin *
start(void)
{
	struct builtin *builtin = fake_gate_new(&metrics_ops, NULL);

	builtin->measures = 2;
	builtin->realtime = 784111777;
	return builtin;
}

static const char *
ask(struct builtin *builtin, const char *request)
{
	struct conn *conn = fake_gate_connect(builtin);

	fake_conn_send(conn, request);
	assert_true(conn->is_closed);
	return fake_conn_text(conn);
}

static void
assert_status(struct builtin *builtin, const char *request, int status)
{
	char begin[32];
	const char *text = ask(builtin, request);

	(void)snprintf(begin, sizeof(begin), "HTTP/1.1 %d ", status);
	if (strncmp(text, begin, strlen(begin)) != 0)
		fail_msg("wanted %d for %s; got %.60s", status, request, text);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
}

static void
a_get_has_the_whole_text_and_a_head_none_of_it(void **test)
{
	struct builtin *builtin = start();
	const char *text = ask(builtin, "GET /metrics HTTP/1.1\r\n" HOST "\r\n");
	const char *body = strstr(text, "\r\n\r\n") + 4;

	(void)test;
	assert_int_equal(strlen(body), 2 * FAKE_MEASURES_LENGTH);
	assert_int_equal(body[0], 'a');
	assert_int_equal(body[2 * FAKE_MEASURES_LENGTH - 1], 'b');
	assert_non_null(strstr(text, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: plain\r\n"));
	assert_null(strstr(text, "Content-Length"));
	text = ask(builtin, "HEAD /metrics HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	assert_status(builtin, "GET /metrics?from=here HTTP/1.0\n\n", 200);
	assert_status(builtin, "GET http://here:9/metrics HTTP/1.1\r\n" HOST "\r\n", 200);
	fake_gate_free(builtin);
}

static void
what_is_no_such_request_is_refused_with_its_reason(void **test)
{
	struct builtin *builtin = start();

	(void)test;
	assert_status(builtin, "GET / HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_status(builtin, "GET /metrics/ HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_status(builtin, "GET http://here HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_status(builtin, "POST /metrics HTTP/1.1\r\n" HOST "\r\nbody", 405);
	assert_status(builtin, "get /metrics HTTP/1.1\r\n" HOST "\r\n", 405);
	assert_non_null(strstr(ask(builtin, "PUT /metrics HTTP/1.0\r\n\r\n"),
		"\r\nAllow: GET, HEAD\r\n"));
	assert_status(builtin, "GET /metrics HTTP/2.0\r\n" HOST "\r\n", 505);
	assert_status(builtin, "GET /metrics HTTP/1.7\r\n" HOST "\r\n", 400);
	assert_status(builtin, "GET /metrics\r\n\r\n", 400);
	assert_status(builtin, " /metrics HTTP/1.0\r\n\r\n", 400);
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n\r\n", 400); /* for whom? */
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n" HOST HOST "\r\n", 400);
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n" HOST "Accept : a\r\n\r\n", 400);
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n" HOST " folded\r\n\r\n", 400);
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n" HOST "none\r\n\r\n", 400);
	assert_status(builtin, "GET /metrics HTTP/1.1\r\n" HOST "A: \1\r\n\r\n", 400);
	assert_status(builtin, "GET /metrics\r HTTP/1.1\r\n" HOST "\r\n", 400);
	fake_gate_free(builtin);
}

static bool
gets_openmetrics(struct builtin *builtin, const char *accept)
{
	char request[512];

	(void)snprintf(request, sizeof(request), "GET /metrics HTTP/1.0\r\n%s\r\n\r\n", accept);
	return strstr(ask(builtin, request), "Content-Type: openmetrics\r\n") != NULL;
}

static void
the_form_is_what_the_client_likes_best(void **test)
{
	struct builtin *builtin = start();

	(void)test;
	assert_false(gets_openmetrics(builtin, "Accept: */*"));
	assert_false(gets_openmetrics(builtin, "Accept: text/html"));
	assert_true(gets_openmetrics(builtin, "accept:application/openmetrics-text"));
	assert_true(gets_openmetrics(builtin,
		"Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
		"application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,"
		"*/*;q=0.2"));
	assert_false(gets_openmetrics(builtin,
		"Accept: application/openmetrics-text; version=0.0.1, text/plain; q=0.1"));
	assert_false(gets_openmetrics(builtin,
		"Accept: application/openmetrics-text;q=0.5\r\nAccept: text/plain"));
	assert_false(gets_openmetrics(builtin, "Accept: application/openmetrics-text;q=0"));
	assert_true(gets_openmetrics(builtin,
		"Accept: text/plain;q=0.12, application/openmetrics-text; q = x;q=0.125"));
	assert_true(gets_openmetrics(builtin, "Accept: ;;,,=, application/openmetrics-text;q="));
	fake_gate_free(builtin);
}

static void
a_request_may_come_byte_by_byte_but_not_for_longer_than_ten_seconds(void **test)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	struct builtin *builtin = start();
	struct conn *quick = fake_gate_connect(builtin);
	struct conn *slow = fake_gate_connect(builtin);
	struct conn *late;

	(void)test;
	assert_true(builtin->wants_ticks);
	for (size_t i = 0; i < strlen(request); i++) {
		assert_false(quick->is_closed);
		fake_conn_send_bytes(quick, &request[i], 1);
	}
	assert_true(quick->is_closed);
	assert_non_null(strstr(fake_conn_text(quick), "200 OK"));
	fake_conn_send(slow, "GET");
	fake_gate_advance(builtin, 5000);
	late = fake_gate_connect(builtin);
	fake_conn_send(slow, " /metrics");
	fake_gate_advance(builtin, 5000);
	assert_true(slow->is_closed);
	assert_false(late->is_closed);
	assert_non_null(strstr(fake_conn_text(slow), "HTTP/1.1 408 "));
	assert_int_equal(slow->ending, ENDING_ABUSE);
	fake_conn_end(late);
	assert_true(late->is_closed);
	assert_string_equal(fake_conn_text(late), "");
	assert_false(builtin->wants_ticks);
	fake_gate_free(builtin);
}

static void
a_head_that_is_too_long_is_refused_before_its_end(void **test)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);
	char line[1024];

	(void)test;
	memset(line, 'x', sizeof(line));
	memcpy(line, "A: ", 3);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	fake_conn_send(conn, "GET /metrics HTTP/1.0\r\n");
	for (int i = 0; i < 9 && !conn->is_closed; i++)
		fake_conn_send_bytes(conn, line, sizeof(line));
	assert_true(conn->is_closed);
	assert_non_null(strstr(fake_conn_text(conn), "HTTP/1.1 431 "));
	/* Half a request is none. */
	conn = fake_gate_connect(builtin);
	fake_conn_send(conn, "GET /metrics HTTP/1.0\r\n");
	fake_conn_end(conn);
	assert_non_null(strstr(fake_conn_text(conn), "HTTP/1.1 400 "));
	fake_gate_free(builtin);
}

static void
a_text_longer_than_what_is_held_comes_whole_to_a_client_that_pauses(void **test)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);
	const char *body;

	(void)test;
	builtin->measures = 26;
	fake_conn_stop_reading(conn);
	fake_conn_send(conn, "GET /metrics HTTP/1.0\r\n\r\n");
	fake_conn_end(conn); /* of its side */
	assert_false(conn->is_closed);
	fake_conn_read_again(conn);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	body = strstr(fake_conn_text(conn), "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), 26 * FAKE_MEASURES_LENGTH);
	for (int i = 0; i < 26; i++)
		assert_int_equal(body[i * FAKE_MEASURES_LENGTH], 'a' + i);
	fake_gate_free(builtin);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_get_has_the_whole_text_and_a_head_none_of_it),
		cmocka_unit_test(what_is_no_such_request_is_refused_with_its_reason),
		cmocka_unit_test(the_form_is_what_the_client_likes_best),
		cmocka_unit_test(
			a_request_may_come_byte_by_byte_but_not_for_longer_than_ten_seconds),
		cmocka_unit_test(a_head_that_is_too_long_is_refused_before_its_end),
		cmocka_unit_test(
			a_text_longer_than_what_is_held_comes_whole_to_a_client_that_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
