/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Chat over an upgrade: what one gate saves, another goes on with. */
#include "services/chat_saved.h"
#include "services/chat_text.h"
#include "tests/unit/chat_people.h"

#include <errno.h>
#include <inttypes.h>

#define TEXT_MAX (1U << 20)

/* The gate that comes: a connection that is restored is not opened. */
static struct service_ops silent;

struct saved {
	struct textbuf chat;
	struct textbuf ann;
	struct textbuf bob;
};

static int
set_up(void **state)
{
	silent = chat_ops;
	silent.open = NULL;
	*state = fake_gate_new(&chat_ops, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	fake_gate_free(*state);
	return 0;
}

/* Two in a room with a topic and a history, one of whom has begun a line; and one by datagrams. */
static void
populate(struct builtin *gate, struct saved *saved)
{
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob = come_in(gate, "bob");
	struct datagram_peer peer = fake_peer(1);

	fake_conn_send(ann, "/join games\n/topic what lasts\n");
	fake_conn_send(bob, "/join games\n");
	fake_conn_send(ann, "before\n");
	fake_conn_send(bob, "half a li");
	prove(gate, &peer, " eve\n");
	*saved = (struct saved){ TEXTBUF_INIT(TEXT_MAX), TEXTBUF_INIT(TEXT_MAX),
		TEXTBUF_INIT(TEXT_MAX) };
	chat_ops.save(gate, &saved->chat);
	chat_ops.save_conn(ann, &saved->ann);
	chat_ops.save_conn(bob, &saved->bob);
	assert_int_equal(textbuf_error(&saved->chat), 0);
}

static void
saved_free(struct saved *saved)
{
	textbuf_fini(&saved->chat);
	textbuf_fini(&saved->ann);
	textbuf_fini(&saved->bob);
}

static int
restore_conn(struct builtin *gate, const struct textbuf *text, struct conn **ret_conn)
{
	*ret_conn = fake_gate_connect(gate);
	return chat_ops.restore_conn(*ret_conn, text->text, text->length);
}

static void
names_rooms_topics_histories_and_half_lines_go_on(void **state)
{
	struct builtin *gate = fake_gate_new(&silent, NULL);
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann, *bob, *cyd;
	struct saved saved;
	char text[4096];

	populate(*state, &saved);
	gate->now = ((struct builtin *)*state)->now;
	assert_int_equal(chat_ops.restore(gate, saved.chat.text, saved.chat.length), 0);
	assert_int_equal(restore_conn(gate, &saved.ann, &ann), 0);
	assert_int_equal(restore_conn(gate, &saved.bob, &bob), 0);
	assert_heard_only(ann, "");
	fake_conn_send(bob, "ne\n");
	assert_heard_only(ann, "<bob> half a line\r\n");
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, "/msg ann psst\n");
	assert_heard(ann, "[eve] psst\r\n");
	read_datagrams(gate, &peer, text, sizeof(text));
	assert_text(text, "-> [ann] psst");
	gate->ops = &chat_ops;
	cyd = come_in(gate, "cyd");
	fake_conn_send(cyd, "/join games\n");
	assert_heard(cyd, "*** Topic: what lasts (ann, ");
	assert_heard(cyd, "<ann> before\r\n");
	fake_gate_free(gate);
	saved_free(&saved);
}

static void
who_is_being_asked_for_a_name_still_is(void **state)
{
	struct builtin *gate = fake_gate_new(&silent, NULL);
	struct textbuf chat = TEXTBUF_INIT(TEXT_MAX), user = TEXTBUF_INIT(TEXT_MAX);
	struct conn *conn = fake_gate_connect(*state);

	chat_ops.save(*state, &chat);
	chat_ops.save_conn(conn, &user);
	assert_int_equal(chat_ops.restore(gate, chat.text, chat.length), 0);
	assert_int_equal(restore_conn(gate, &user, &conn), 0);
	fake_conn_send(conn, "dan\n");
	assert_heard(conn, "*** You are dan.\r\n");
	fake_gate_free(gate);
	textbuf_fini(&chat);
	textbuf_fini(&user);
}

static void
a_name_is_given_once_and_rooms_that_nobody_comes_back_to_end(void **state)
{
	struct builtin *gate = fake_gate_new(&silent, NULL);
	struct conn *conn;
	struct saved saved;

	populate(*state, &saved);
	assert_int_equal(chat_ops.restore(gate, saved.chat.text, saved.chat.length), 0);
	assert_int_equal(restore_conn(gate, &saved.ann, &conn), 0);
	assert_int_equal(restore_conn(gate, &saved.ann, &conn), -EPROTO);
	fake_gate_free(gate);
	gate = fake_gate_new(&silent, NULL);
	assert_int_equal(chat_ops.restore(gate, saved.chat.text, saved.chat.length), 0);
	fake_gate_advance(gate, 2000);
	assert_int_equal(restore_conn(gate, &saved.ann, &conn), -EPROTO);
	fake_gate_free(gate);
	saved_free(&saved);
}

static void
a_text_that_is_cut_anywhere_is_refused(void **state)
{
	struct saved saved;

	populate(*state, &saved);
	for (size_t length = 0; length < saved.chat.length; length += 7) {
		struct builtin *gate = fake_gate_new(&silent, NULL);

		assert_int_equal(chat_ops.restore(gate, saved.chat.text, length), -EPROTO);
		fake_gate_free(gate);
	}
	for (size_t length = 0; length < saved.ann.length; length++) {
		struct builtin *gate = fake_gate_new(&silent, NULL);
		struct textbuf cut = { .text = saved.ann.text, .length = length };
		struct conn *conn;

		assert_int_equal(restore_conn(gate, &cut, &conn), -EPROTO);
		fake_gate_free(gate);
	}
	saved_free(&saved);
}

