/* SPDX-License-Identifier: ISC */
/* chat over an upgrade: rooms with their topics and histories, datagram users, and the user of each
 * connection, as rows of text (base/saved.h). What is read was written by another gate, and is
 * believed no more than a stranger: names are names, texts have their bounds. */
#ifndef REEVE_CHAT_SAVED_H
#define REEVE_CHAT_SAVED_H

#include "services/chat.h"

void chat_save(struct builtin *builtin, struct textbuf *text);
void chat_save_conn(struct conn *conn, struct textbuf *text);

/* 0, -EPROTO, -ENOMEM. Of a chat that cannot be read all that was read before stays. */
int chat_restore(struct builtin *builtin, const char *text, size_t length);
int chat_restore_conn(struct conn *conn, const char *text, size_t length);

#endif
