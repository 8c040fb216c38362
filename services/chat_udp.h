/* SPDX-License-Identifier: ISC */
/* Datagram users of chat.
 *
 * A datagram is a line, or several. Its source may be forged, so a stranger first gets a cookie,
 * which only a peer that really has this address sees, and sends it back:
 *
 *   person:  hello chat, let me in please
 *   chat:    Say /cookie 0123456789ab
 *   person:  /cookie 0123456789ab          (or, for programs: /cookie 0123456789ab NAME)
 *   chat:    *** Welcome to the chat. ...
 *
 * Until then no answer is longer than its question: one shorter than the cookie's line gets
 * "more" if it is longer than that, else nothing. No answer to a stranger is one that would be
 * answered in turn, by another chat, nor one that a mere echo would turn into the proof. A cookie
 * is a keyed hash of the peer and of the minute: strangers cost no memory. */
#ifndef REEVE_CHAT_UDP_H
#define REEVE_CHAT_UDP_H

#include "services/chat.h"

/* A cookie proves an address, and whoever has one address has all its ports: without the second
 * bound one host could be everybody. People behind one address are few. */
#define CHAT_UDP_USERS_MAX 1000
#define CHAT_UDP_PER_ADDRESS 8 /* an IPv4 address, an IPv6 /64; unix peers have none */
#define CHAT_UDP_PACK 1200     /* lines go together up to this, so that no link needs to cut them */
#define CHAT_COOKIE_DIGITS 12
#define CHAT_COOKIE_SPAN 60000 /* msec; a cookie is good for one to two of them */

/* 0 or -ENOMEM; stop forgets all users without a word. */
int chat_udp_start(struct chat *chat);
void chat_udp_stop(struct chat *chat);

void chat_udp_take(struct chat *chat, const struct datagram *datagram);
void chat_udp_send(struct chat_user *user, const char *text, size_t length);

/* Doom whoever has sent nothing for too long. */
void chat_udp_expire(struct chat *chat, msec now);
bool chat_udp_has_users(const struct chat *chat);

/* Those who are there, one by one (NULL: the first, and at the end), in the order of their last
 * datagrams; put one back behind all others, without a word (NULL: there is no place, he is there
 * already, or no memory). */
struct chat_user *chat_udp_next(const struct chat *chat, const struct chat_user *after,
	struct datagram_peer *ret_peer, msec *ret_alive_at);
struct chat_user *chat_udp_revive(struct chat *chat, const struct datagram_peer *peer,
	msec alive_at);

/* He has departed: forget him. For chat_bury. */
void chat_udp_free_user(struct chat_user *user);

#endif
