/* SPDX-License-Identifier: ISC */
/* What the supervisor knows, and which file does what with it. Private to src/supervisor/.
 *
 * A configuration is taken in three steps, each of which can fail without a trace: prepare the
 * services (services.c), open what is new (listeners.c), swap. Then each gate is handed the new
 * state (handover.c) at its own pace; a gate that dies is started again and handed whatever
 * holds then. */
#ifndef REEVE_SUPERVISOR_STATE_H
#define REEVE_SUPERVISOR_STATE_H

#include "base/log.h"
#include "base/loop.h"
#include "base/shared_measures.h"
#include "base/shared_sources.h"
#include "base/verdict.h"
#include "config/config.h"
#include "effects/channel.h"
#include "effects/listen.h"
#include "effects/notify.h"
#include "effects/spawn.h"
#include "supervisor/supervisor.h"

#include <sys/stat.h>

#define ROW_NONE UINT32_MAX

/* Variables that name the peer, at most (handlers.c). */
#define HANDLER_VARIABLES_MAX 16

/* Somebody a program runs as, shared by all services that name the same. */
struct account {
	const struct service_keys *keys; /* of the first service that named it; NULL: ourselves */
	struct identity identity;
	char *variables[4]; /* HOME= USER= LOGNAME= SHELL= */
	size_t variable_count;
	struct account *next;
};

/* What programs of services with the same keys have in common (outfits.c). */
struct outfit {
	const struct service_keys *keys;
	struct spawn_world world;
	struct spawn_limit *limits; /* of that world */
	char **environment;         /* fixed part, and room for the peer's behind it */
	size_t environment_count;
	int error_fd; /* standard error: borrowed, or ERROR_TO_... */
	struct outfit *next;
};

/* A file that programs' standard error is appended to, shared by all services that name it. */
struct error_file {
	char *path;
	int file_fd;
	struct error_file *next;
};

/* Where a program's standard error goes, when it is no descriptor of ours. */
enum { ERROR_TO_LOG = -1, ERROR_TO_CLIENT = -2 };

/* Clients of a service wait in the kernel's queue because somebody has said so; with DRAINED its
 * last connection has ended since. */
enum hold { HOLD_NONE, HOLD_PAUSED, HOLD_DRAINING, HOLD_DRAINED };

/* A service with its row in the shared memory; stays until its last connection has ended. */
struct served {
	uint32_t row;
	uint32_t index;         /* in the configuration; ROW_NONE: removed from it */
	uint32_t number;        /* among the services of its name, from 0 */
	uint32_t handler_count; /* that run; counted here, for gates can write what is shared */
	const struct outfit *outfit; /* of its program; NULL: none can be started */
	struct spawn_plan plan;      /* of the same */
	msec stop_timeout;           /* as its keys say; kept when they are gone */
	enum hold hold;              /* what people have said of its clients */
	bool lacks_place;            /* some are not armed until another program has ended */
	uint32_t waiting_count;
	struct waiting *first_waiting;
	struct served *before; /* what it was, as long as gates may still serve that */
	char name[];
};

/* The services of one configuration, prepared: rows[i] is that of its service i. */
struct service_set {
	struct config *config;
	int config_fd;          /* its canonical text, sealed */
	int banners_fd;         /* the files of its banners, sealed; -1: there are none */
	struct served **served; /* in the configuration's order; owned by the row table */
	struct account *accounts;
	struct error_file *error_files;
	struct outfit *outfits;
};

/* A socket of a wait service (waiting.c). */
struct waiting {
	struct watch watch; /* its `events` are asked for once; then it is not armed */
	struct supervisor *supervisor;
	struct listener *listener;
	struct served *served; /* whose it is; NULL: the gates', once its program has ended */
	struct waiting *next_of_service;
	struct handler *handler; /* the program that has it now */
	struct waiting *next_held;
	struct timer pause;
	uint32_t streak; /* programs that ended well and at once, one after another */
	uint64_t head; /* what waited when the program was started, if it may be left (waiting.c) */
	bool is_armed;
};

struct listener {
	uint32_t id;
	uint32_t fd_count;
	char *service; /* name */
	char *path;    /* wanted.path */
	struct endpoint wanted;
	struct netaddr bound;
	struct waiting *waiting; /* room to watch each of `fds`; NULL: never needed yet */
	int backlog;
	bool is_waiting;        /* the supervisor watches it, or a program has it */
	bool is_known_to_gates; /* they may still have it, though it is to wait */
	bool is_for_one;        /* gate 0 alone */
	bool is_ours;           /* bound here, not handed in: a socket file goes with it */
	uint32_t stored_as;     /* number by which the manager keeps it; 0: it does not */
	int fds[];              /* one for each gate that serves it, or a single one for all */
};

/* A listener and whose it is in the configuration of the same age. */
struct listener_slot {
	struct listener *listener;
	uint32_t service;
	uint32_t endpoint;
	bool is_new;
};

