/* SPDX-License-Identifier: ISC */
/* The tarpit of a service: refused clients that are held instead of being closed, with a window of
 * a few bytes and a byte now and then, so that whoever tries one address after another loses time.
 * Each costs a descriptor, less than 100 bytes here and the kernel's socket; no place, no program.
 * There are `tarpit_instances` at most, each gate having its share, and in all no more than a
 * quarter of the descriptors; for a further one the one that has been held longest is let go. */
#ifndef REEVE_GATE_TARPIT_H
#define REEVE_GATE_TARPIT_H

#include "gate/entrance.h"

struct tarpit;

/* Hold a client that was refused. What it holds of its service is given back at once. */
void tarpit_hold(struct entrant *entrant);

/* Let those go whose service a new configuration has left out; let all go. */
void tarpits_forget_gone(struct gate *gate);
void tarpits_cut(struct gate *gate);

/* Nobody is in it any more. NULL may be freed. */
struct tarpit *tarpit_free(struct tarpit *tarpit);

#endif
