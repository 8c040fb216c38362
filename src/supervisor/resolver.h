/* SPDX-License-Identifier: ISC */
/* The life of the resolver, which looks up names: started when rules need it and ended when none
 * does any more, without power, watched, replaced when it dies or lies. It is told which hosts
 * rules name, and each gate gets a channel to it. */
#ifndef REEVE_SUPERVISOR_RESOLVER_H
#define REEVE_SUPERVISOR_RESOLVER_H

#include "supervisor/state.h"

/* The rules that hold are other ones. */
void resolver_swap(struct supervisor *supervisor);
void resolver_init(struct supervisor *supervisor);
void resolver_fini(struct supervisor *supervisor);

/* Give a gate that has none a channel to it. 0, or -errno as channel_send. */
int resolver_join(struct supervised_gate *gate);

/* The child that ended was the resolver: true. */
bool resolver_reaped(struct supervisor *supervisor, pid_t pid, int status);

#endif
