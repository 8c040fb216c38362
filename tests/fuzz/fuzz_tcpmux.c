/* SPDX-License-Identifier: ISC */
/* LINK: services/tcpmux.o tests/unit/fake_gate.o tests/unit/fake_client.o */
/* What a stranger may write to tcpmux. The first byte says in how large pieces the rest arrives.
 * Whatever it is: one of few answers, nothing taken from behind the line, nothing kept waiting. */
#include "tests/unit/fake_gate.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const struct fake_target targets[] = {
	{ "echo", false },
	{ "mirror", true },
	{ "x", true },
	{ NULL, false },
};

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static void
send_in_pieces(struct conn *conn, const uint8_t *bytes, size_t length, size_t piece_max)
{
	while (length > 0) {
		size_t piece = length < piece_max ? length : piece_max;

		fake_conn_send_bytes(conn, bytes, piece);
		bytes += piece;
		length -= piece;
		must(conn->is_finished || conn->input.length == 0);
	}
	fake_conn_end(conn);
}

static void
check_answer(const struct conn *conn)
{
	const char *text = fake_conn_text(conn);

	must(conn->is_closed);
	if (conn->ending == ENDING_HANDED_OVER)
		must(strcmp(text, targets[conn->target].greets ? "+\r\n" : "") == 0);
	else if (conn->ending == ENDING_CLIENT_CLOSED)
		must(text[0] == '\0');
	else
		must(strcmp(text, "-Service not available\r\n") == 0 ||
			strcmp(text, "echo\r\nmirror\r\nx\r\n") == 0);
}

/* What arrived together with the line's end is still there for whom the client was handed to. */
static void
check_rest(const struct conn *conn, const uint8_t *bytes, size_t length, size_t piece_max)
{
	const uint8_t *newline = length > 0 ? memchr(bytes, '\n', length) : NULL;
	size_t line_length;
	size_t arrived;

	if (conn->ending != ENDING_HANDED_OVER)
		return;
	must(newline != NULL);
	line_length = (size_t)(newline - bytes) + 1;
	arrived = (line_length + piece_max - 1) / piece_max * piece_max;
	if (arrived > length)
		arrived = length;
	must(line_length + conn->input.length + conn->waiting.length == arrived);
	must(memcmp(conn->input.bytes, bytes + line_length, conn->input.length) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct builtin *builtin = fake_gate_new(&tcpmux_ops, NULL);
	struct conn *conn;
	size_t piece_max = length > 0 && bytes[0] > 0 ? bytes[0] : 65536;

	builtin->targets = targets;
	conn = fake_gate_connect(builtin);
	if (length > 0) {
		send_in_pieces(conn, bytes + 1, length - 1, piece_max);
		check_answer(conn);
		check_rest(conn, bytes + 1, length - 1, piece_max);
	}
	fake_gate_free(builtin);
	return 0;
}
