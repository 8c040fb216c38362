/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Chat over datagrams: cookies before trust, then the same rooms. */
#include "services/chat_udp.h"
#include "tests/unit/chat_people.h"

#include <sys/socket.h>

static int
set_up(void **state)
{
	*state = fake_gate_new(&chat_ops, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	fake_gate_free(*state);
	return 0;
}

static void
assert_got(const struct builtin *gate, const struct datagram_peer *peer, const char *part)
{
	static char text[1 << 20];

	read_datagrams(gate, peer, text, sizeof(text));
	assert_text(text, part);
}

/* --- before the proof */

static void
stranger_gets_a_cookie_and_nothing_else(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");

	send_datagram(gate, &peer, "hello chat, let me in please\n");
	assert_int_equal(gate->datagram_count, 1);
	assert_true(gate->datagrams[0].is_reply);
	assert_text(gate->datagrams[0].bytes, "Say /cookie ");
	fake_conn_send(ann, "hello\n/who *\n");
	assert_int_equal(gate->datagram_count, 1);
	assert_heard_only(ann, "*** 1 in all rooms:\r\n***   ann in lobby (0s)\r\n");
}

static void
no_answer_to_a_stranger_is_longer_than_its_question(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	char question[64];

	gate->reply_budget = 4096; /* it does not count on the budget */
	memset(question, 'x', sizeof(question));
	for (size_t length = 0; length <= sizeof(question); length++) {
		fake_gate_forget_datagrams(gate);
		fake_gate_datagram(gate, &peer, question, length);
		for (size_t i = 0; i < gate->datagram_count; i++)
			assert_true(gate->datagrams[i].length <= length);
		assert_true(length < 6 || gate->datagram_count == 1);
	}
	assert_int_equal(gate->reply_budget, 4096);
}

static void
answers_to_strangers_get_no_answer_themselves(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1), other = fake_peer(2);
	char offer[64];

	/* The other side may be another chat, or an echo: neither is let in nor answered. */
	send_datagram(gate, &peer, "hello chat, let me in please\n");
	(void)snprintf(offer, sizeof(offer), "%s", fake_gate_last_to(gate, &peer)->bytes);
	send_datagram(gate, &other, "hello\n");
	assert_string_equal(fake_gate_last_to(gate, &other)->bytes, "more\n");
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, offer);
	send_datagram(gate, &other, "more\n");
	send_datagram(gate, &other, "/cookie 0123456789ab and more of it\n");
	assert_int_equal(gate->datagram_count, 0);
}

static void
cookie_lets_in_and_asks_for_a_name(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);

	prove(gate, &peer, "\r\n");
	assert_got(gate, &peer, "*** Welcome to the chat.");
	assert_got(gate, &peer, "Your name [guest1]: \r\n");
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, "\n");
	assert_got(gate, &peer, "*** You are guest1.\r\n");
}

static void
name_may_follow_the_cookie(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");

	prove(gate, &peer, " bot\nhello\n");
	assert_heard_only(ann, "*** bot has joined\r\n<bot> hello\r\n");
}

static void
cookie_of_another_peer_is_worth_nothing(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1), thief = fake_peer(2);
	char line[64];

	send_datagram(gate, &peer, "hello chat, let me in please\n");
	(void)snprintf(line, sizeof(line), "%s", fake_gate_last_to(gate, &peer)->bytes + 4);
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &thief, line);
	assert_int_equal(gate->datagram_count, 0);
	send_datagram(gate, &peer, line);
	assert_true(gate->datagram_count > 0);
}

static void
cookie_is_good_for_a_minute_and_not_for_three(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	char line[64];

	send_datagram(gate, &peer, "hello chat, let me in please\n");
	(void)snprintf(line, sizeof(line), "%s", fake_gate_last_to(gate, &peer)->bytes + 4);
	fake_gate_advance(gate, 180000);
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, line);
	assert_int_equal(gate->datagram_count, 0);
	send_datagram(gate, &peer, "hello chat, let me in please\n");
	(void)snprintf(line, sizeof(line), "%s", fake_gate_last_to(gate, &peer)->bytes + 4);
	fake_gate_advance(gate, 60000);
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, line);
	assert_true(gate->datagram_count > 0);
}

