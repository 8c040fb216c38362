/* SPDX-License-Identifier: ISC */
/* The programs of peers, found by whom they answer. Strangers choose the keys, so the hash has a
 * secret. */
#ifndef REEVE_GATE_CARRY_TABLE_H
#define REEVE_GATE_CARRY_TABLE_H

#include "base/siphash.h"
#include "gate/carry.h"

struct carry_table {
	struct siphash_key secret;
	struct carry **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

/* 0 or -ENOMEM. The carries themselves are not the table's. */
int carry_table_init(struct carry_table *table);
void carry_table_fini(struct carry_table *table);

struct carry *carry_table_find(const struct carry_table *table, const struct datagram_peer *peer);
void carry_table_add(struct carry_table *table, struct carry *carry);
void carry_table_remove(struct carry_table *table, struct carry *carry);

#endif
