/* SPDX-License-Identifier: ISC */
/* reevectl's end of the control socket. Whatever fails is said once, in words that say what to do
 * about it. */
#ifndef REEVE_CONTROL_CLIENT_H
#define REEVE_CONTROL_CLIENT_H

#include "control/verbs.h"
#include "model/varlink.h"

struct client;

/* Connect. NULL: it could not be done, and why has been printed. */
struct client *client_open(const struct control *control);
struct client *client_free(struct client *client);

/* May we connect, as far as the socket's mode says? True also if there is no socket. */
bool client_is_allowed(const struct control *control);

/* From now on wait no longer than that for each part of a reply. */
void client_set_patience(struct client *client, unsigned ms);

/* Call a method with these parameters (taken over). 0, or -1 and why has been printed. */
int client_call(struct client *client, const struct control_verb *verb, json_t *parameters);

/* Wait for the next reply: 1, and *ret_reply is the caller's, with its descriptor in *ret_fd, or
 * -1, if `ret_fd` is not NULL. -1: there is none, or it is an error, and that has been printed. */
int client_next(struct client *client, struct varlink_message *ret_reply, int *ret_fd);

/* All of this for one method: `show` gets the parameters of each reply, or they are printed as
 * they came if the command line says --json; `show` gives the exit status. The last one's, or 1. */
int client_run(const struct control *control, const struct control_verb *verb, json_t *parameters,
	int (*show)(const struct control *control, const json_t *reply));

#endif
