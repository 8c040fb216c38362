/* SPDX-License-Identifier: ISC */
/* The configuration: what every reader makes and everything else takes. Nothing after the
 * readers knows which file or syntax a value came from, except through `where`.
 *
 * text --config_load--> struct config --config_check--> complaints | ok --config_print--> text
 * that config_load_text reads to an equal struct config. */
#ifndef REEVE_CONFIG_H
#define REEVE_CONFIG_H

#include "config/complaint.h"
#include "base/netaddr.h"
#include "base/textbuf.h"
#include "base/util.h"

enum protocol {
#define PROTOCOL(name, word, family, type) PROTOCOL_##name,
#define BOTH(word, v4, v6)
#include "config/protocols.def"
#undef PROTOCOL
#undef BOTH
	PROTOCOL_COUNT
};

/* CHOICE numbers that code compares with; the order is that of `words` in config_keys.def. */
enum config_log {
	CONFIG_LOG_AUTO,
	CONFIG_LOG_STDERR,
	CONFIG_LOG_JOURNAL,
	CONFIG_LOG_SYSLOG,
	CONFIG_LOG_JSON
};
enum config_log_events {
	CONFIG_LOG_EVENTS_ALL,
	CONFIG_LOG_EVENTS_INFO,
	CONFIG_LOG_EVENTS_NOTICE,
	CONFIG_LOG_EVENTS_WARNING,
	CONFIG_LOG_EVENTS_ERR,
	CONFIG_LOG_EVENTS_NONE
};
enum config_per { CONFIG_PER_DATAGRAM, CONFIG_PER_PEER };
enum config_stdio { CONFIG_STDIO_SOCKET, CONFIG_STDIO_PIPE, CONFIG_STDIO_PTY };
enum config_auto { CONFIG_AUTO, CONFIG_YES, CONFIG_NO };
enum config_cpu {
	CONFIG_CPU_OTHER,
	CONFIG_CPU_BATCH,
	CONFIG_CPU_IDLE,
	CONFIG_CPU_FIFO,
	CONFIG_CPU_RR
};
enum config_io { CONFIG_IO_NONE, CONFIG_IO_REALTIME, CONFIG_IO_BEST_EFFORT, CONFIG_IO_IDLE };
enum config_ban_scope { CONFIG_BAN_SERVICE, CONFIG_BAN_ALL };
enum config_at_limit {
	CONFIG_AT_LIMIT_QUEUE,
	CONFIG_AT_LIMIT_CLOSE,
	CONFIG_AT_LIMIT_RESET,
	CONFIG_AT_LIMIT_BANNER,
	CONFIG_AT_LIMIT_TARPIT
};
enum config_refuse_with {
	CONFIG_REFUSE_AUTO,
	CONFIG_REFUSE_CLOSE,
	CONFIG_REFUSE_RESET,
	CONFIG_REFUSE_BANNER,
	CONFIG_REFUSE_TARPIT
};
enum config_tcpmux { CONFIG_TCPMUX_NO, CONFIG_TCPMUX_PLAIN, CONFIG_TCPMUX_PLUS };

#define CONFIG_TYPE_BOOL int64_t
#define CONFIG_TYPE_COUNT int64_t
#define CONFIG_TYPE_BYTES int64_t
#define CONFIG_TYPE_MSEC int64_t
#define CONFIG_TYPE_MODE int64_t
#define CONFIG_TYPE_RATE int64_t
#define CONFIG_TYPE_LOAD int64_t
#define CONFIG_TYPE_CHOICE int64_t
#define CONFIG_TYPE_STRING char *
#define CONFIG_TYPE_TEXT char *
#define CONFIG_TYPE_PATH char *
#define CONFIG_TYPE_USER char *
#define CONFIG_TYPE_GROUP char *
#define CONFIG_TYPE_LIST char **
#define CONFIG_TYPE_RLIMIT char *
#define CONFIG_TYPE_NAMES char **
#define CONFIG_TYPE_RULES char **
#define CONFIG_TYPE_HOURS char **

