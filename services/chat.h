/* SPDX-License-Identifier: ISC */
/* chat: rooms for people with nc and telnet, and for programs. What the files of chat share.
 *
 * What a user reads are lines of UTF-8 that end with CR LF and begin with who speaks:
 *
 *   <ann> text       ann says it in the room
 *   * ann text       ann does it (/me)
 *   [ann] text       ann says it to you alone (/msg)
 *   -> [bob] text    you said it to bob alone
 *   | 5m <ann> text  earlier: the history that one is shown on entering, and its age
 *   *** text         the chat itself
 *
 * Names hold none of <>[]*|, so nobody can write a line that looks like another kind. Only the
 * prompt for a name, on a stream, has no line end; whatever follows it begins with one. Nobody is
 * sent what he said in the room (his terminal shows it), except what /me and /msg made of it.
 *
 * A stream user lives in the state of his connection, a datagram user (chat_udp.c) by himself.
 * Whoever has to go while others are being served is doomed first: marked, put on a list, told
 * and telling nothing more. chat_bury, at the end of each callback, takes them out one by one;
 * so no array changes under a loop, and farewells that doom more users do not recurse. */
#ifndef REEVE_CHAT_H
#define REEVE_CHAT_H

#include "base/siphash.h"
#include "services/chat_name.h"
#include "services/chat_table.h"
#include "services/chat_telnet.h"
#include "services/chat_text.h"
#include "services/service.h"

#include "base/textbuf.h"

#define CHAT_LINE_MAX 8192  /* what chat_line may be at most */
#define CHAT_TEXT_MAX 61440 /* one thing to say to one user; less than a gate holds for him */

struct chat_past;
struct chat_room;
struct chat_udp;

enum chat_stage {
	CHAT_NAMING,  /* has been asked for a name */
	CHAT_TALKING, /* has one, and is in a room */
	CHAT_DOOMED,  /* waits for chat_bury */
	CHAT_GONE,    /* the connection was told to end */
};

struct chat_user {
	struct chat *chat;
	struct conn *conn;      /* NULL: a datagram user */
	struct chat_room *room; /* NULL: has no name yet, or has left */
	struct chat_link by_name;
	struct chat_user *next_doomed;
	char *partial;    /* a line whose end has not come; NULL: none */
	msec heard_at;    /* his last line */
	msec filled_at;   /* when `tokens` was brought up to date */
	uint32_t tokens;  /* for lines, in thousandths */
	uint32_t strikes; /* lines that he sent without a token since the bucket was full */
	uint32_t place;   /* in room->members */
	uint32_t guest;   /* number of the name offered to him */
	uint32_t skipped; /* bytes of the line that is being skipped, since the last charge */
	uint16_t partial_length;
	uint8_t stage;  /* enum chat_stage */
	uint8_t ending; /* enum ending; of a doomed one */
	uint8_t refused_names;
	bool is_prompted : 1; /* the last thing he was sent is a prompt */
	bool is_skipping : 1; /* the rest of a line that was too long */
	bool was_return : 1;  /* the last byte was a CR: LF or NUL belong to it */
	bool was_told_utf8 : 1;
	bool was_told_flood : 1;
	struct chat_telnet telnet;
	char name[CHAT_NAME_BYTES + 1]; /* "": none */
};

/* Ten thousand of them are a crowd, not a load. */
_Static_assert(sizeof(struct chat_user) <= 300, "an idle user costs too much");

struct chat {
	struct builtin *builtin;
	struct siphash_key key;
	struct textbuf text; /* what is being said; filled and sent within one function */
	struct chat_user *doomed;

	struct chat_table users; /* by name */
	uint32_t next_guest;

	struct chat_table rooms;                  /* by name */
	struct chat_room *first_room, *last_room; /* in the order of their beginnings */
	struct chat_room *lobby;
	uint32_t crowds_due; /* rooms that have notices to sum up */
	size_t history_bytes;

	uint32_t deliveries; /* that may still be made, and when they were counted */
	msec deliveries_at;

	struct chat_udp *udp;
	bool is_restored; /* rooms may be empty; the next tick looks */

	size_t line_length;
	char line[CHAT_LINE_MAX];      /* raw, as it comes in */
	char clean[CHAT_LINE_MAX + 1]; /* the same, as others may see it */
};

/* A line of `user` is complete. `was_cut`: it was longer than `line`. */
void chat_take_line(struct chat_user *user, const char *line, size_t length, bool was_cut);

/* The longest line now (options change). */
size_t chat_line_max(const struct chat *chat);

/* Have names, and whatever else is hashed, found by another key: of a chat that nobody is in. */
void chat_set_key(struct chat *chat, struct siphash_key key);

/* Ticks are asked for only while something waits for them. */
void chat_update_ticks(struct chat *chat);

#endif