static void
unix_peer_without_a_name_is_ignored(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = { .address = { .family = AF_UNIX } };

	send_datagram(gate, &peer, "hello chat, let me in please\n");
	assert_int_equal(gate->datagram_count, 0);
	memcpy(peer.path, "/run/me", 8);
	peer.path_length = 8;
	send_datagram(gate, &peer, "hello chat, let me in please\n");
	assert_int_equal(gate->datagram_count, 1);
}

/* --- after it */

static void
datagram_and_stream_users_share_rooms_names_and_commands(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");

	prove(gate, &peer, " ANN\n");
	assert_got(gate, &peer, "*** The name ann is taken.\r\n");
	send_datagram(gate, &peer, "bob");
	fake_conn_forget(ann);
	fake_gate_forget_datagrams(gate);
	fake_conn_send(ann, "hello bob\n/msg bob psst\n");
	assert_got(gate, &peer, "<ann> hello bob\r\n[ann] psst\r\n");
	send_datagram(gate, &peer, "hello ann\r\n/me waves\r\n");
	assert_heard(ann, "<bob> hello ann\r\n* bob waves\r\n");
	send_datagram(gate, &peer, "/quit bye\n");
	assert_heard(ann, "*** bob has left (bye)\r\n");
	assert_false(gate->wants_ticks);
}

static void
line_of_a_datagram_needs_no_end(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");

	prove(gate, &peer, " bob");
	fake_conn_forget(ann);
	send_datagram(gate, &peer, "one\ntwo\r\nthree\rfour");
	send_datagram(gate, &peer, "\xff\xfb\x01"); /* no telnet here: that is no UTF-8 */
	assert_heard_only(ann,
		"<bob> one\r\n<bob> two\r\n<bob> three\r\n<bob> four\r\n"
		"<bob> \xef\xbf\xbd\xef\xbf\xbd\r\n");
}

static void
proof_that_arrives_twice_is_no_line(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	char line[64];

	send_datagram(gate, &peer, "hello chat, let me in please\n");
	(void)snprintf(line, sizeof(line), "%s", fake_gate_last_to(gate, &peer)->bytes + 4);
	send_datagram(gate, &peer, line);
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, &peer, line);
	assert_int_equal(gate->datagram_count, 0);
}

static void
silent_peer_has_left_and_others_stay(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1), lively = fake_peer(2);
	struct conn *ann = come_in(gate, "ann");

	prove(gate, &peer, " bob\n");
	prove(gate, &lively, " eve\n");
	assert_true(gate->wants_ticks);
	fake_conn_forget(ann);
	fake_gate_advance(gate, 200000);
	fake_gate_datagram(gate, &lively, "",
		0); /* an empty datagram says no more than: I am here */
	fake_gate_advance(gate, 99000);
	assert_heard_only(ann, "");
	fake_gate_advance(gate, 2000);
	assert_heard_only(ann, "*** bob has left (was silent)\r\n");
	fake_gate_forget_datagrams(gate);
	fake_conn_send(ann, "who is there?\n");
	assert_null(fake_gate_last_to(gate, &peer));
	assert_non_null(fake_gate_last_to(gate, &lively));
}

static void
flood_over_datagrams_is_cut_as_well(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");

	prove(gate, &peer, " bob\n");
	fake_conn_forget(ann);
	fake_gate_advance(gate, 10000);
	for (int i = 0; i < 15; i++)
		send_datagram(gate, &peer, "x\n");
	assert_int_equal(strlen(fake_conn_text(ann)), 10 * strlen("<bob> x\r\n"));
	for (int i = 0; i < 600; i++)
		send_datagram(gate, &peer, "x\n");
	assert_heard(ann, "*** bob has left (talked too fast)\r\n");
}

static void
long_texts_go_in_datagrams_of_whole_lines(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer = fake_peer(1);
	struct conn *ann = come_in(gate, "ann");
	static char line[1000];
	size_t count = 0;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 8; i++)
		fake_conn_send_bytes(ann, line, sizeof(line));
	prove(gate, &peer, " bob\n");
	for (size_t i = 0; i < gate->datagram_count; i++) {
		const struct fake_datagram *datagram = &gate->datagrams[i];

		assert_true(datagram->length <= CHAT_UDP_PACK);
		count += datagram->bytes[0] == '|';
		assert_int_equal(datagram->bytes[datagram->length - 1], '\n');
	}
	assert_int_equal(count, 7); /* the first of the eight goes with the lines before it */
}