/* With another word for the first field of that name. */
static void
forge(const struct textbuf *text, const char *field, const char *word, struct textbuf *ret_forged)
{
	const char *place = strstr(text->text, field);

	assert_non_null(place);
	place += strlen(field);
	textbuf_add_bytes(ret_forged, text->text, (size_t)(place - text->text));
	textbuf_add(ret_forged, word);
	textbuf_add(ret_forged, place + strcspn(place, " \n"));
}

static void
a_moment_that_no_clock_shows_is_taken_for_one_that_was(void **state)
{
	const int64_t moments[] = { INT64_MIN, 1, INT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		struct builtin *gate = fake_gate_new(&silent, NULL);
		struct textbuf chat = TEXTBUF_INIT(TEXT_MAX), user = TEXTBUF_INIT(TEXT_MAX);
		int64_t moment = moments[i] == 1 ? gate->now - INT64_MAX : moments[i];
		char age[CHAT_AGE_BYTES], heard[64], word[32];
		struct saved saved;
		struct conn *ann, *bob;

		populate(*state, &saved);
		(void)snprintf(word, sizeof(word), "%" PRId64, moment);
		forge(&saved.chat, "said_at=", word, &chat);
		forge(&saved.bob, "filled_at=", word, &user);
		assert_int_equal(chat_ops.restore(gate, chat.text, chat.length), 0);
		assert_int_equal(restore_conn(gate, &saved.ann, &ann), 0);
		assert_int_equal(restore_conn(gate, &user, &bob), 0);
		fake_conn_send(bob, "ne\n/join den\n/join games\n");
		chat_text_age(moment == INT64_MAX ? 0 : gate->now, age);
		(void)snprintf(heard, sizeof(heard), "| %s <ann> before\r\n", age);
		assert_heard(bob, heard);
		fake_gate_free(gate);
		textbuf_fini(&chat);
		textbuf_fini(&user);
		saved_free(&saved);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

static void
what_could_steer_a_terminal_or_be_taken_for_another_line_is_refused(void **state)
{
	static const struct {
		const char *field, *word;
		int result;
	} rows[] = {
		{ "topic=", "caf%c3%a9", 0 },
		{ "topic=", "a%1b[31mb", -EPROTO },
		{ "topic=", "a%0d%0ab", -EPROTO },
		{ "topic=", "caf%e9", -EPROTO },
		{ "topic_by=", "bob", 0 },
		{ "topic_by=", "bob%1b", -EPROTO },
		{ "line=", "<ann>%20caf%c3%a9%0d%0a", 0 },
		{ "line=", "<ann>%20a%9bb%0d%0a", -EPROTO },
		{ "line=", "<ann>%20a%0d%0a<bob>%20b%0d%0a", -EPROTO },
		{ "line=", "<ann>%20a", -EPROTO },
		{ "line=", "-", -EPROTO },
	};
	struct saved saved;

	populate(*state, &saved);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct builtin *gate = fake_gate_new(&silent, NULL);
		struct textbuf chat = TEXTBUF_INIT(TEXT_MAX);
		int result;

		forge(&saved.chat, rows[i].field, rows[i].word, &chat);
		result = chat_ops.restore(gate, chat.text, chat.length);
		if (result != rows[i].result)
			fail_msg("%s%s: %d", rows[i].field, rows[i].word, result);
		fake_gate_free(gate);
		textbuf_fini(&chat);
	}
	saved_free(&saved);
}

/* The first line that begins so; `beginning` begins with the end of the line before. */
static void
add_line(const struct textbuf *text, const char *beginning, struct textbuf *ret_text)
{
	const char *line = strstr(text->text, beginning);

	assert_non_null(line);
	textbuf_add_bytes(ret_text, line + 1, strcspn(line + 1, "\n") + 1);
}

static void
a_key_behind_whom_it_finds_is_refused(void **state)
{
	struct builtin *gate = fake_gate_new(&silent, NULL);
	struct textbuf chat = TEXTBUF_INIT(TEXT_MAX);
	struct saved saved;

	populate(*state, &saved);
	textbuf_add_bytes(&chat, saved.chat.text, strcspn(saved.chat.text, "\n") + 1);
	add_line(&saved.chat, "\npeer ", &chat);
	add_line(&saved.chat, "\nchat ", &chat);
	textbuf_add(&chat, "end 2\n");
	assert_int_equal(chat_ops.restore(gate, chat.text, chat.length), -EPROTO);
	fake_gate_free(gate);
	textbuf_fini(&chat);
	saved_free(&saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CLAIM(names_rooms_topics_histories_and_half_lines_go_on),
		CLAIM(who_is_being_asked_for_a_name_still_is),
		CLAIM(a_name_is_given_once_and_rooms_that_nobody_comes_back_to_end),
		CLAIM(a_text_that_is_cut_anywhere_is_refused),
		CLAIM(a_moment_that_no_clock_shows_is_taken_for_one_that_was),
		CLAIM(what_could_steer_a_terminal_or_be_taken_for_another_line_is_refused),
		CLAIM(a_key_behind_whom_it_finds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
