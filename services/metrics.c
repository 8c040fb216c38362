/* SPDX-License-Identifier: ISC */
/* metrics: what the daemon counts, by HTTP, for Prometheus and those who speak as it does. GET or
 * HEAD of /metrics; one request, one answer, and that is the end of the connection. The text is
 * made as fast as the client takes it, so that a long one needs no memory. */
#include "services/service.h"

#include "base/textbuf.h"
#include "services/metrics_request.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 10000 /* for the whole of a request */
#define ANSWER_MAX 2048

struct client {
	struct client *older; /* of those whose request is not complete */
	struct client *newer;
	struct conn *conn;
	msec came;
	uint64_t place; /* in the text */
	enum measures_form form;
	bool is_waited_for;
};

struct metrics {
	struct client *oldest;
	struct client *newest;
};

static int
metrics_start(struct builtin *builtin, void **ret_state)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	(void)builtin;
	*ret_state = metrics;
	return metrics ? 0 : -ENOMEM;
}

static void
metrics_stop(struct builtin *builtin)
{
	free(builtin_state(builtin));
}

/* ---------------------------------------------------------------- whoever is waited for */

static void
await(struct client *client)
{
	struct metrics *metrics = builtin_state(conn_builtin(client->conn));

	client->is_waited_for = true;
	client->older = metrics->newest;
	if (metrics->newest)
		metrics->newest->newer = client;
	else
		metrics->oldest = client;
	metrics->newest = client;
	builtin_want_ticks(conn_builtin(client->conn), true);
}

static void
await_no_more(struct client *client)
{
	struct metrics *metrics = builtin_state(conn_builtin(client->conn));

	if (!client->is_waited_for)
		return;
	client->is_waited_for = false;
	if (client->older)
		client->older->newer = client->newer;
	else
		metrics->oldest = client->newer;
	if (client->newer)
		client->newer->older = client->older;
	else
		metrics->newest = client->older;
	builtin_want_ticks(conn_builtin(client->conn), metrics->oldest != NULL);
}

/* ---------------------------------------------------------------- answers */

static const struct status {
	int status;
	const char *reason;
	const char *text;
} statuses[] = {
	{ 200, "OK", NULL },
	{ 400, "Bad Request", "This is no request that could be understood.\n" },
	{ 404, "Not Found", "There is nothing here but /metrics.\n" },
	{ 405, "Method Not Allowed", "Only GET and HEAD are understood here.\n" },
	{ 408, "Request Timeout", "The request did not come in time.\n" },
	{ 431, "Request Header Fields Too Large", "The request's head is too long.\n" },
	{ 505, "HTTP Version Not Supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here.\n" },
};

static const struct status *
find_status(int status)
{
	for (size_t i = 1; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return &statuses[i];
	return &statuses[0];
}

static void
add_date(struct textbuf *answer, const struct builtin *builtin)
{
	time_t now = (time_t)builtin_realtime(builtin);
	struct tm moment;
	char text[64];

	if (gmtime_r(&now, &moment) &&
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &moment) > 0)
		textbuf_addf(answer, "Date: %s\r\n", text);
}

/* The head, and the body of what is not our page. */
static void
begin_answer(struct client *client, const struct metrics_request *request)
{
	const struct status *status = find_status(request->status);
	struct textbuf answer = TEXTBUF_INIT(ANSWER_MAX);

	textbuf_addf(&answer, "HTTP/1.1 %d %s\r\n", status->status, status->reason);
	add_date(&answer, conn_builtin(client->conn));
	textbuf_addf(&answer, "Content-Type: %s\r\nConnection: close\r\n",
		status->text ? "text/plain; charset=utf-8" : builtin_measures_type(client->form));
	if (status->text)
		textbuf_addf(&answer, "Content-Length: %zu\r\n", strlen(status->text));
	else
		textbuf_add(&answer, "Vary: Accept\r\n");
	if (status->status == 405)
		textbuf_add(&answer, "Allow: GET, HEAD\r\n");
	textbuf_add(&answer, "\r\n");
	if (status->text && !request->is_head)
		textbuf_add(&answer, status->text);
	if (textbuf_error(&answer) == 0)
		(void)conn_write(client->conn, answer.text, answer.length);
	textbuf_fini(&answer);
}

/* As much of the text as the client takes now. */
static void
metrics_writable(struct conn *conn)
{
	struct client *client = conn_state(conn);
	struct builtin *builtin = conn_builtin(conn);
	char piece[MEASURES_PIECE_MAX];

	for (;;) {
		uint64_t place = client->place;
		size_t length = builtin_measures(builtin, client->form, &place, piece);

		if (length == 0)
			break;
		if (conn_write(conn, piece, length) < 0)
			return;
		client->place = place;
	}
	conn_finish(conn, ENDING_SERVED);
}

static void
answer(struct client *client, const struct metrics_request *request)
{
	await_no_more(client);
	client->form = request->wants_openmetrics ? MEASURES_OPENMETRICS : MEASURES_PLAIN;
	begin_answer(client, request);
	if (request->status == 200 && !request->is_head)
		metrics_writable(client->conn);
	else
		conn_finish(client->conn, request->status == 200 ? ENDING_SERVED : ENDING_ABUSE);
}

static void
refuse(struct client *client, int status)
{
	answer(client, &(struct metrics_request){ .status = status });
}

/* ---------------------------------------------------------------- callbacks */

static void
metrics_open(struct conn *conn)
{
	struct client *client = conn_state(conn);

	client->conn = conn;
	client->came = builtin_now(conn_builtin(conn));
	await(client);
}

static void
metrics_readable(struct conn *conn)
{
	struct client *client = conn_state(conn);
	bool is_end;
	size_t length;
	const char *bytes = conn_input(conn, &length, &is_end);
	size_t head = metrics_request_length(bytes, length);
	struct metrics_request request;

	if (!client->is_waited_for) {
		conn_consume(conn, length); /* a body, or another request: not ours to read */
		return;
	}
	if (head > METRICS_HEAD_MAX || (head == 0 && length > METRICS_HEAD_MAX)) {
		conn_consume(conn, length);
		refuse(client, 431);
	} else if (head > 0) {
		request = metrics_request_read(bytes, head);
		conn_consume(conn, length);
		answer(client, &request);
	} else if (is_end && length > 0) {
		conn_consume(conn, length);
		refuse(client, 400);
	} else if (is_end) {
		conn_finish(conn, ENDING_CLIENT_CLOSED);
	}
}

static void
metrics_tick(struct builtin *builtin, msec now)
{
	struct metrics *metrics = builtin_state(builtin);

	while (metrics->oldest && metrics->oldest->came + PATIENCE_MS <= now)
		refuse(metrics->oldest, 408);
}

static void
metrics_closed(struct conn *conn, enum ending ending)
{
	(void)ending;
	await_no_more(conn_state(conn));
}

const struct service_ops metrics_ops = {
	.name = "metrics",
	.conn_size = sizeof(struct client),
	.start = metrics_start,
	.stop = metrics_stop,
	.open = metrics_open,
	.readable = metrics_readable,
	.writable = metrics_writable,
	.closed = metrics_closed,
	.tick = metrics_tick,
};
