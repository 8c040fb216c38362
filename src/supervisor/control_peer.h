/* SPDX-License-Identifier: ISC */
/* Who is connected to the control socket, one call at a time: the next one is looked at when
 * everything was sent that the last one asked for. So nobody holds more than one reply. And one
 * call, or one piece of a long answer, in a turn of the loop: who asks and asks must not keep us
 * from starting programs.
 *
 * A method's function is `control_do_WORD`. It answers at once, or leaves the call open, and
 * whoever has the answer finds it by control_next_waiting. Private to src/supervisor/control*.c. */
#ifndef REEVE_SUPERVISOR_CONTROL_PEER_H
#define REEVE_SUPERVISOR_CONTROL_PEER_H

#include "effects/local.h"
#include "model/control_methods.h"
#include "model/varlink.h"
#include "supervisor/state.h"

#define CONTROL_PEERS_MAX 32
#define CONTROL_LOOKERS_MAX 24 /* of them: others may always come who are to change something */
#define CONTROL_OUTPUT_MAX (16U << 20)

struct control_peer {
	struct watch watch; /* fd: the connection */
	struct supervisor *supervisor;
	struct local_peer who;
	enum control_right right;
	msec moved; /* when it last sent or took something */
	struct varlink_input input;
	struct textbuf output;
	size_t sent;
	int passed_fd; /* goes with the first byte of the reply; -1: none */
	struct timer patience;
	struct varlink_message call; /* that is open; its `method` is NULL if none is */
	const struct control_verb *verb;
	/* Of an open call: goes on with it when everything was sent; what it needs for that. */
	void (*go_on)(struct control_peer *peer);
	void *context;
	void (*free_context)(void *context);
	uint64_t awaited; /* the number of what an open call waits for */
	int64_t told;     /* of that, the last that it was told */
	bool is_at_end;   /* it will send nothing more */
	bool is_broken;   /* to be let go at the end of the turn */
	struct control_peer *next;
};

struct control {
	struct supervisor *supervisor;
	struct watch listener;
	struct after after;
	struct timer next_turn; /* for what a turn has left */
	msec opened;
	gid_t group;
	bool has_group;
	struct control_peer *peers; /* the newest first */
	uint32_t peer_count;
	uint64_t reloads; /* begun so far */
	uint64_t censuses;
	struct timer draining;
	struct timer following;
	struct hand_setting *settings; /* made by hand (control_set.c) */
	int base_fd;                   /* the configuration without them; -1: there are none */
	struct timer settings_end;
	json_t *plan; /* of the one that is under way, if somebody waits for it */
};

/* Answer the call that is open, and close it. They take `parameters`; NULL is no memory, and for
 * control_fail nothing to add. A descriptor that goes along becomes the peer's. */
void control_answer(struct control_peer *peer, json_t *parameters);
void control_answer_with(struct control_peer *peer, json_t *parameters, int passed_fd);
void control_fail(struct control_peer *peer, const char *error, json_t *parameters);
void control_fail_parameter(struct control_peer *peer, const char *parameter);
void control_fail_reason(struct control_peer *peer, const char *reason);
void control_fail_mistakes(struct control_peer *peer, const struct complaint_list *complaints);

/* One of several answers; the call stays open. */
void control_add_answer(struct control_peer *peer, json_t *parameters);

/* A parameter of the open call: NULL, or `otherwise`, if it did not come. */
const char *control_text(const struct control_peer *peer, const char *name);
int64_t control_number(const struct control_peer *peer, const char *name, int64_t otherwise);

/* Has it still to take what it was sent? */
bool control_is_behind(const struct control_peer *peer);

/* Peers whose call of that method is open: the first, if `after` is NULL; NULL: no more. */
struct control_peer *control_next_waiting(const struct supervisor *supervisor, enum control_id id,
	const struct control_peer *after);

/* control_peer.c, for control.c: begin, end, and go on at the end of a turn; true: there is more to
 * do in the next. Begin owns the descriptor. */
void control_peer_begin(struct control *control, int conn_fd);
void control_peer_free(struct control *control, struct control_peer *peer);
bool control_peer_turn(struct control_peer *peer);

/* control_dispatch.c: do what a whole message asks for. */
void control_dispatch(struct control_peer *peer, const char *text, size_t length);

#endif