#define CONFIG_FIELD_IF_DAEMON_DAEMON(name, kind) CONFIG_TYPE_##kind name;
#define CONFIG_FIELD_IF_DAEMON_SERVICE(name, kind)
#define CONFIG_FIELD_IF_DAEMON_OPTION(name, kind)
#define CONFIG_FIELD_IF_SERVICE_DAEMON(name, kind)
#define CONFIG_FIELD_IF_SERVICE_SERVICE(name, kind) CONFIG_TYPE_##kind name;
#define CONFIG_FIELD_IF_SERVICE_OPTION(name, kind)
#define CONFIG_FIELD_IF_OPTION_DAEMON(name, kind)
#define CONFIG_FIELD_IF_OPTION_SERVICE(name, kind)
#define CONFIG_FIELD_IF_OPTION_OPTION(name, kind) CONFIG_TYPE_##kind name;

struct config_daemon {
#define KEY(scope, name, kind, ...) CONFIG_FIELD_IF_DAEMON_##scope(name, kind)
#include "config/config_keys.def"
#undef KEY
};

/* What a built-in may know of its service's settings. */
struct service_options {
#define KEY(scope, name, kind, ...) CONFIG_FIELD_IF_OPTION_##scope(name, kind)
#include "config/config_keys.def"
#undef KEY
};

struct service_keys {
#define KEY(scope, name, kind, ...) CONFIG_FIELD_IF_SERVICE_##scope(name, kind)
#include "config/config_keys.def"
#undef KEY
	struct service_options options;
};

/* One socket that a service wants. */
struct endpoint {
	enum protocol protocol;
	bool is_optional;       /* the IPv6 half of "tcp": a host without IPv6 is no error */
	struct netaddr address; /* internet: port 0 lets the kernel pick */
	const char *path;       /* unix: borrowed from the service; else NULL */
	uint32_t twin;          /* index of the endpoint whose kernel-picked port this one takes,
	                         * or its own index */
};

/* Where a service's key was set. */
struct key_where {
	uint32_t place; /* of the key among the SERVICE and OPTION rows */
	struct where where;
	const struct where *elements; /* of a list: where each was; shared as the layer is */
};

/* Where keys were set, in the order of their places. */
struct key_wheres {
	const struct key_where *list;
	uint32_t count;
};

/* Where a service was written, for who complains of it. Keys that are no default are in one of
 * the two lists (key_place.h finds them). */
struct service_wheres {
	struct where name; /* in the table */
	struct where port;
	struct where handler;
	struct key_wheres own;    /* set by its line */
	struct key_wheres common; /* set elsewhere; services that take the same share the list */
};

struct service_config {
	char *name;
	char *port_text;                 /* canonical: "7", "127.0.0.1:7000-7010", "/run/x.sock" */
	char *protocol_text;             /* as written: "tcp,udp" */
	char *builtin;                   /* name in services.def, or NULL: a program */
	char **program;                  /* NULL-terminated: path and arguments; NULL: a built-in */
	const struct service_keys *keys; /* services that set the same share them */
	struct endpoint *endpoints;
	uint32_t endpoint_count;
	const struct service_wheres *wheres; /* NULL: no place was kept */
};

/* Where each element of a list was set. */
struct element_wheres {
	struct where *list;
	uint32_t count;
	uint32_t room;
};

struct config {
	struct config_daemon daemon;
	struct service_config *services; /* malloc'ed, in file order; disabled ones are not here */
	uint32_t service_count;
	struct source **sources; /* malloc'ed, every file read; `where`s point here */
	uint32_t source_count;
	struct where *daemon_where;             /* for each DAEMON key in the order of their rows */
	struct element_wheres *daemon_elements; /* the same; no place was kept: all four are 0 */
	struct arena *arena;                    /* holds everything else above */
};

