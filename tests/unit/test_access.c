/* SPDX-License-Identifier: ISC */
/* Who is admitted: the truth table of reeve.conf(5), row by row, and what is around it. */
/* LINK: src/base/netaddr.o src/base/prefix.o src/base/textbuf.o src/base/utf8.o
 * src/config/access_rule.o src/base/hostname.o src/config/map.o src/base/siphash.o
 * src/model/access.o src/config/key_place.o src/model/access_build.o src/model/prefixes.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/keys.h"
#include "model/access.h"
#include "model/access_build.h"

#include <errno.h>
#include <string.h>

#define CLAIM(name) cmocka_unit_test(name)
#define GENERATION 7
#define WORDS_MAX 8
#define NOON (12 * 60)

/* A configuration with one service for each pair of lists. */
struct scene {
	struct config config;
	struct service_config services[3];
	struct service_keys keys[3];
	struct service_wheres wheres[3];
	struct key_where set[3][3];
	char *words[9][WORDS_MAX + 1];
	struct where elements[9][WORDS_MAX];
	struct source source;
	size_t lists;
	struct prefixes *file;
	struct netaddr addresses[2];
	struct access *access;
	size_t size;
};

static int
find_id(void *owner, const char *name, bool is_group, uint32_t *ret_id)
{
	static const char *const names[] = { "root", "ann", "bob", "users", NULL };

	(void)owner;
	(void)is_group;
	for (uint32_t i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0) {
			*ret_id = i * 100;
			return 0;
		}
	return -ENOENT;
}

static uint32_t
find_interface(void *owner, const char *name)
{
	(void)owner;
	return strcmp(name, "eth0") == 0 ? 2 : strcmp(name, "eth1") == 0 ? 3 : 0;
}

/* "two.example.org" has two addresses, "none.example.org" none any more but for those who refuse by
 * it, "who.example.org" is not known. */
static int
find_host(void *owner, const char *name, bool is_deny, const struct netaddr **ret_addresses)
{
	struct scene *scene = owner;

	assert_int_equal(netaddr_parse_ip(&scene->addresses[0], "192.0.2.7"), 0);
	assert_int_equal(netaddr_parse_ip(&scene->addresses[1], "2001:db8::7"), 0);
	*ret_addresses = scene->addresses;
	if (strcmp(name, "two.example.org") == 0)
		return 2;
	return strcmp(name, "none.example.org") == 0 ? is_deny : -1;
}

static const struct prefixes *
find_list(void *owner, const char *path)
{
	const struct scene *scene = owner;

	return strcmp(path, "/block") == 0 ? scene->file : NULL;
}

/* "10.0.0.0/8 ALL" as the list of a key of service number `index`, each word on its line. */
static char **
set_list(struct scene *scene, uint32_t index, size_t place, char *text)
{
	char **words = scene->words[scene->lists];
	struct where *elements = scene->elements[scene->lists++];
	size_t count = 0;
	char *rest = NULL;

	if (!text)
		return NULL;
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		elements[count] =
			(struct where){ &scene->source, (uint32_t)(100 * place + count), 1, 1 };
		words[count++] = word;
	}
	scene->set[index][scene->wheres[index].own.count++] =
		(struct key_where){ .place = (uint32_t)place,
			.where = { &scene->source, (uint32_t)(100 * place + count), 1, 1 },
			.elements = elements };
	return words;
}

static void
set_service(struct scene *scene, uint32_t index, char *only_from, char *no_access, char *times)
{
	struct service_config *service = &scene->services[index];

	service->keys = &scene->keys[index];
	service->wheres = &scene->wheres[index];
	scene->wheres[index].own.list = scene->set[index];
	scene->keys[index].only_from = set_list(scene, index, KEY_PLACE_only_from, only_from);
	scene->keys[index].no_access = set_list(scene, index, KEY_PLACE_no_access, no_access);
	scene->keys[index].access_times = set_list(scene, index, KEY_PLACE_access_times, times);
	scene->config.service_count = index + 1;
	scene->config.services = scene->services;
}

static int
try_build(struct scene *scene)
{
	const struct access_lookup lookup = { .owner = scene,
		.find_id = find_id,
		.find_interface = find_interface,
		.find_host = find_host,
		.find_list = find_list };

	scene->source.name = "services";
	return access_build(&scene->config, GENERATION, &lookup, &scene->access, &scene->size);
}

