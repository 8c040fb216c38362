/* SPDX-License-Identifier: ISC */
/* Accounts: whom programs run as, looked up once for all services that name the same. */
#ifndef REEVE_SUPERVISOR_ACCOUNTS_H
#define REEVE_SUPERVISOR_ACCOUNTS_H

#include "supervisor/state.h"

/* The account that the keys user (NULL: ourselves), group and groups name. Looked up at the first
 * call for these three, which may block; kept in `*accounts`, who owns it and borrows the keys.
 * NULL: the -errno of priv_look_up is in *ret_error. */
struct account *account_find(struct account **accounts, const struct service_keys *keys,
	int *ret_error);
struct account *accounts_free(struct account *accounts);

#endif
