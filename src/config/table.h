/* SPDX-License-Identifier: ISC */
/* The reader of the table: a line is a service. */
#ifndef REEVE_TABLE_H
#define REEVE_TABLE_H

#include "config/reader.h"

/* Read every line of a file or text and add its services. What is wrong is complained about; a
 * service with a mistake is added as far as it was understood. 0 or -ENOMEM. */
int table_read(struct reader *reader, const struct source_file *file);

#endif