struct listener_set {
	struct listener_slot *slots; /* in the configuration's order */
	size_t count;
	struct listener **closing; /* of the set before; theirs until the swap */
	size_t closing_count;
};

/* A file of prefixes that access rules name. */
struct rule_file {
	char *path;
	struct stat seen;          /* what was looked at last; zeroes: it was not there */
	struct prefixes *prefixes; /* that were read just now, on their way into an image */
	struct rule_file *next;
};

/* An interface that access rules name. */
struct rule_interface {
	char *name;
	uint32_t index; /* 0: there is none */
	struct rule_interface *next;
};

/* A host that access rules name (hosts.c). */
struct rule_host {
	char *name;
	uint32_t number;           /* what the resolver knows it by, within a generation */
	struct netaddr *addresses; /* the last ones */
	uint32_t address_count;
	bool is_cut;     /* it has more; no longer once it is stale */
	bool is_known;   /* it has been looked up once */
	bool is_failing; /* the last time it could not be */
	bool is_stale;   /* not for too long */
	msec fine;       /* when it could be last */
	struct rule_host *next;
};

/* The process that looks up names (resolver.c). */
struct supervised_resolver {
	struct supervisor *supervisor;
	pid_t pid; /* 0: not running */
	int program_fd;
	struct watch channel; /* fd -1: none */
	struct timer timer;   /* to start again, or to lose patience */
	msec started;
	msec backoff;
	uint32_t instance; /* ever started */
	bool is_ready;     /* it has said so */
	bool owes_hosts;   /* it has to be told whom to look up, from `next` on */
	struct rule_host *next;
};

/* The access rules of all services, as the gates map them. */
struct rule_set {
	int image_fd; /* -1: no service has rules */
	const struct access *access;
	size_t size;
	uint32_t generation;
	struct rule_file *files;
	struct rule_interface *interfaces;
	struct rule_host *hosts;
	bool need_resolver;
};

enum handover_stage {
	HANDOVER_NONE,
	HANDOVER_CONFIG,
	HANDOVER_SERVICES,
	HANDOVER_LISTENERS,
	HANDOVER_FILES,
	HANDOVER_MEMORY,
	HANDOVER_RULES,
	HANDOVER_KEPT,
	HANDOVER_COMMIT,
	HANDOVER_ADOPT,
};

struct supervised_gate {
	struct supervisor *supervisor;
	uint32_t number;
	uint32_t instance;
	uint32_t writer;      /* in the shared memory; 0: none yet */
	pid_t pid;            /* 0: not running */
	struct watch channel; /* fd -1: none */
	enum channel_phase phase;
	struct timer timer; /* to start again, or to lose patience */
	struct timer retry; /* the kernel had no room for descriptors on their way */
	msec started;
	msec backoff;
	enum handover_stage stage;
	uint32_t next;           /* item of the stage */
	uint32_t known_listener; /* listeners up to this id it has already */
	bool owes_log;           /* the log's new file */
	bool owes_rules;         /* the same, when the rules changed */
	bool owes_holds;         /* the same, when it should have been told who is held */
	uint32_t next_hold;      /* from that row on */
	uint32_t resolver;       /* the instance that it has a channel to */
	bool owes_wake;          /* its queue was full when it should have been woken */
	bool has_served;         /* since it was started */
	bool has_let_go;         /* of the sockets, for an upgrade */
	bool is_draining;        /* another one has its number; it ends with its last connection */
	bool is_foreign; /* and was built with other messages: nothing it says is understood */
	msec asked;      /* whether it lives; 0: it has answered */
	bool was_asked;  /* the question is in its queue */
	msec until;      /* then it cuts those that are left */
	struct supervised_gate *next_draining;
};

/* A program that runs. */
struct handler {
	pid_t pid;
	uint64_t connection;
	uint64_t source; /* what it holds of its source's connections; 0: nothing */
	uint32_t row;
	uint32_t gate;
	int stderr_fd;   /* read end (hearing.c); -1: it does not go to the log */
	bool is_waiting; /* in the list of those that no gate hears yet */
	bool is_heard;   /* a gate reads it */
	bool is_orphan;  /* a gate is to be given it as soon as one can take it */
	struct handler *older;
	struct handler *newer;
	struct netaddr peer;
	msec started;
	struct waiting *held;    /* listening sockets that it has */
	bool is_carried;         /* a gate has its client */
	bool is_trial;           /* of a service that is slowed */
	bool has_left_it;        /* what it was started for */
	struct record *record;   /* NULL: nothing is to be known of its connection (records.c) */
	struct bounds *bounds;   /* NULL: it may run for ever (deadlines.c) */
	struct adopted *adopted; /* NULL: it is our child */
	bool was_ended;          /* by us, for the reason `ending` */
	enum ending ending;
	struct handler *next;
};

