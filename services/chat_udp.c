/* SPDX-License-Identifier: ISC */
/* Datagram users of chat, and how a stranger becomes one. */
#include "services/chat_udp.h"

#include "services/chat_user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OFFER "Say "
#define PROOF "/cookie "
#define OFFER_LENGTH (sizeof(OFFER PROOF) - 1 + CHAT_COOKIE_DIGITS + 2)
#define HINT "more\n"

struct chat_udp {
	struct chat_table users; /* by peer */
	struct udp_user *longest_silent, *last_heard;
};

struct udp_user {
	struct chat_user user;
	struct chat_link by_peer;
	struct udp_user *earlier, *later; /* in the order of their last datagrams */
	msec alive_at;
	struct datagram_peer peer;
};

/* --- peers */

static char *
put_address(char *to, const struct netaddr *address)
{
	size_t length = 0;

	if (address->family == AF_INET)
		length = sizeof(address->ip.v4);
	else if (address->family == AF_INET6)
		length = sizeof(address->ip.v6);
	memcpy(to, &address->family, sizeof(address->family));
	memcpy(to + 2, &address->port, sizeof(address->port));
	memcpy(to + 4, &address->scope, sizeof(address->scope));
	memcpy(to + 8, &address->ip, length);
	return to + 8 + length;
}

/* Only what says who the peer is: padding and unused bytes of an address have no value. `number`
 * sets one use of the hash apart from another. */
static uint64_t
hash_peer(const struct chat *chat, const struct datagram_peer *peer, int64_t number)
{
	char bytes[256];
	char *end = bytes;

	memcpy(end, &number, sizeof(number));
	end = put_address(end + sizeof(number), &peer->address);
	end = put_address(end, &peer->local);
	memcpy(end, &peer->listener, sizeof(peer->listener));
	end += sizeof(peer->listener);
	memcpy(end, peer->path, peer->path_length);
	end += peer->path_length;
	return siphash(&chat->key, bytes, (size_t)(end - bytes));
}

#define NUMBER_OF_TABLE (-1) /* minutes are never negative */

static struct udp_user *
find_user(const struct chat *chat, const struct datagram_peer *peer)
{
	struct chat_link *link;

	link = chat_table_first(&chat->udp->users, hash_peer(chat, peer, NUMBER_OF_TABLE));
	for (; link; link = chat_table_next(link)) {
		struct udp_user *udp_user = CONTAINER_OF(link, struct udp_user, by_peer);

		if (datagram_peer_equal(&udp_user->peer, peer))
			return udp_user;
	}
	return NULL;
}

static void
add_to_order(struct chat_udp *udp, struct udp_user *udp_user)
{
	udp_user->later = NULL;
	udp_user->earlier = udp->last_heard;
	if (udp->last_heard)
		udp->last_heard->later = udp_user;
	else
		udp->longest_silent = udp_user;
	udp->last_heard = udp_user;
}

static void
remove_from_order(struct chat_udp *udp, struct udp_user *udp_user)
{
	if (udp_user->earlier)
		udp_user->earlier->later = udp_user->later;
	else
		udp->longest_silent = udp_user->later;
	if (udp_user->later)
		udp_user->later->earlier = udp_user->earlier;
	else
		udp->last_heard = udp_user->earlier;
}

/* --- cookies */

static uint64_t
make_cookie(const struct chat *chat, const struct datagram_peer *peer, int64_t minute)
{
	return hash_peer(chat, peer, minute) >> (64 - 4 * CHAT_COOKIE_DIGITS);
}

static int64_t
this_minute(const struct chat *chat)
{
	return builtin_now(chat->builtin) / CHAT_COOKIE_SPAN;
}

static bool
ends_a_word(char byte)
{
	return byte == ' ' || byte == '\r' || byte == '\n';
}

/* Read the digits at `text`; -1 if they are not there or more follows them. */
static int64_t
read_cookie(const char *text, size_t length)
{
	int64_t cookie = 0;

	if (length < CHAT_COOKIE_DIGITS)
		return -1;
	for (size_t i = 0; i < CHAT_COOKIE_DIGITS; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit =
			strchr(digits, text[i] | ('A' <= text[i] && text[i] <= 'F' ? 32 : 0));

		if (!digit || *digit == '\0')
			return -1;
		cookie = cookie << 4 | (digit - digits);
	}
	if (length > CHAT_COOKIE_DIGITS && !ends_a_word(text[CHAT_COOKIE_DIGITS]))
		return -1;
	return cookie;
}