static void
build(struct scene *scene)
{
	assert_int_equal(try_build(scene), 0);
	assert_non_null(scene->access);
	assert_true(access_is_image(scene->access, scene->size, GENERATION,
		scene->config.service_count));
}

static enum verdict
judge_way(const struct scene *scene, const char *text, uint32_t way, struct access_place *ret_place)
{
	struct netaddr address;
	const struct access_client client = { .address = &address, .way = way, .minute = NOON };

	assert_int_equal(netaddr_parse_ip(&address, text), 0);
	return access_judge(scene->access, access_set_of(scene->access, 0), &client, ret_place);
}

static enum verdict
judge_address(const struct scene *scene, const char *text, struct access_place *ret_place)
{
	return judge_way(scene, text, ACCESS_WAY_NONE, ret_place);
}

static void
fini(struct scene *scene)
{
	free(scene->access);
	free(scene->file);
}

/* ---------------------------------------------------------------- addresses */

/* The table of reeve.conf(5): what is NULL is not set. */
static const struct row {
	const char *only_from;
	const char *no_access;
	const char *peer;
	bool is_admitted;
} rows[] = {
	{ NULL, NULL, "192.0.2.1", true },
	{ "192.0.2.0/24", NULL, "192.0.2.1", true },
	{ "192.0.2.0/24", NULL, "198.51.100.1", false },
	{ "", NULL, "192.0.2.1", false },
	{ NULL, "192.0.2.0/24", "192.0.2.1", false },
	{ NULL, "192.0.2.0/24", "198.51.100.1", true },
	{ NULL, "", "192.0.2.1", true },
	{ "192.0.2.0/24", "192.0.2.1/32", "192.0.2.1", false },
	{ "192.0.2.0/24", "192.0.2.1/32", "192.0.2.2", true },
	{ "192.0.2.1/32", "192.0.2.0/24", "192.0.2.1", true },
	{ "192.0.2.1/32", "192.0.2.0/24", "192.0.2.2", false },
	{ "192.0.2.0/24", "192.0.2.0/24", "192.0.2.1", false },
	{ "192.0.2.1/32", "ALL", "192.0.2.1", true },
	{ "ALL", "192.0.2.1/32", "192.0.2.1", false },
	{ "ALL", "ALL", "192.0.2.1", false },
	{ "0.0.0.0/0", NULL, "2001:db8::1", false },
	{ "ALL", NULL, "2001:db8::1", true },
	{ "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::5", false },
	{ "2001:db8:1::5/128", "2001:db8:1::/48", "2001:db8:1::5", true },
	{ "192.0.2.0/24", NULL, "::ffff:192.0.2.1", true },
};

/* eth0 is 2, eth1 is 3. */
static const struct way_row {
	struct row row;
	uint32_t way;
} way_rows[] = {
	{ { "interface:eth0", NULL, "192.0.2.1", true }, 2 },
	{ { "interface:eth0", NULL, "2001:db8::1", true }, 2 },
	{ { "interface:eth0", NULL, "192.0.2.1", false }, 3 },
	{ { "interface:eth0", NULL, "192.0.2.1", false }, ACCESS_WAY_UNKNOWN },
	{ { "interface:eth0 192.0.2.0/24", NULL, "192.0.2.1", true }, 3 },
	{ { NULL, "interface:eth0", "192.0.2.1", false }, 2 },
	{ { NULL, "interface:eth0", "192.0.2.1", true }, 3 },
	{ { NULL, "interface:eth0", "192.0.2.1", false }, ACCESS_WAY_UNKNOWN },
	{ { NULL, "interface:gone", "192.0.2.1", true }, 2 },
	{ { "interface:gone", NULL, "192.0.2.1", false }, 2 },
	{ { "192.0.2.1/32", "interface:eth0", "192.0.2.1", false }, 2 },
	{ { "interface:eth0", "192.0.2.0/24", "192.0.2.1", false }, 2 },
	{ { "interface:eth0 192.0.2.1/32", "192.0.2.0/24", "192.0.2.1", true }, 2 },
	{ { "interface:eth0", "interface:eth0", "192.0.2.1", false }, 2 },
	{ { "interface:eth0", "ALL", "192.0.2.1", true }, 2 },
	{ { "interface:eth0", "ALL", "192.0.2.1", false }, 3 },
	{ { "ALL", "interface:eth0", "192.0.2.1", false }, 2 },
};