/* A service's setting that wins over what the files say; KEY=VALUE. */
struct config_override {
	const char *service;
	const char *text;
};

/* Where to look. conf NULL: no reeve.conf (all defaults). tables NULL: what the conf says, or
 * beside it. A missing default file is no mistake, a missing named one is. */
struct config_paths {
	const char *conf;
	const char *const *tables; /* NULL-terminated */
	bool is_conf_required;
	const struct config_override *overrides;
	uint32_t override_count;
};

/* Read everything. Blocks on file system only (and on the host's table of port names, if a port
 * is written as a name). NULL: no memory; else a config that may be served only if no complaint
 * was added. Check it even then: what could be read is in it, and every mistake of every file is
 * to be shown in one run. */
struct config *config_load(const struct config_paths *paths, struct complaint_list *complaints);

/* Read one text (reeve.conf's syntax with the table inside, as config_print writes it); opens
 * no file and looks nothing up: an @include, a port by its name and a relative path are mistakes
 * here. */
struct config *config_load_text(const char *name, const char *text, size_t length,
	struct complaint_list *complaints);

/* The same for gates, which complain of nothing that has been read: no place is kept. */
struct config *config_load_bare(const char *name, const char *text, size_t length,
	struct complaint_list *complaints);
struct config *config_free(struct config *config);

/* In the order of rlimits.def. */
enum {
#define RLIMIT(word, name, standard, help) CONFIG_RLIMIT_##name,
#include "config/rlimits.def"
#undef RLIMIT
	CONFIG_RLIMITS
};

/* CONFIG_UNLIMITED or a number. */
struct config_limit {
	int64_t soft;
	int64_t hard;
};

/* What the host says no to: users, groups, programs, ports without permission, descriptors,
 * built-ins that do not speak a protocol, the same port twice. Looks up passwd and file system;
 * may block. `handed_in` says which ports need no permission because a socket for them was
 * handed over (NULL: none). */
struct config_host {
	bool is_root;
	bool may_bind_low_ports;
	uint16_t first_free_port; /* net.ipv4.ip_unprivileged_port_start */
	uid_t uid;                /* without root: the only one that programs can run as */
	int64_t descriptors;      /* the hard limit */
	int64_t descriptors_most; /* fs.nr_open: a limit of descriptors is never above */
	uint64_t capabilities;    /* that reeved has, a bit each */
	uint64_t host_rights;     /* the same for what the whole host shares: none of them in a
				   * user namespace, whose root is nobody outside */
	struct config_limit limits[CONFIG_RLIMITS];
	int nice;
	int oom_score_adjust;
	bool tells_memory_pressure;
	bool (*is_handed_in)(const void *owner, const struct service_config *service,
		const struct endpoint *endpoint);
	const void *owner;
};
void config_host_ask(struct config_host *ret_host);
void config_check(const struct config *config, const struct config_host *host,
	struct complaint_list *complaints);

/* Both, which is what a daemon and its tools want: a configuration that may be served, or NULL
 * and complaints. */
struct config *config_load_checked(const struct config_paths *paths, const struct config_host *host,
	struct complaint_list *complaints);

/* Write it canonically: one text with the table inside, ports as numbers, every value that
 * differs from its default. Reading it back gives the same config, printing that the same bytes.
 * The daemon's `services` and `services_dir` are left out: what they named is inside. 0 or
 * -errno. */
int config_print(const struct config *config, struct textbuf *ret_text);

/* The key reference: plain for a terminal (--help-config), mdoc for reeve.conf(5), words for
 * the fuzzers' dictionary. */
enum config_help { CONFIG_HELP_TEXT, CONFIG_HELP_MDOC, CONFIG_HELP_DICTIONARY };
void config_help(enum config_help form, struct textbuf *ret_text);

/* protocols.def's columns. */
const char *protocol_word(enum protocol protocol);
int protocol_family(enum protocol protocol);
int protocol_type(enum protocol protocol);

#endif
