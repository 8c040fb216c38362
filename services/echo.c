/* SPDX-License-Identifier: ISC */
/* echo (RFC 862): send back what arrives. */
#include "services/service.h"

static void
echo_open(struct conn *conn)
{
	conn_move_input_to_output(conn); /* reads no faster than the peer drains */
}

static void
echo_datagram(struct datagram *datagram)
{
	(void)datagram_reply(datagram, datagram->bytes, datagram->length); /* costs no budget */
}

const struct service_ops echo_ops = {
	.name = "echo",
	.open = echo_open,
	.datagram = echo_datagram,
};
