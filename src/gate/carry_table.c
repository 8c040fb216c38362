/* SPDX-License-Identifier: ISC */
/* Programs by peer: chains, in twice as many buckets once there are more programs than that. */
#include "gate/carry_table.h"

#include <errno.h>
#include <string.h>

#define BUCKETS_MIN 64

int
carry_table_init(struct carry_table *table)
{
	builtin_random(&table->secret, sizeof(table->secret));
	table->bucket_count = BUCKETS_MIN;
	table->buckets = calloc(table->bucket_count, sizeof(struct carry *));
	return table->buckets ? 0 : -ENOMEM;
}

void
carry_table_fini(struct carry_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
}

static char *
put(char *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static char *
put_address(char *at, const struct netaddr *address)
{
	at = put(at, &address->port, sizeof(address->port));
	if (address->family == AF_INET)
		return put(at, &address->ip.v4, sizeof(address->ip.v4));
	if (address->family == AF_INET6)
		return put(at, &address->ip.v6, sizeof(address->ip.v6));
	return at;
}

static struct carry **
bucket_of(const struct carry_table *table, const struct datagram_peer *peer)
{
	char key[sizeof(*peer)];
	char *end = put(key, &peer->listener, sizeof(peer->listener));

	if (peer->address.family == AF_UNIX) {
		end = put(end, peer->path, peer->path_length);
	} else {
		end = put_address(end, &peer->address);
		end = put_address(end, &peer->local);
	}
	return &table->buckets[siphash(&table->secret, key, (size_t)(end - key)) &
		(table->bucket_count - 1)];
}

struct carry *
carry_table_find(const struct carry_table *table, const struct datagram_peer *peer)
{
	struct carry *carry = *bucket_of(table, peer);

	while (carry && !datagram_peer_equal(&carry->peer, peer))
		carry = carry->next_in_bucket;
	return carry;
}

static void
link_carry(const struct carry_table *table, struct carry *carry)
{
	struct carry **bucket = bucket_of(table, &carry->peer);

	carry->next_in_bucket = *bucket;
	*bucket = carry;
}

/* Without memory the chains grow instead. */
static void
grow(struct carry_table *table)
{
	size_t old_count = table->bucket_count;
	struct carry **old = table->buckets;
	struct carry **buckets = calloc(old_count * 2, sizeof(struct carry *));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++)
		while (old[i]) {
			struct carry *carry = old[i];

			old[i] = carry->next_in_bucket;
			link_carry(table, carry);
		}
	free(old);
}

void
carry_table_add(struct carry_table *table, struct carry *carry)
{
	if (table->count >= table->bucket_count)
		grow(table);
	link_carry(table, carry);
	table->count++;
}

void
carry_table_remove(struct carry_table *table, struct carry *carry)
{
	struct carry **place = bucket_of(table, &carry->peer);

	while (*place != carry)
		place = &(*place)->next_in_bucket;
	*place = carry->next_in_bucket;
	table->count--;
}
