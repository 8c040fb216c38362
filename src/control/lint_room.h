/* SPDX-License-Identifier: ISC */
/* What the files of lint share. */
#ifndef REEVE_CONTROL_LINT_ROOM_H
#define REEVE_CONTROL_LINT_ROOM_H

#include "control/lint.h"

#include "config/key_place.h"
#include "config/keys.h"

/* Who can reach a service, by its addresses and by its rules. */
enum lint_reach {
	LINT_REACH_NOBODY,
	LINT_REACH_HOST,  /* this host */
	LINT_REACH_NAMED, /* private networks, and those that rules name */
	LINT_REACH_ANYBODY,
};

/* `service` NULL: about the configuration. What lint_ignore of the service names is counted, not
 * added. */
void lint_add(struct lint *lint, enum lint_rule rule, const struct service_config *service,
	const struct where *where, const char *format, ...) __attribute__((format(printf, 5, 6)));
bool lint_is_ignored(const struct service_config *service, enum lint_rule rule);

/* By its sockets of that type; 0: by all. */
enum lint_reach lint_reach_of(const struct service_config *service, int type);

/* Whom the program runs as; false: nobody knows. */
bool lint_user(const struct lint *lint, const struct service_config *service, uint32_t *ret_uid);

/* lint_exposure.c, lint_limits.c, lint_access.c, lint_files.c */
void lint_exposure(struct lint *lint, const struct service_config *service);
void lint_limits(struct lint *lint, const struct service_config *service);
void lint_access(struct lint *lint, const struct service_config *service);
void lint_files(struct lint *lint, const struct service_config *service);

/* What is seen only beside other services, or in no service. */
void lint_access_all(struct lint *lint);
void lint_files_all(struct lint *lint);

#endif
