/* SPDX-License-Identifier: ISC */
/* The channel between the supervisor and one gate: a SOCK_SEQPACKET pair. Messages are the rows
 * of messages.def; each side checks length, direction, phase and descriptors of all it receives
 * before anybody looks at the content, and a side that breaks a rule is not spoken to again.
 *
 * A configuration travels as: config (text and shared memory), services (the row of shared
 * memory for each, in table order), listeners (what is new with its descriptor, what stays by
 * its id), file (for a built-in that reads one), access (who is admitted), commit; the gate
 * answers serving. The gate changes nothing before commit.
 *
 * The resolver (resolver/resolver.h) has such a channel with the supervisor, and one with each gate
 * that asks it something. */
#ifndef REEVE_CHANNEL_H
#define REEVE_CHANNEL_H

#include "base/netaddr.h"
#include "base/util.h"
#include "effects/sockdiag.h"
#include "model/census.h"
#include "model/client_names.h"

#define CHANNEL_VERSION 13 /* of all the structs below */
#define CHANNEL_FDS_MAX 128
#define CHANNEL_FDS_POSSIBLE 253 /* in one message: the kernel's SCM_MAX_FD */
#define CHANNEL_SIZE_MAX 16384
#define MESSAGE_DAEMON_MAX 64 /* with its NUL */

enum message_type {
	MESSAGE_NONE,
#define MESSAGE(name, ...) MESSAGE_##name,
#include "effects/messages.def"
#undef MESSAGE
	MESSAGE_COUNT
};

enum channel_side {
	CHANNEL_TO_GATE,
	CHANNEL_TO_SUPERVISOR,
	CHANNEL_TO_RESOLVER,
	CHANNEL_FROM_RESOLVER,
	CHANNEL_QUESTION, /* a gate's, to the resolver */
	CHANNEL_ANSWER,
};
enum channel_phase {
	CHANNEL_HELLO = 1,
	CHANNEL_SETUP = 2,
	CHANNEL_SERVE = 4,
	CHANNEL_STOP = 8,
};

/* The gate speaks first: which structs it was built with. */
struct message_hello {
	uint32_t version;
	uint32_t pid;
};

/* fds: the configuration's text (sealed memfd), the shared memory, that of sources; and
 * the files of its banners, if there are any. */
struct message_config {
	uint32_t generation;
	uint32_t gate;   /* number of this gate, from 0 */
	uint32_t writer; /* of the shared memory that it is */
	uint32_t gate_count;
	uint32_t service_count;
	uint32_t listener_count;
	uint32_t descriptors; /* how many the gate may hold */
	uint32_t instance;    /* of all gates ever started, from 1: connection ids begin with it */
};

struct message_services {
	uint32_t first; /* index of the first row's service */
	uint32_t count;
};
struct message_services_row {
	uint32_t row;     /* of the shared memory; the same number is the same service for ever */
	uint32_t is_held; /* its clients wait, as message_hold says */
};

struct message_listeners {
	uint32_t count;
};
/* `has_fd` rows take the message's descriptors in order; others name one the gate has. */
struct message_listeners_row {
	uint32_t listener; /* id, never used twice */
	uint32_t service;  /* index in the configuration */
	uint32_t endpoint; /* index in the service */
	uint32_t has_fd;
	struct netaddr address; /* as bound; unix: family only */
	uint32_t is_shared;     /* other gates have the same socket, not one of their own */
};

struct message_file {
	uint32_t service; /* index */
};

/* fds: /proc/meminfo and, if a service asks for pressure, /proc/pressure/memory. Only if one asks
 * for either. */
struct message_memory {
	uint32_t generation;
};

/* fd: the image of the services' access rules (sealed memfd). In a configuration only if a service
 * has some; later alone, when a file that they name has changed. */
struct message_access {
	uint32_t generation;
};

struct message_commit {
	uint32_t generation;
};

struct message_serving {
	uint32_t generation;
	int32_t error; /* 0, or a positive errno: the gate keeps what it had */
};

/* fds, by what the program is to have: the connection; or the ends of its two pipes, standard
 * input first; or a unix socket by which the gate is sent the master of its terminal. That one
 * ends without a word if the program could not be started. */
struct message_spawn {
	uint64_t connection;
	uint64_t source;     /* what it holds (base/shared_holds.h); 0: nothing */
	int64_t accepted_us; /* when the client came, by shared_clock_us */
	uint32_t row;
	uint16_t protocol;   /* enum protocol */
	uint16_t stdio;      /* enum config_stdio */
	struct netaddr peer; /* the client, and what it asked; behind a proxy what that one says */
	struct netaddr local;
	struct sockdiag_name
		socket; /* of a TCP connection, if anybody will ask; else its cookie is 0 */
};

/* A place of the row is free and another writer waits for one. */
struct message_freed {
	uint32_t row;
};
/* A source was banned: it, the service and why say for how long, and from what. */
struct message_banned {
	struct netaddr source; /* who came */
	uint32_t row;
	uint32_t user; /* who a unix peer is */
	uint32_t verdict;
};
#define MESSAGE_WAKE_ALL UINT32_MAX /* whatever the gate waits for: look again */
struct message_wake {
	uint32_t row;
};

/* fd: the read end of a handler's stderr, for the gate to log: it runs for more than a moment, or
 * has ended and left something, or the gate that read it died. */
struct message_adopt {
	uint64_t connection;
	uint32_t row;
	uint32_t pid;
};

