/* SPDX-License-Identifier: ISC */
/* discard (RFC 863): read and forget. Datagrams need no callback: nothing answers them. */
#include "services/service.h"

static void
discard_open(struct conn *conn)
{
	conn_ignore_input(conn);
}

const struct service_ops discard_ops = {
	.name = "discard",
	.open = discard_open,
};
