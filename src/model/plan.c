/* SPDX-License-Identifier: ISC */
/* Compare open sockets with wanted endpoints: a hash of what is open, one pass over what is
 * wanted, and whatever was not asked for again is closed. */
#include "model/plan.h"

#include <errno.h>
#include <string.h>

/* Slots of the hash hold the index of an open socket plus one; 0 is empty. */
struct index {
	const struct plan_socket *open;
	uint32_t *slots;
	bool *is_kept;
	size_t mask;
};

static uint64_t
hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3;
	return hash;
}

static bool
is_picked_by_kernel(const struct endpoint *endpoint)
{
	return endpoint->path == NULL && endpoint->address.port == 0;
}

static uint64_t
endpoint_hash(const struct endpoint *endpoint, const char *service)
{
	uint64_t hash = 0xcbf29ce484222325 ^ (uint64_t)endpoint->protocol;

	if (endpoint->path != NULL)
		return hash_bytes(hash, endpoint->path, strlen(endpoint->path));
	hash = hash_bytes(hash, &endpoint->address.port, sizeof(endpoint->address.port));
	if (endpoint->address.family == AF_INET6)
		hash = hash_bytes(hash, &endpoint->address.ip.v6, sizeof(struct in6_addr));
	else
		hash = hash_bytes(hash, &endpoint->address.ip.v4, sizeof(struct in_addr));
	if (is_picked_by_kernel(endpoint))
		hash = hash_bytes(hash, service, strlen(service));
	return hash;
}

static bool
is_same(const struct plan_socket *open, const struct endpoint *wanted, const char *service)
{
	const struct endpoint *have = &open->wanted;

	if (have->protocol != wanted->protocol || (have->path == NULL) != (wanted->path == NULL))
		return false;
	if (wanted->path != NULL)
		return strcmp(have->path, wanted->path) == 0;
	if (!netaddr_equal(&have->address, &wanted->address))
		return false;
	return !is_picked_by_kernel(wanted) || strcmp(open->service, service) == 0;
}

static int
index_init(struct index *index, const struct plan_socket *open, size_t count)
{
	size_t size = 16;

	while (size < count * 2)
		size *= 2;
	*index = (struct index){ .open = open, .mask = size - 1 };
	index->slots = calloc(size, sizeof(*index->slots));
	index->is_kept = calloc(count + 1, sizeof(*index->is_kept));
	if (index->slots == NULL || index->is_kept == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t slot = endpoint_hash(&open[i].wanted, open[i].service) & index->mask;

		while (index->slots[slot] != 0)
			slot = (slot + 1) & index->mask;
		index->slots[slot] = (uint32_t)i + 1;
	}
	return 0;
}

static void
index_fini(struct index *index)
{
	free(index->slots);
	free(index->is_kept);
}

/* The open socket for a wanted endpoint, each at most once; NULL: none. */
static const struct plan_socket *
index_take(struct index *index, const struct endpoint *wanted, const char *service)
{
	size_t slot = endpoint_hash(wanted, service) & index->mask;

	for (; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
		uint32_t found = index->slots[slot] - 1;

		if (index->is_kept[found] || !is_same(&index->open[found], wanted, service))
			continue;
		index->is_kept[found] = true;
		return &index->open[found];
	}
	return NULL;
}

static size_t
count_endpoints(const struct config *config)
{
	size_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++)
		count += config->services[i].endpoint_count;
	return count;
}

static void
plan_services(struct plan *plan, struct index *index, const struct config *config)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_config *service = &config->services[i];

		for (uint32_t j = 0; j < service->endpoint_count; j++) {
			const struct plan_socket *kept =
				index_take(index, &service->endpoints[j], service->name);

			plan->steps[plan->count++] = (struct plan_step){
				.action = kept != NULL ? PLAN_KEEP : PLAN_OPEN,
				.listener = kept != NULL ? kept->listener : 0,
				.service = i,
				.endpoint = j,
			};
		}
	}
}

int
plan_make(struct plan *ret_plan, const struct plan_socket *open, size_t open_count,
	const struct config *config)
{
	struct plan plan = { .count = 0 };
	struct index index;
	int error = index_init(&index, open, open_count);

	plan.steps = calloc(count_endpoints(config) + open_count + 1, sizeof(*plan.steps));
	if (error < 0 || plan.steps == NULL) {
		index_fini(&index);
		free(plan.steps);
		return -ENOMEM;
	}
	plan_services(&plan, &index, config);
	for (size_t i = 0; i < open_count; i++)
		if (!index.is_kept[i])
			plan.steps[plan.count++] = (struct plan_step){ .action = PLAN_CLOSE,
				.listener = open[i].listener };
	index_fini(&index);
	*ret_plan = plan;
	return 0;
}

void
plan_fini(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){ .count = 0 };
}
