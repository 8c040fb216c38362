/* SPDX-License-Identifier: ISC */
/* LINK: src/base/shared_sources.o src/base/shared_holds.o src/base/siphash.o src/base/netaddr.o
 * src/base/hostname.o src/base/prefix.o src/base/verdict.o src/base/name.o src/base/textbuf.o
 * src/base/utf8.o src/config/access_rule.o src/config/arena.o src/config/map.o
 * src/config/meaning.o src/config/protocols.o src/model/access.o
 * src/config/key_place.o src/model/access_build.o src/model/ban.o src/model/client_source.o
 * src/model/policy.o src/model/prefixes.o src/model/rate.o */
/* What it costs to judge one client, by all that can be asked of him: an access list of a million
 * prefixes, bans from this service and from all, a rate and a number of connections for each
 * source, with a million sources remembered. Each client is another one by chance, so that nothing
 * of him is in the processor's caches. The asking alone; what accepting costs is told by
 * tests/bench/admission.
 *
 * usage: judge [SOURCES [PREFIXES]] */
#include "base/shared_holds.h"
#include "config/config.h"
#include "model/access_build.h"
#include "model/ban.h"
#include "model/client_source.h"
#include "model/policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOURCES 1000000
#define PREFIXES 1000000
#define BANS 65536
#define KEYS 4194304 /* as daemon.sources has it */
#define QUESTIONS 1000000
#define ROUNDS 5
#define FIRST_SOURCE UINT32_C(0x50000000)

struct bench {
	struct shared_sources *sources;
	struct access *access;
	struct prefixes *prefixes;
	uint32_t source_count;
	uint64_t service;
	uint64_t now;
	uint64_t seed;
};

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 16;
}

/* Of our own processor time: what others do does not count. */
static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct netaddr
peer_of(uint32_t number)
{
	return (struct netaddr){ .family = AF_INET, .ip.v4.s_addr = htonl(FIRST_SOURCE + number) };
}

static const struct prefixes *
find_list(void *owner, const char *path)
{
	(void)path;
	return ((struct bench *)owner)->prefixes;
}

/* Beside the sources, so that all of them are looked for and none is found. */
static bool
make_access(struct bench *bench, size_t count)
{
	static char rule[] = "file:/prefixes";
	static char *rules[] = { rule, NULL };
	static struct service_keys keys = { .no_access = rules };
	static const struct service_wheres wheres;
	static struct service_config service = { .keys = &keys, .wheres = &wheres };
	const struct config config = { .services = &service, .service_count = 1 };
	const struct access_lookup lookup = { .owner = bench, .find_list = find_list };
	struct prefix *list = calloc(count, sizeof(*list));
	uint64_t seed = 1;
	size_t size;

	for (size_t i = 0; list != NULL && i < count; i++) {
		uint64_t number = next_random(&seed) & 0x3fffffff;

		list[i] = (struct prefix){ .is_v4 = true, .length = 32, .high = number << 32 };
		if (i % 2 == 0) {
			list[i].length = (uint8_t)(28 - number % 12);
			list[i].high &= UINT64_MAX << (64 - list[i].length);
		}
	}
	if (list != NULL)
		bench->prefixes = prefixes_new(list, count);
	free(list);
	return bench->prefixes != NULL &&
		access_build(&config, 1, &lookup, &bench->access, &size) == 0;
}

static const struct rate a_minute = { .tokens = 1000000, .span = 60000, .burst = 1000000 };

static void
expect(const struct bench *bench, const struct netaddr *peer)
{
	const struct client_source who = { .kind = SOURCE_ARRIVALS,
		.service = bench->service,
		.peer = peer,
		.prefix4 = 32,
		.prefix6 = 64 };

	client_source_expect(bench->sources, &who, &a_minute);
}

static bool
take(const struct bench *bench, const struct netaddr *peer)
{
	const struct client_source who = { .kind = SOURCE_ARRIVALS,
		.service = bench->service,
		.peer = peer,
		.prefix4 = 32,
		.prefix6 = 64 };

	return client_source_take(bench->sources, &who, &a_minute, 1, bench->now);
}

static void
ban_somebody(const struct bench *bench, uint64_t service, uint32_t number)
{
	const struct netaddr peer = { .family = AF_INET, .ip.v4.s_addr = htonl(number) };
	struct ban_source source;

	ban_source_of(&source, &peer, 32, 64, BAN_NO_USER);
	(void)ban_impose(bench->sources, service, &source, bench->now << 1, bench->now);
}

static bool
is_admitted(const struct bench *bench, const struct netaddr *peer)
{
	const struct policy_question question = { .peer = peer, .access = bench->access };
	struct client_source who = { .kind = SOURCE_CONNECTIONS,
		.service = bench->service,
		.peer = peer,
		.prefix4 = 32,
		.prefix6 = 64 };
	uint64_t key = client_source_key(bench->sources, &who);

	shared_holds_expect(bench->sources, key);
	expect(bench, peer);
	if (policy_judge(&question).verdict != VERDICT_ADMIT)
		return false;
	if (ban_are_any(bench->sources) &&
		ban_holds(bench->sources, bench->service, peer, BAN_NO_USER, bench->now))
		return false;
	if (!take(bench, peer))
		return false;
	if (!shared_holds_take(bench->sources, 1, key, 4))
		return false;
	shared_holds_drop(bench->sources, 1, key);
	return true;
}

/* Nanoseconds for each question. */
static double
ask(struct bench *bench, bool is_judged)
{
	double begin = seconds();
	unsigned refused = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		const struct netaddr peer =
			peer_of((uint32_t)(next_random(&bench->seed) % bench->source_count));

		if (is_judged)
			refused += !is_admitted(bench, &peer);
		else
			refused += peer.ip.v4.s_addr == 0;
	}
	if (refused > 0)
		(void)fprintf(stderr, "%u were refused\n", refused);
	return (seconds() - begin) / QUESTIONS * 1e9;
}

int
main(int argc, char **argv)
{
	struct bench bench = { .source_count = argc > 1 ? (uint32_t)atoi(argv[1]) : SOURCES,
		.now = rate_clock(1000000000),
		.seed = 3 };
	size_t prefixes = argc > 2 ? strtoul(argv[2], NULL, 10) : PREFIXES;
	double least = 1e9, nothing = 1e9;
	int sources_fd;

	if (shared_sources_create(&bench.sources, &sources_fd, KEYS, 2, "a secret of 16 b") < 0 ||
		!make_access(&bench, prefixes))
		return 1;
	bench.service = ban_service(bench.sources, "bench");
	for (uint32_t i = 0; i < bench.source_count; i++) {
		const struct netaddr peer = peer_of(i);

		(void)take(&bench, &peer);
	}
	for (uint32_t i = 0; i < BANS; i++)
		ban_somebody(&bench, i % 2 == 0 ? BAN_OF_ALL : bench.service, i);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double judged = ask(&bench, true);
		double empty = ask(&bench, false);

		least = judged < least ? judged : least;
		nothing = empty < nothing ? empty : nothing;
	}
	(void)printf("%.0f ns to judge a client by %zu prefixes, %d bans, rate and number of %u "
		     "sources\n",
		least - nothing, prefixes, BANS, bench.source_count);
	free(bench.access);
	free(bench.prefixes);
	(void)shared_sources_free(bench.sources);
	(void)close(sources_fd);
	return 0;
}