static void
check_row(const struct row *row, size_t number, uint32_t way)
{
	struct scene scene = { .size = 0 };
	char *only_from = row->only_from ? strdup(row->only_from) : NULL;
	char *no_access = row->no_access ? strdup(row->no_access) : NULL;
	struct access_place place;
	bool is_admitted = true;

	set_service(&scene, 0, only_from, no_access, NULL);
	assert_int_equal(try_build(&scene), 0);
	if (scene.access)
		is_admitted = judge_way(&scene, row->peer, way, &place) == VERDICT_ADMIT;
	if (is_admitted != row->is_admitted)
		fail_msg("row %zu: only_from %s, no_access %s, %s: %s", number, row->only_from,
			row->no_access, row->peer, is_admitted ? "admitted" : "refused");
	fini(&scene);
	free(only_from);
	free(no_access);
}

static void
the_truth_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i], i, ACCESS_WAY_NONE);
}

static void
a_host_is_its_addresses_and_one_that_nobody_knows_may_be_any(void **state)
{
	static const struct row host_rows[] = {
		{ "two.example.org", NULL, "192.0.2.7", true },
		{ "two.example.org", NULL, "2001:db8::7", true },
		{ "two.example.org", NULL, "192.0.2.8", false },
		{ "two.example.org", "192.0.2.0/24", "192.0.2.7", true },
		{ "two.example.org 10.0.0.0/8 ALL", "192.0.2.0/25", "192.0.2.7", true },
		{ "192.0.2.0/24", "two.example.org", "192.0.2.7", false },
		{ "192.0.2.7/32", "two.example.org", "192.0.2.7", false },
		{ "none.example.org", NULL, "192.0.2.7", false },
		{ NULL, "none.example.org", "192.0.2.7", false },
		{ NULL, "none.example.org", "192.0.2.8", true },
		{ "who.example.org", NULL, "192.0.2.7", false },
		{ "who.example.org 192.0.2.7/32", NULL, "192.0.2.7", true },
		{ NULL, "who.example.org", "192.0.2.7", false },
		{ "192.0.2.7/32", "who.example.org", "192.0.2.7", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(host_rows); i++)
		check_row(&host_rows[i], i, ACCESS_WAY_NONE);
}

/* The client is 192.0.2.7, by eth0, and has these names; NULL: nobody knows. */
static const struct name_row {
	const char *only_from;
	const char *no_access;
	const char *name;
	bool is_admitted;
	bool must_ask; /* if the name is not known */
} name_rows[] = {
	{ ".example.org", NULL, "a.example.org", true, true },
	{ ".example.org", NULL, "example.org", false, true },
	{ ".example.org", NULL, "a.notexample.org", false, true },
	{ ".example.org", NULL, "", false, true },
	{ ".example.org", NULL, NULL, false, true },
	{ NULL, ".example.org", "a.example.org", false, true },
	{ NULL, ".example.org", "a.example.com", true, true },
	{ NULL, ".example.org", "", true, true },
	{ NULL, ".example.org", NULL, false, true },
	{ ".lab.example.org", ".example.org", "a.lab.example.org", true, true },
	{ ".example.org", ".lab.example.org", "a.lab.example.org", false, true },
	{ ".example.org", ".example.org", "a.example.org", false, true },
	{ ".example.org", "ALL", "a.example.org", true, true },
	{ "ALL", ".example.org", "a.example.org", false, true },
	{ "192.0.2.0/24", ".example.org", "a.example.org", false, true },
	{ "192.0.2.7/32", ".example.org", "a.example.org", true, false },
	{ ".example.org", "192.0.2.0/24", "a.example.org", false, false },
	{ ".example.org", "192.0.2.7/32", "a.example.org", false, false },
	{ ".example.org 192.0.2.0/24", NULL, NULL, true, false },
	{ "192.0.3.0/24", ".example.org", NULL, false, false },
	{ "interface:eth0", ".example.org", "a.example.org", false, true },
	{ ".example.org", "interface:eth0", "a.example.org", false, false },
	{ ".example.org", "interface:eth1", "a.example.org", true, true },
};

static void
check_name_row(const struct name_row *row, size_t number)
{
	struct scene scene = { .size = 0 };
	char *only_from = row->only_from ? strdup(row->only_from) : NULL;
	char *no_access = row->no_access ? strdup(row->no_access) : NULL;
	struct client_names names = { .count = 1 };
	struct netaddr address;
	struct access_client client = { .address = &address, .way = 2, .minute = NOON };
	struct access_place place;

	assert_int_equal(netaddr_parse_ip(&address, "192.0.2.7"), 0);
	set_service(&scene, 0, only_from, no_access, NULL);
	build(&scene);
	assert_true(access_asks_names(scene.access, 0));
	if (access_must_ask(scene.access, 0, &client) != row->must_ask)
		fail_msg("row %zu: only_from %s, no_access %s: the name %s", number, row->only_from,
			row->no_access, row->must_ask ? "does not matter" : "matters");
	if (row->name) {
		client.naming = ACCESS_NAMES_KNOWN;
		client.names = &names;
		names.count = row->name[0] != '\0';
		strcpy(names.names[0], row->name);
		assert_false(access_must_ask(scene.access, 0, &client));
	}
	if ((access_judge(scene.access, 0, &client, &place) == VERDICT_ADMIT) != row->is_admitted)
		fail_msg("row %zu: only_from %s, no_access %s, %s: %s", number, row->only_from,
			row->no_access, row->name, row->is_admitted ? "refused" : "admitted");
	fini(&scene);
	free(only_from);
	free(no_access);
}

static void
a_domain_outdoes_one_that_it_is_part_of_and_a_host_outdoes_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name_rows); i++)
		check_name_row(&name_rows[i], i);
}

