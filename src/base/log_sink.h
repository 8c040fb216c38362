/* SPDX-License-Identifier: ISC */
/* Where the log's records go: gathered lines to stderr, datagrams to the journal or to syslog.
 * For log.c and explain.c alone. Nothing blocks; what is not taken is lost and counted. */
#ifndef REEVE_LOG_SINK_H
#define REEVE_LOG_SINK_H

#include "base/log.h"
#include "base/textbuf.h"

/* As log_open_at. */
int log_sink_open(enum log_sink sink, const char *identifier, const char *path);

/* Only the journal takes fields beside the readable text; in place of it members of an object,
 * each behind a comma, are wanted for lines of JSON. */
bool log_sink_wants_fields(void);
bool log_sink_wants_json(void);

/* Take a record. `text` is the readable part without a newline; `fields` are complete lines of
 * the journal's protocol, empty for other sinks, and are spoiled here. */
void log_sink_take(enum log_level level, const struct textbuf *text, struct textbuf *fields);

/* Take a line of --explain. */
void log_sink_take_explanation(const struct textbuf *line);

/* Count `records` as lost. */
void log_sink_lose(uint64_t records);

/* Write what was gathered. Gives how many records were lost if the next one taken can say so,
 * and forgets the number; else 0. */
uint64_t log_sink_flush(void);

#endif
