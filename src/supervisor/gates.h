/* SPDX-License-Identifier: ISC */
/* The life of gates: started without power, watched, replaced when they die or lie. */
#ifndef REEVE_SUPERVISOR_GATES_H
#define REEVE_SUPERVISOR_GATES_H

#include "supervisor/state.h"

/* Decide how many there are and whom they run as, and find their program. 0 or -errno. */
int gates_init(struct supervisor *supervisor, const struct config *config);
void gates_fini(struct supervisor *supervisor);

/* The program: an O_PATH descriptor, or -errno. */
int gates_open_program(void);

/* Start all; each says hello when it can and is then handed the state. */
void gates_start(struct supervisor *supervisor);

/* Every gate, those that drain last; NULL: the first, then after the last. */
struct supervised_gate *gates_next(const struct supervisor *supervisor,
	const struct supervised_gate *gate);

/* Do all serve what they were handed last? */
bool gates_all_serve(const struct supervisor *supervisor);

/* Accept no more, let built-in connections go on for `grace`; the loop quits with the last. */
void gates_stop(struct supervisor *supervisor, msec grace);

/* A place of that row is free: tell the gates that wait for one. */
void gates_wake(struct supervisor *supervisor, uint32_t row);

/* It broke a rule, or cannot be served: end it, and start another when it is reaped. */
void gate_lied(struct supervised_gate *gate, const char *message, const char *rule);
void gate_give_up(struct supervised_gate *gate);

/* Lose patience when it has not said hello, or not taken what it is handed, in time. */
void gate_expect_answer(struct supervised_gate *gate);

/* The child that ended was a gate: true. */
bool gates_reaped(struct supervisor *supervisor, pid_t pid, int status);

#endif