static void
an_interface_and_an_address_are_equally_specific_and_all_less_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(way_rows); i++)
		check_row(&way_rows[i].row, i, way_rows[i].way);
}

static void
without_rules_there_is_no_image(void **state)
{
	struct scene scene = { .size = 0 };

	(void)state;
	set_service(&scene, 0, NULL, NULL, NULL);
	assert_int_equal(try_build(&scene), 0);
	assert_null(scene.access);
}

static void
the_rule_that_decided_is_told_by_its_place(void **state)
{
	char only_from[] = "10.0.0.0/8 192.0.2.0/24 192.0.2.128/25";
	char no_access[] = "192.0.2.64/26 192.0.2.200/32";
	struct scene scene = { .size = 0 };
	struct access_place place;

	(void)state;
	set_service(&scene, 0, only_from, no_access, NULL);
	build(&scene);
	assert_int_equal(judge_address(&scene, "192.0.2.70", &place), VERDICT_refuse_access);
	assert_string_equal(place.file, "services");
	assert_int_equal(place.line, 100 * KEY_PLACE_no_access);
	assert_int_equal(judge_address(&scene, "192.0.2.200", &place), VERDICT_refuse_access);
	assert_int_equal(place.line, 100 * KEY_PLACE_no_access + 1);
	assert_int_equal(judge_address(&scene, "11.0.0.1", &place), VERDICT_refuse_access);
	assert_int_equal(place.line, 100 * KEY_PLACE_only_from + 3); /* the key's own place */
	assert_int_equal(judge_address(&scene, "192.0.2.201", &place), VERDICT_ADMIT);
	assert_int_equal(place.line, 100 * KEY_PLACE_only_from + 2);
	fini(&scene);
}