/* fd: the file that the log goes to from now on. */
struct message_log {
	uint32_t unused;
};

struct message_stop {
	uint32_t grace_ms;
};

struct message_drained {
	uint32_t connections_cut;
};

/* Another gate takes its place: accept no more, hear no program any more, and go on with the
 * connections that it holds for so long. Once it has let the listeners go it says so; what it asks
 * for from then on is for these connections. */
struct message_drain {
	uint32_t grace_ms;
	uint32_t keep_max; /* connections that it may give away for the next one (gate/kept.h) */
};
/* fds: connections of services that go on in the next gate, in the order of what the gate has
 * written of them into the memory that came with `drain`. */
struct message_kept {
	uint32_t count;
};
/* Does it live? The answer says so. */
struct message_ping {
	uint32_t unused;
};
struct message_pong {
	uint32_t unused;
};
/* fds: that memory and those connections, for the gate that goes on with them. */
struct message_keep {
	uint32_t count;
};
struct message_let_go {
	uint32_t connections; /* that it goes on with */
};

/* Write the connections that are meant into the memory that comes along, struct census_row by
 * struct census_row, `rows` of them at most; or end them. The answer says how many were written,
 * would have been, were ended. */
struct message_census {
	uint64_t number;
	struct census_filter filter;
	uint32_t rows;
	uint32_t ends;
};

struct message_counted {
	uint64_t number;
	uint32_t rows;
	uint32_t left;
	uint32_t ended;
	uint32_t unused;
};

/* The clients of that row are to wait in the kernel's queue from now on, or not any more. */
struct message_hold {
	uint32_t row;
	uint32_t is_held;
};

/* fd: a channel to the resolver, in place of the one before. */
struct message_resolver {
	uint32_t instance; /* of all resolvers ever started, from 1 */
};

/* The resolver's hello. */
struct message_ready {
	uint32_t version;
	uint32_t pid;
};

/* fd: the other end of what a gate gets as its channel. */
struct message_asker {
	uint32_t gate;
};

/* From now on; the hosts that were asked for before are forgotten. */
#define MESSAGE_SERVERS_MAX 1024
struct message_settings {
	uint32_t generation;
	uint32_t refresh_ms;
	char servers[MESSAGE_SERVERS_MAX]; /* with commas; "": those of the host */
};

/* Look these up, now and again and again. */
struct message_hosts {
	uint32_t generation;
	uint32_t first; /* number of the first row's host */
};
struct message_hosts_row {
	char name[HOSTNAME_ROOM];
};

/* What has become known of a host. */
struct message_addresses {
	uint32_t generation;
	uint32_t host;   /* its number */
	uint32_t error;  /* enum names_error */
	uint32_t is_cut; /* it has more of them */
};
struct message_addresses_row {
	struct netaddr address;
};
enum names_error { NAMES_FINE, NAMES_NONE, NAMES_NO_ANSWER };

/* What is asked about a client. */
enum { QUESTION_NAMES = 1, QUESTION_WRAP = 2 };
struct message_question {
	uint64_t number; /* the gate's; the answer has it */
	uint32_t asks;   /* QUESTION_... | ... */
	uint32_t unused;
	struct netaddr address;
	char daemon[MESSAGE_DAEMON_MAX]; /* as whom tcp_wrappers' files are asked */
};
struct message_answer {
	uint64_t number;
	uint32_t error;      /* enum names_error: of the names */
	uint32_t is_refused; /* by tcp_wrappers' files */
	uint32_t valid_ms;
	struct client_names names;
};

union message_body {
#define MESSAGE(name, ...) struct message_##name name;
#include "effects/messages.def"
#undef MESSAGE
};

/* A received message. `fds` are the receiver's: take (set to -1) what is kept, channel_done
 * closes the others. Rows follow the body in `bytes`. */
struct message {
	enum message_type type;
	union message_body body;
	const void *rows;
	uint32_t row_count;
	int fds[CHANNEL_FDS_POSSIBLE];
	uint32_t fd_count;
	/* Aligned for any row. */
	_Alignas(16) unsigned char bytes[CHANNEL_SIZE_MAX];
};

/* A pair of connected sockets, close-on-exec, non-blocking. 0 or -errno. */
int channel_pair(int *ret_supervisor_fd, int *ret_gate_fd);

/* Send one message. `rows` may be NULL. The descriptors stay the caller's. 0, -EAGAIN when the
 * other side is behind (nothing was sent), -EPIPE or -ECONNRESET when it is gone, -errno. */
int channel_send(int channel_fd, enum message_type type, const void *body, const void *rows,
	uint32_t row_count, const int *fds, uint32_t fd_count);

/* Receive one: 1; 0 when there is none now; -EPIPE at the end; -EPROTO when a rule is broken,
 * then *ret_rule says which in words and message->type is what it claimed to be. Does not
 * block. `side` is the direction that may arrive here, `phase` where the receiver stands. */
int channel_receive(int channel_fd, enum channel_side side, enum channel_phase phase,
	struct message *message, const char **ret_rule);

/* Check a message that was received some other way; what channel_receive does, for the fuzzer. */
int channel_check(struct message *message, size_t length, enum channel_side side,
	enum channel_phase phase, const char **ret_rule);

/* Close the descriptors that were not taken. Blocks on none of them, whatever the sender asked of
 * its sockets. */
void channel_done(struct message *message);

/* Close our end, and what nobody has received yet just as channel_done does. */
void channel_close(int channel_fd);

const char *channel_message_name(enum message_type type);

#endif