static bool
is_good_cookie(const struct chat *chat, const struct datagram_peer *peer, int64_t cookie)
{
	int64_t minute = this_minute(chat);

	return cookie >= 0 &&
		((uint64_t)cookie == make_cookie(chat, peer, minute) ||
			(minute > 0 && (uint64_t)cookie == make_cookie(chat, peer, minute - 1)));
}

/* --- lines */

static void
take_lines(struct chat_user *user, const char *bytes, size_t length)
{
	size_t max = chat_line_max(user->chat);

	for (size_t at = 0; at < length && user->stage < CHAT_DOOMED;) {
		const char *line = bytes + at;
		size_t end = 0;

		while (at + end < length && line[end] != '\r' && line[end] != '\n')
			end++;
		chat_take_line(user, line, end < max ? end : max, end > max);
		at += end + 1;
		if (at < length && line[end] == '\r' &&
			(line[end + 1] == '\n' || line[end + 1] == '\0'))
			at++;
	}
}

/* The lower half of an IPv6 address is its host's to choose. */
static bool
is_same_source(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->ip.v4.s_addr == b->ip.v4.s_addr;
	return a->scope == b->scope && memcmp(&a->ip.v6, &b->ip.v6, 8) == 0;
}

/* Looked for one by one: users are bounded, and they seldom begin. */
static bool
has_place_for(const struct chat_udp *udp, const struct datagram_peer *peer)
{
	unsigned count = 0;

	if (udp->users.count >= CHAT_UDP_USERS_MAX)
		return false;
	if (peer->address.family == AF_UNIX)
		return true;
	for (const struct udp_user *user = udp->longest_silent; user; user = user->later)
		count += is_same_source(&user->peer.address, &peer->address);
	return count < CHAT_UDP_PER_ADDRESS;
}

static struct udp_user *
add_user(struct chat *chat, const struct datagram_peer *peer, msec alive_at)
{
	struct udp_user *udp_user = calloc(1, sizeof(*udp_user));

	if (!udp_user)
		return NULL;
	udp_user->peer = *peer;
	udp_user->alive_at = alive_at;
	udp_user->by_peer.hash = hash_peer(chat, peer, NUMBER_OF_TABLE);
	chat_table_add(&chat->udp->users, &udp_user->by_peer);
	add_to_order(chat->udp, udp_user);
	return udp_user;
}

static struct udp_user *
begin_user(struct chat *chat, const struct datagram *datagram)
{
	struct udp_user *udp_user;

	if (!has_place_for(chat->udp, datagram->peer)) {
		(void)datagram_reply(datagram, "*** Full\r\n", strlen("*** Full\r\n"));
		return NULL;
	}
	udp_user = add_user(chat, datagram->peer, builtin_now(chat->builtin));
	if (udp_user)
		chat_user_begin(&udp_user->user, chat, NULL);
	return udp_user;
}

/* "/cookie 0123456789ab" has come, and what follows is the first that the new user says. A wrong
 * one gets no answer, not even a new cookie: two chats could answer each other for ever. */
static void
take_proof(struct chat *chat, const struct datagram *datagram)
{
	size_t at = strlen(PROOF);
	int64_t cookie = read_cookie(datagram->bytes + at, datagram->length - at);
	struct udp_user *udp_user;

	if (!is_good_cookie(chat, datagram->peer, cookie))
		return;
	udp_user = begin_user(chat, datagram);
	if (!udp_user)
		return;
	at += CHAT_COOKIE_DIGITS;
	while (at < datagram->length && datagram->bytes[at] == ' ')
		at++;
	if (at < datagram->length && datagram->bytes[at] == '\r')
		at++;
	if (at < datagram->length && datagram->bytes[at] == '\n')
		at++;
	take_lines(&udp_user->user, datagram->bytes + at, datagram->length - at);
}

static bool
begins_with(const struct datagram *datagram, const char *prefix)
{
	size_t length = strlen(prefix);

	return datagram->length >= length && memcmp(datagram->bytes, prefix, length) == 0;
}

static void
offer_cookie(const struct chat *chat, const struct datagram *datagram)
{
	char offer[OFFER_LENGTH + 1];

	if (begins_with(datagram, OFFER PROOF))
		return;
	if (datagram->length < OFFER_LENGTH) {
		if (datagram->length > strlen(HINT))
			(void)datagram_reply(datagram, HINT, strlen(HINT));
		return;
	}
	(void)snprintf(offer, sizeof(offer), OFFER PROOF "%0*" PRIx64 "\r\n", CHAT_COOKIE_DIGITS,
		make_cookie(chat, datagram->peer, this_minute(chat)));
	(void)datagram_reply(datagram, offer, OFFER_LENGTH);
}