static void
a_file_is_told_by_its_own_name_and_line_and_is_there_once(void **state)
{
	struct prefix list[2];
	char first[] = "file:/block";
	char second[] = "192.0.2.7/32 file:/block";
	char third[] = "10.0.0.0/8";
	struct scene scene = { .size = 0 };
	struct access_place place;
	const struct prefixes *file;

	(void)state;
	assert_null(prefix_parse(&list[0], "192.0.2.0/24", 12, PREFIX_EXACT));
	assert_null(prefix_parse(&list[1], "2001:db8::/32", 13, PREFIX_EXACT));
	list[0].number = 12;
	list[1].number = 13;
	scene.file = prefixes_new(list, 2);
	set_service(&scene, 0, NULL, first, NULL);
	set_service(&scene, 1, second, NULL, NULL);
	set_service(&scene, 2, third, NULL, NULL);
	build(&scene);
	assert_int_equal(judge_address(&scene, "192.0.2.9", &place), VERDICT_refuse_access);
	assert_string_equal(place.file, "/block");
	assert_int_equal(place.line, 12);
	file = access_find_file(scene.access, "/block");
	assert_non_null(file);
	assert_memory_equal(file, scene.file, prefixes_size(scene.file));
	assert_null(access_find_file(scene.access, "/other"));
	assert_true(scene.size < 2 * prefixes_size(scene.file) + 4096);
	fini(&scene);
}

static void
services_with_the_same_rules_share_them(void **state)
{
	char text[] = "192.0.2.0/24";
	struct scene scene = { .size = 0 };

	(void)state;
	set_service(&scene, 0, text, NULL, NULL);
	scene.services[1] = scene.services[0];
	scene.services[2] = (struct service_config){ .keys = &scene.keys[2] };
	scene.config.service_count = 3;
	build(&scene);
	assert_int_equal(access_set_of(scene.access, 0), access_set_of(scene.access, 1));
	assert_int_equal(access_set_of(scene.access, 2), ACCESS_NO_SET);
	fini(&scene);
}

static void
a_name_that_is_gone_makes_no_image(void **state)
{
	char user[] = "user:nobody-knows";
	char file[] = "file:/nowhere";
	struct scene scene = { .size = 0 };

	(void)state;
	set_service(&scene, 0, NULL, user, NULL);
	assert_int_equal(try_build(&scene), -ENOENT);
	scene = (struct scene){ .size = 0 };
	set_service(&scene, 0, NULL, file, NULL);
	assert_int_equal(try_build(&scene), -ENOENT);
}

static void
an_image_is_known_by_its_size_generation_and_services(void **state)
{
	char text[] = "192.0.2.0/24";
	struct scene scene = { .size = 0 };

	(void)state;
	set_service(&scene, 0, text, NULL, NULL);
	build(&scene);
	assert_false(access_is_image(scene.access, scene.size - 1, GENERATION, 1));
	assert_false(access_is_image(scene.access, 8, GENERATION, 1));
	assert_false(access_is_image(scene.access, scene.size, GENERATION + 1, 1));
	assert_false(access_is_image(scene.access, scene.size, GENERATION, 2));
	fini(&scene);
}

/* ---------------------------------------------------------------- unix peers */

static bool
admits(const char *only_from, const char *no_access, const struct access_peer *peer)
{
	static const struct netaddr unix_address = { .family = AF_UNIX };
	struct scene scene = { .size = 0 };
	char *allow = only_from ? strdup(only_from) : NULL;
	char *deny = no_access ? strdup(no_access) : NULL;
	const struct access_client client = {
		.address = &unix_address, .unix_peer = peer, .minute = NOON
	};
	struct access_place place;
	enum verdict verdict;

	set_service(&scene, 0, allow, deny, NULL);
	build(&scene);
	verdict = access_judge(scene.access, 0, &client, &place);
	fini(&scene);
	free(allow);
	free(deny);
	return verdict == VERDICT_ADMIT;
}

static void
a_user_is_more_specific_than_a_group_and_a_group_than_all(void **state)
{
	const struct access_peer ann = {
		.is_known = true, .user = 100, .groups = { 100, 300 }, .group_count = 2
	};

	(void)state;
	assert_true(admits("user:ann", NULL, &ann));
	assert_false(admits("user:bob", NULL, &ann));
	assert_true(admits("group:users", NULL, &ann));
	assert_false(admits("group:bob", NULL, &ann));
	assert_true(admits("ALL", NULL, &ann));
	assert_true(admits("user:ann", "group:users", &ann));
	assert_false(admits("group:users", "user:ann", &ann));
	assert_false(admits("user:ann", "user:ann", &ann));
	assert_true(admits("group:users", "ALL", &ann));
	assert_false(admits("192.0.2.0/24", NULL, &ann));
	assert_true(admits(NULL, "192.0.2.0/24", &ann));
	assert_false(admits("interface:eth0", NULL, &ann));
	assert_true(admits(NULL, "interface:eth0", &ann));
}

