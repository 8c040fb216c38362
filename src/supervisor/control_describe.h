/* SPDX-License-Identifier: ISC */
/* Things of the supervisor as JSON, for several methods of the control socket. NULL: no memory. */
#ifndef REEVE_SUPERVISOR_CONTROL_DESCRIBE_H
#define REEVE_SUPERVISOR_CONTROL_DESCRIBE_H

#include "model/plan.h"
#include "supervisor/control_peer.h"

json_t *control_string(const char *text);

/* "builtin:echo", or the path of the program. */
json_t *control_handler(const struct service_config *service);

/* Its protocol and address or path. */
json_t *control_endpoint(const struct listener *listener);

/* The service of that name that is in the configuration. NULL: there is none, and the call has been
 * answered with that. */
struct served *control_find_service(struct control_peer *peer, const char *name);

/* What was set by hand for a service. control_set.c. */
json_t *control_describe_settings(const struct supervisor *supervisor, const char *service);

/* What taking this configuration does: to the sockets, step by step with the reasons; to settings
 * of the daemon. control_plan.c. */
json_t *control_describe_plan(const struct supervisor *supervisor, const struct config *config);

#endif