/* A unix socket without a name can't be answered. */
static bool
is_nobody(const struct datagram_peer *peer)
{
	return peer->address.family == AF_UNIX && peer->path_length == 0;
}

void
chat_udp_take(struct chat *chat, const struct datagram *datagram)
{
	struct udp_user *udp_user = find_user(chat, datagram->peer);

	if (!udp_user && is_nobody(datagram->peer))
		return;
	if (!udp_user) {
		if (begins_with(datagram, PROOF))
			take_proof(chat, datagram);
		else
			offer_cookie(chat, datagram);
		return;
	}
	udp_user->alive_at = builtin_now(chat->builtin);
	remove_from_order(chat->udp, udp_user);
	add_to_order(chat->udp, udp_user);
	/* The network may deliver the proof twice; it is no line. */
	if (!begins_with(datagram, PROOF))
		take_lines(&udp_user->user, datagram->bytes, datagram->length);
}

/* --- the other way, and the end */

/* Whole lines, as many as go into a pack; a longer line goes alone. */
static size_t
next_pack(const char *text, size_t length)
{
	size_t pack = CHAT_UDP_PACK;

	if (length <= pack)
		return length;
	while (pack > 0 && text[pack - 1] != '\n')
		pack--;
	if (pack > 0)
		return pack;
	while (pack < length && text[pack] != '\n')
		pack++;
	return pack < length ? pack + 1 : length;
}

void
chat_udp_send(struct chat_user *user, const char *text, size_t length)
{
	struct udp_user *udp_user = CONTAINER_OF(user, struct udp_user, user);

	for (size_t at = 0, pack; at < length; at += pack) {
		pack = next_pack(text + at, length - at);
		datagram_send(user->chat->builtin, &udp_user->peer, text + at, pack);
	}
}

void
chat_udp_expire(struct chat *chat, msec now)
{
	msec silence = builtin_options(chat->builtin)->chat_udp_silence;
	struct udp_user *udp_user = chat->udp->longest_silent;

	for (; udp_user && now - udp_user->alive_at >= silence; udp_user = udp_user->later) {
		chat_user_tell(&udp_user->user, "You were silent for too long. Good bye.");
		chat_user_doom(&udp_user->user, ENDING_IDLE);
	}
}

bool
chat_udp_has_users(const struct chat *chat)
{
	return chat->udp->users.count > 0;
}

void
chat_udp_free_user(struct chat_user *user)
{
	struct udp_user *udp_user = CONTAINER_OF(user, struct udp_user, user);
	struct chat_udp *udp = user->chat->udp;

	remove_from_order(udp, udp_user);
	chat_table_remove(&udp->users, &udp_user->by_peer);
	free(udp_user);
}

int
chat_udp_start(struct chat *chat)
{
	struct chat_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return -ENOMEM;
	if (chat_table_init(&udp->users) < 0) {
		free(udp);
		return -ENOMEM;
	}
	chat->udp = udp;
	return 0;
}

void
chat_udp_stop(struct chat *chat)
{
	while (chat->udp->longest_silent) {
		struct chat_user *user = &chat->udp->longest_silent->user;

		chat_user_depart(user, ENDING_SHUTDOWN);
		chat_udp_free_user(user);
	}
	chat_table_fini(&chat->udp->users);
	free(chat->udp);
	chat->udp = NULL;
}

struct chat_user *
chat_udp_next(const struct chat *chat, const struct chat_user *after,
	struct datagram_peer *ret_peer, msec *ret_alive_at)
{
	const struct udp_user *before =
		after ? CONTAINER_OF((uintptr_t)after, struct udp_user, user) : NULL;
	struct udp_user *next = before ? before->later : chat->udp->longest_silent;

	if (!next)
		return NULL;
	*ret_peer = next->peer;
	*ret_alive_at = next->alive_at;
	return &next->user;
}

struct chat_user *
chat_udp_revive(struct chat *chat, const struct datagram_peer *peer, msec alive_at)
{
	struct udp_user *udp_user = NULL;

	if (!find_user(chat, peer) && has_place_for(chat->udp, peer))
		udp_user = add_user(chat, peer, alive_at);
	if (!udp_user)
		return NULL;
	udp_user->user.chat = chat;
	return &udp_user->user;
}
