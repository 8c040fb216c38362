/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o src/supervisor/saved_state.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Any bytes as what another program has left: the supervisor's state, a chat, a user of it. What is
 * taken and written is the same when that is read and written again. The first byte says which it
 * is. */
#include "services/chat_saved.h"
#include "supervisor/saved_state.h"
#include "tests/unit/fake_gate.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define TEXT_MAX (1U << 20)

static int
write_again(void *owner, unsigned int kind, void *row)
{
	saved_add(owner, kind, row);
	return 0;
}

/* Write again what is read: false if it is not taken. */
static bool
copy_state(const char *text, size_t length, struct textbuf *ret_copy)
{
	struct saved_writer writer = { .form = &saved_state_form, .text = ret_copy };
	const struct saved_reader reader = { .take = write_again, .owner = &writer };
	struct saved_mistake mistake;

	saved_begin(&writer);
	if (saved_read(&saved_state_form, text, length, &reader, &mistake) < 0)
		return false;
	saved_end(&writer);
	return textbuf_error(ret_copy) == 0;
}

/* What an older version wrote is written in today's. */
static void
read_state(const char *text, size_t length)
{
	struct textbuf once = TEXTBUF_INIT(4 * TEXT_MAX);
	struct textbuf twice = TEXTBUF_INIT(4 * TEXT_MAX);

	if (copy_state(text, length, &once) &&
		(!copy_state(once.text, once.length, &twice) || twice.length != once.length ||
			memcmp(twice.text, once.text, once.length) != 0))
		abort();
	textbuf_fini(&once);
	textbuf_fini(&twice);
}

/* Whatever came in, the chat goes on, and what it would leave itself can be read. */
static void
read_chat(const char *text, size_t length, bool is_user)
{
	struct service_ops silent = chat_ops;
	struct builtin *gate, *next;
	struct textbuf again = TEXTBUF_INIT(16 * TEXT_MAX);
	struct conn *conn;

	silent.open = NULL;
	gate = fake_gate_new(&silent, NULL);
	next = fake_gate_new(&silent, NULL);
	conn = fake_gate_connect(gate);
	if (is_user) {
		if (chat_ops.restore_conn(conn, text, length) == 0)
			fake_conn_send(conn, "hello\n/who\n/rooms\n");
		else
			fake_conn_reset(conn, ENDING_ERROR);
	} else {
		(void)chat_ops.restore(gate, text, length);
		fake_gate_advance(gate, 2000);
		chat_ops.save(gate, &again);
		if (chat_ops.restore(next, again.text, again.length) < 0)
			abort();
		fake_conn_reset(conn, ENDING_CLIENT_RESET);
	}
	textbuf_fini(&again);
	fake_gate_free(gate);
	fake_gate_free(next);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *text = (const char *)bytes + 1;

	if (length < 1 || length > TEXT_MAX)
		return 0;
	if (bytes[0] == 's')
		read_state(text, length - 1);
	else
		read_chat(text, length - 1, bytes[0] == 'u');
	return 0;
}