static void
datagram_users_are_bounded(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer;

	gate->reply_budget = 0;
	for (uint32_t i = 0; i < CHAT_UDP_USERS_MAX + 1; i++) {
		peer = fake_peer(1);
		peer.address.ip.v4.s_addr = htonl(0x0a000001 + i);
		prove(gate, &peer, "\n");
		assert_true(i == CHAT_UDP_USERS_MAX || fake_gate_last_to(gate, &peer)->length > 10);
	}
	assert_string_equal(fake_gate_last_to(gate, &peer)->bytes, "*** Full\r\n");
}

static void
one_address_has_few_users_and_leaves_room_for_others(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer;

	for (uint16_t i = 0; i < CHAT_UDP_PER_ADDRESS; i++) {
		peer = fake_peer(i);
		prove(gate, &peer, "\n");
		assert_got(gate, &peer, "*** Welcome");
	}
	peer = fake_peer(CHAT_UDP_PER_ADDRESS);
	prove(gate, &peer, "\n");
	assert_string_equal(fake_gate_last_to(gate, &peer)->bytes, "*** Full\r\n");
	peer.address.ip.v4.s_addr = htonl(INADDR_LOOPBACK + 1);
	prove(gate, &peer, "\n");
	assert_got(gate, &peer, "*** Welcome");
	peer = fake_peer(0);
	send_datagram(gate, &peer, "/quit\n");
	peer = fake_peer(CHAT_UDP_PER_ADDRESS);
	prove(gate, &peer, "\n");
	assert_got(gate, &peer, "*** Welcome");
}

static struct datagram_peer
ipv6_peer(uint8_t network, uint8_t host)
{
	struct datagram_peer peer = fake_peer(1);

	peer.address.family = AF_INET6;
	peer.address.ip.v6 = (struct in6_addr){ .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0,
							network, [15] = host } };
	return peer;
}

static void
addresses_of_one_ipv6_network_count_as_one(void **state)
{
	struct builtin *gate = *state;
	struct datagram_peer peer;

	for (uint8_t i = 0; i < CHAT_UDP_PER_ADDRESS; i++) {
		peer = ipv6_peer(1, i);
		prove(gate, &peer, "\n");
		assert_got(gate, &peer, "*** Welcome");
	}
	peer = ipv6_peer(1, CHAT_UDP_PER_ADDRESS);
	prove(gate, &peer, "\n");
	assert_string_equal(fake_gate_last_to(gate, &peer)->bytes, "*** Full\r\n");
	peer = ipv6_peer(2, 1);
	prove(gate, &peer, "\n");
	assert_got(gate, &peer, "*** Welcome");
}

static void
unix_peers_are_not_counted_by_address(void **state)
{
	struct builtin *gate = *state;

	for (int i = 0; i < CHAT_UDP_PER_ADDRESS + 1; i++) {
		struct datagram_peer peer = { .address = { .family = AF_UNIX }, .listener = 1 };

		peer.path_length = (uint32_t)snprintf(peer.path, sizeof(peer.path), "/a/%d", i);
		prove(gate, &peer, "\n");
		assert_got(gate, &peer, "*** Welcome");
	}
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(stranger_gets_a_cookie_and_nothing_else),
		CLAIM(no_answer_to_a_stranger_is_longer_than_its_question),
		CLAIM(answers_to_strangers_get_no_answer_themselves),
		CLAIM(cookie_lets_in_and_asks_for_a_name),
		CLAIM(name_may_follow_the_cookie),
		CLAIM(cookie_of_another_peer_is_worth_nothing),
		CLAIM(cookie_is_good_for_a_minute_and_not_for_three),
		CLAIM(unix_peer_without_a_name_is_ignored),
		CLAIM(datagram_and_stream_users_share_rooms_names_and_commands),
		CLAIM(line_of_a_datagram_needs_no_end),
		CLAIM(proof_that_arrives_twice_is_no_line),
		CLAIM(silent_peer_has_left_and_others_stay),
		CLAIM(flood_over_datagrams_is_cut_as_well),
		CLAIM(long_texts_go_in_datagrams_of_whole_lines),
		CLAIM(datagram_users_are_bounded),
		CLAIM(one_address_has_few_users_and_leaves_room_for_others),
		CLAIM(addresses_of_one_ipv6_network_count_as_one),
		CLAIM(unix_peers_are_not_counted_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
