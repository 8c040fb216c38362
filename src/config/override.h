/* SPDX-License-Identifier: ISC */
/* Settings that somebody has made by hand: they win over every file. */
#ifndef REEVE_OVERRIDE_H
#define REEVE_OVERRIDE_H

#include "config/reader.h"

/* Read them, before the services that they are for. Mistakes are complaints. 0 or -ENOMEM. */
int overrides_read(struct reader *reader, const struct config_override *overrides, uint32_t count);

#endif
