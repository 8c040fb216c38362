/* SPDX-License-Identifier: ISC */
/* What a user says that begins with a slash: the rows of chat_commands.def. */
#ifndef REEVE_CHAT_COMMAND_H
#define REEVE_CHAT_COMMAND_H

#include "services/chat.h"

/* Run `line`, which is cleaned and begins with '/'. */
void chat_command_run(struct chat_user *user, const char *line);

/* The argument of `line` if it is that command (by name or alias), "" if it has none; NULL if it
 * is another one. */
const char *chat_command_match(const char *line, const char *name);

#endif
