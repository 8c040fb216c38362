/* SPDX-License-Identifier: ISC */
/* The second word of a table's line, port/protocol[,protocol...], and the sockets that it asks
 * for. */
#ifndef REEVE_PORTS_H
#define REEVE_PORTS_H

#include "config/reader.h"

/* Fill the service's endpoints, port_text and protocol_text. Complains; a word with a mistake
 * leaves no endpoint. The service's name is known already. 0; -ENOMEM, here or in the arena. */
int ports_read(struct reader *reader, const struct word *word, struct service_config *service);

#endif
