/* SPDX-License-Identifier: ISC */
/* The reader of reeve.conf, in libconfig's syntax: daemon, defaults, service, table. */
#ifndef REEVE_CONF_H
#define REEVE_CONF_H

#include "config/reader.h"

/* Read a file, with what it includes if it has a folder, into config->daemon and the reader's
 * layers and table_text. What is wrong is complained about. 0 or -ENOMEM. */
int conf_read(struct reader *reader, const struct source_file *file);

#endif
