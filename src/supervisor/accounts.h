/* SPDX-License-Identifier: ISC */
/* Accounts: whom programs run as, looked up once for all services that name the same. */
#ifndef REEVE_SUPERVISOR_ACCOUNTS_H
#define REEVE_SUPERVISOR_ACCOUNTS_H

#include "supervisor/state.h"

/* The account of `user` (USER or USER:GROUP) with `group`; user NULL: ourselves. Looked up at
 * the first call for the pair, which may block; kept in `*accounts`, who owns it. NULL: the
 * -errno of priv_look_up is in *ret_error. */
struct account *account_find(struct account **accounts, const char *user, const char *group,
	int *ret_error);
struct account *accounts_free(struct account *accounts);

#endif
