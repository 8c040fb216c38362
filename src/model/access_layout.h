/* SPDX-License-Identifier: ISC */
/* How an image of rules is laid out: for access.c and access_build.c alone. Offsets are in bytes
 * from the start of the image; those of texts are 0 when there is none. */
#ifndef REEVE_ACCESS_LAYOUT_H
#define REEVE_ACCESS_LAYOUT_H

#include "base/util.h"

#define ACCESS_MAGIC UINT64_C(0x7265657661636373) /* "reevaccs" */
#define ACCESS_SIZE_MAX ((size_t)UINT32_MAX)

struct written {
	uint32_t file; /* text */
	uint32_t line;
};

/* Prefixes, from a file or from the service's own words. */
struct access_table {
	uint32_t prefixes;
	uint32_t file; /* text; its prefixes' numbers are lines. 0: they are indices of `places` */
	uint32_t places; /* struct written */
	uint32_t unused;
};

struct access_file {
	uint32_t path; /* text */
	uint32_t prefixes;
};

/* How specific a rule for unix peers is. */
enum access_unit_kind { ACCESS_UNIT_ALL, ACCESS_UNIT_GROUP, ACCESS_UNIT_USER };

struct access_unit {
	uint32_t kind;
	uint32_t id;
	struct written place;
};

/* A rule that names an interface. */
struct access_way {
	uint32_t interface; /* 0: the host has none of that name */
	struct written place;
};

/* A rule that names a domain. */
struct access_domain {
	uint32_t name; /* text, with its dot */
	uint32_t length;
	struct written place;
};

/* only_from, or no_access. */
struct access_side {
	uint32_t is_set;
	uint32_t table_count;
	uint32_t tables; /* struct access_table */
	uint32_t unit_count;
	uint32_t units; /* struct access_unit */
	uint32_t way_count;
	uint32_t ways; /* struct access_way */
	uint32_t domain_count;
	uint32_t domains;     /* struct access_domain */
	uint32_t lacks_hosts; /* it names hosts whose addresses nobody knows */
	struct written unknown_host;
	struct written place;
};

struct access_hours {
	uint16_t from;
	uint16_t to;
};

struct access_set {
	struct access_side allow;
	struct access_side deny;
	uint32_t has_hours;
	uint32_t hours_count;
	uint32_t hours; /* struct access_hours */
	struct written hours_place;
	uint32_t has_wrap; /* tcp_wrappers' files are asked, too */
	struct written wrap_place;
};

struct access {
	uint64_t magic;
	uint64_t size;
	uint32_t generation;
	uint32_t service_count;
	uint32_t set_count;
	uint32_t sets;     /* struct access_set */
	uint32_t services; /* the set of each: uint32_t */
	uint32_t file_count;
	uint32_t files; /* struct access_file */
	uint32_t unused;
};

#endif
