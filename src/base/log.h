/* SPDX-License-Identifier: ISC */
/* The log: events, not sentences. Each row of events.def makes `struct event_NAME` and
 * `log_NAME`; LOG(name, .field = value, ...) is how a caller writes one down. The same row
 * gives the readable line, the journal's fields and the man page's table. What a peer chose
 * (names, bytes) is escaped on its way out.
 *
 * Lines are gathered and written once a turn by log_flush, never blocking: when the other end
 * does not take them they are dropped and counted, and the count is the next line written.
 * To the journal and to syslog each event goes at once, as a datagram.
 *
 * A line: 2026-11-21T02:49:06.123Z info conn-ended: a connection ended id=17 service=echo ...
 * A value that is empty, or holds a space, '"', '=', '\' or a byte outside printable ASCII, stands
 * in double quotes; there a quote is \", a backslash \\, and a byte that does not print \xNN.
 * Values are cut at 2,048 bytes. As JSON a line is an object (RFC 8259): time, level, event,
 * msg, process, process_id, and the event's fields, numbers as numbers. */
#ifndef REEVE_LOG_H
#define REEVE_LOG_H

#include "base/log_policy.h"
#include "base/netaddr.h"
#include "base/util.h"

/* syslog(3)'s numbers, so that a level is a priority. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_EXPLAIN /* notices, and the lines of base/explain.h */
};
enum log_sink { LOG_SINK_STDERR, LOG_SINK_JOURNAL, LOG_SINK_SYSLOG, LOG_SINK_JSON };

/* Field kinds of events.def. Absent: TEXT and PEER that are NULL, a PEER of family AF_UNSPEC,
 * OPTIONAL and ERRNO that are 0. A KNOWN is a number that may be 0 or not be known: then NULL. */
#define TEXT(field) const char *field;
#define PEER(field) const struct netaddr *field;
#define NUMBER(field) int64_t field;
#define OPTIONAL(field) int64_t field;
#define KNOWN(field) const uint64_t *field;
#define ERRNO(field) int field; /* 0 or a positive errno; written as its name and text */
#define EVENT(name, level, sentence, fields) \
	struct event_##name {                \
		fields int unused_;          \
	};                                   \
	void log_##name(const struct event_##name *event);
#include "base/events.def"
#undef EVENT
#undef TEXT
#undef PEER
#undef NUMBER
#undef OPTIONAL
#undef KNOWN
#undef ERRNO

#define LOG(event, ...) log_##event(&(struct event_##event){ __VA_ARGS__, .unused_ = 0 })

/* Choose where to and how much. `identifier` (kept, not copied) names the program to the journal
 * and to syslog. Everything that takes a system call that a sandbox forbids is done here: 0 or
 * -errno, then nothing has changed. Until the first call nothing is logged; a further call
 * changes the level, and the sink if it is another. */
int log_open(enum log_sink sink, enum log_level level, const char *identifier);

/* The same with another path for the journal's or syslog's socket, or with the file for JSON, which
 * without one goes to stderr. With a path (also for stderr, which makes no use of it) the sink is
 * opened anew even if it is the one in use. */
int log_open_at(enum log_sink sink, enum log_level level, const char *identifier, const char *path);

/* The descriptor behind LOG_SINK_STDERR and LOG_SINK_JSON: what a gate gets as its own standard
 * error. Where it can be had it is a description of our own, non-blocking. -1 for other sinks and
 * before log_open. */
int log_fd(void);

/* Have the lines go to another file, which takes the place of log_fd(): the old one is closed.
 * `file_fd` stays the caller's. 0 or -errno; -EINVAL for sinks that are no descriptor. */
int log_replace_fd(int file_fd);

/* False: syslog's socket was not there when it was opened. What is written until it is is lost, and
 * counted. */
bool log_is_heard(void);

/* What syslog files the lines under: LOG_DAEMON and so on; as it is, LOG_DAEMON. */
void log_set_facility(int facility);

/* The sink that suits the place: the journal when stderr is its stream ($JOURNAL_STREAM,
 * systemd.exec(5)), stderr else. */
enum log_sink log_guess_sink(void);

/* True when an event of that level would be written: spares the caller the gathering. */
bool log_wants(enum log_level level);

/* The level as it is written: "err" to "debug". */
const char *log_level_word(enum log_level level);

/* Have each event that is written kept by somebody, too: its readable text, without the time. NULL:
 * by nobody any more. */
void log_keep(void (*keep)(void *keeper, enum log_level level, const char *text, size_t length),
	void *keeper);

/* Write what was gathered. Once a turn, and before the program ends or execs. Needs write(2),
 * sendto(2) and epoll_wait(2), no more. SIGPIPE must be ignored or blocked: whoever reads may
 * be gone. */
void log_flush(void);

/* What single services want to be written; taken over, and freed when others take its place. */
void log_set_policies(struct log_policy *policies, size_t count);

/* Lines that were lost since the program began, as far as the log has told. */
uint64_t log_lost(void);

/* Print the vocabulary (name, level, fields, sentence) in mdoc for reeved(8) on stdout. */
void log_print_manual(void);

#endif