struct handler_table {
	struct handler **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

/* Programs whose bytes the kernel will tell, and those that have ended without it so far. */
struct records {
	struct watch notices; /* fd -1: not asked for */
	int ask_fd;           /* for questions; -1: none yet */
	bool is_impossible;   /* this kernel does not tell */
	struct record **buckets;
	size_t count;
	struct record *oldest; /* of those that have ended */
	struct record *newest;
	size_t waiting_count;
	struct timer patience;
	struct timer leave;
	uint64_t lost; /* times that notices were */
	msec lost_told;
};

/* Programs that have reached a limit, and what is left of their sessions. */
struct deadlines {
	struct bounds *first_due; /* to be signalled by the next walk over all processes */
	struct bounds *first_remnant;
	uint32_t remnant_count;
	struct timer walk;
	msec rested;   /* not before that */
	bool is_blind; /* the kernel tells nothing of connections, and that has been told */
};

/* Connections on their way from a gate to the one after it (kept.c). */
struct kept {
	int memory_fd; /* -1: there are none */
	int *fds;
	uint32_t count;
	uint32_t room;
	uint32_t most;
	bool was_sent;
};

/* What the service manager is still to be told of descriptors that it keeps (store.c). */
struct store {
	bool is_used;
	bool has_memory; /* the shared memories are there */
	struct store_item *first;
	struct store_item **end;
	struct timer retry;
};

struct watchdog {
	struct timer timer;
	msec patience;  /* with a gate */
	msec alive;     /* when some gate did last */
	msec looked;    /* when it was looked last */
	bool is_wanted; /* the service manager wants to be told */
};

enum upgrade_stage { UPGRADE_NONE, UPGRADE_TRIAL, UPGRADE_DRAINING };

struct upgrade {
	enum upgrade_stage stage;
	bool is_wanted; /* asked for while something else was under way */
	const char *cause;
	char *program; /* path */
	char *folder;  /* where we were started; NULL: it is gone */
	pid_t trial;   /* 0: none runs */
	bool is_late;  /* it was ended by us */
	int report_fd; /* what it says */
	struct timer timer;
};

struct supervisor {
	const struct supervisor_settings *settings;
	struct loop *loop;
	struct after flush;
	enum log_sink log_sink;
	enum log_level log_level;
	int log_facility;
	char *log_path;         /* of the log's file; NULL: it has none */
	struct watch log_watch; /* on that file; fd -1: none */
	int log_mark;           /* of inotify */
	struct timer log_timer;
	bool has_log_failed; /* to be opened again */
	struct message *message;

	struct service_set services;
	struct service_set retired; /* the one before, until no gate serves it any more */
	struct listener_set listeners;
	struct rule_set rules;
	struct watch rule_watch; /* on the folders of the rules' files; fd -1: none */
	struct timer rule_timer;
	struct supervised_resolver resolver;
	struct timer host_timer;
	struct timer first_hosts;     /* the gates are not started before they are known */
	struct watch interface_watch; /* notices of the kernel; `ready` NULL: not asked for */
	struct served **rows;         /* by row; NULL: free */
	struct shared *shared;
	struct shared_sources *sources; /* what gates remember of clients */
	uint32_t row_count;
	int shared_fd;
	int sources_fd;
	uint32_t generation;
	uint32_t next_listener;
	uint64_t next_start; /* id of a program that no gate asked for */

	struct bans *bans;

	struct handed_socket *handed;
	size_t handed_count;

	struct supervised_gate *gates;
	struct supervised_gate *first_draining; /* from before an upgrade (draining.c) */
	uint32_t gate_count;
	uint32_t gate_instances; /* ever started */
	uint32_t deaths; /* of gates since a configuration was taken that not all serve yet */
	bool has_failed;
	bool is_renewal_due; /* rules have changed though no file did */
	struct identity gate_identity;
	int gate_program_fd;
	int null_fd;
	int lock_fd;   /* of the run folder */
	int status_fd; /* in the background: who waits for our exit status; -1: nobody */

	struct legacy *legacy; /* what a reeved before us has left; NULL: nothing */
	struct upgrade upgrade;
	struct watchdog watchdog;
	struct store store;
	struct kept kept_conns;
	struct failures **failures; /* by row; NULL: none */
	struct handler_table handlers;
	struct handler *oldest_unheard;
	struct handler *newest_unheard;
	struct timer hearing_timer;
	struct records records;
	struct deadlines deadlines;
	struct control *control;    /* the control socket (control.c) */
	int64_t descriptors;        /* what we may hold */
	struct rlimit files_before; /* what handlers get back */

	bool is_ready;
	bool is_stopping;
	bool wants_reload;             /* asked for while one was under way */
	bool is_reloading;             /* gates are being handed the new state */
	bool is_handing_over;          /* the same, though no configuration is new */
	uint32_t kept, opened, closed; /* of that reload */
	uint32_t attempts;             /* to take a configuration, the first included */
	size_t complaints;             /* of the last */
};

#endif
