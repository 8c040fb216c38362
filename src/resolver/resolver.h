/* SPDX-License-Identifier: ISC */
/* The resolver: looks up names for rules, so that nobody else has to wait for the DNS or to read
 * what it says. Hosts that rules name for the supervisor; clients' own names, and tcp_wrappers'
 * files, for gates. It runs only while some rule needs it. */
#ifndef REEVE_RESOLVER_RESOLVER_H
#define REEVE_RESOLVER_RESOLVER_H

#include "base/log.h"

/* Serve until the supervisor's end of the channel is closed. The exit status. */
int resolver_main(int channel_fd, enum log_sink sink, enum log_level level);

#endif