static void
a_peer_that_is_not_known_is_never_taken_for_a_better_one(void **state)
{
	const struct access_peer unknown = { .is_known = false };
	const struct access_peer crowded = {
		.is_known = true, .user = 100, .has_more_groups = true
	};

	(void)state;
	assert_false(admits("user:ann", NULL, &unknown));
	assert_false(admits("user:ann", NULL, NULL));
	assert_false(admits(NULL, "user:ann", &unknown));
	assert_false(admits(NULL, "group:users", NULL));
	assert_false(admits("ALL", "user:ann", &unknown));
	assert_true(admits("ALL", NULL, NULL));
	assert_false(admits("group:users", NULL, &crowded));
	assert_false(admits(NULL, "group:users", &crowded));
	assert_true(admits(NULL, "user:bob", &crowded));
}

/* ---------------------------------------------------------------- hours */

static bool
is_open(const char *times, uint16_t minute)
{
	struct scene scene = { .size = 0 };
	char *text = strdup(times);
	struct netaddr address;
	const struct access_client client = { .address = &address, .minute = minute };
	struct access_place place;
	enum verdict verdict;

	assert_int_equal(netaddr_parse_ip(&address, "192.0.2.1"), 0);
	set_service(&scene, 0, NULL, NULL, text);
	build(&scene);
	assert_true(access_asks_when(scene.access, 0));
	verdict = access_judge(scene.access, 0, &client, &place);
	assert_true(verdict == VERDICT_ADMIT || verdict == VERDICT_refuse_hours);
	if (verdict != VERDICT_ADMIT)
		assert_string_equal(place.file, "services");
	fini(&scene);
	free(text);
	return verdict == VERDICT_ADMIT;
}

static void
hours_hold_from_their_first_minute_to_their_last(void **state)
{
	(void)state;
	assert_false(is_open("08:00-17:30", 8 * 60 - 1));
	assert_true(is_open("08:00-17:30", 8 * 60));
	assert_true(is_open("08:00-17:30", 17 * 60 + 30));
	assert_false(is_open("08:00-17:30", 17 * 60 + 31));
	assert_true(is_open("12:00-12:00", 12 * 60));
	assert_false(is_open("12:00-12:00", 12 * 60 + 1));
}

static void
hours_may_cross_midnight_and_be_several(void **state)
{
	(void)state;
	assert_true(is_open("22:00-06:00", 23 * 60));
	assert_true(is_open("22:00-06:00", 0));
	assert_true(is_open("22:00-06:00", 6 * 60));
	assert_false(is_open("22:00-06:00", 12 * 60));
	assert_true(is_open("08:00-09:00 12:00-13:00", 12 * 60 + 30));
	assert_false(is_open("08:00-09:00 12:00-13:00", 10 * 60));
	assert_true(is_open("00:00-24:00", 24 * 60 - 1));
	assert_false(is_open("", 12 * 60));
	assert_false(is_open("00:00-24:00", UINT16_MAX)); /* the time is not known */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_truth_table_holds),
		CLAIM(a_host_is_its_addresses_and_one_that_nobody_knows_may_be_any),
		CLAIM(a_domain_outdoes_one_that_it_is_part_of_and_a_host_outdoes_both),
		CLAIM(an_interface_and_an_address_are_equally_specific_and_all_less_so),
		CLAIM(without_rules_there_is_no_image),
		CLAIM(the_rule_that_decided_is_told_by_its_place),
		CLAIM(a_file_is_told_by_its_own_name_and_line_and_is_there_once),
		CLAIM(services_with_the_same_rules_share_them),
		CLAIM(a_name_that_is_gone_makes_no_image),
		CLAIM(an_image_is_known_by_its_size_generation_and_services),
		CLAIM(a_user_is_more_specific_than_a_group_and_a_group_than_all),
		CLAIM(a_peer_that_is_not_known_is_never_taken_for_a_better_one),
		CLAIM(hours_hold_from_their_first_minute_to_their_last),
		CLAIM(hours_may_cross_midnight_and_be_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
