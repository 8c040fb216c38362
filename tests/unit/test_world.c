/* LINK: src/supervisor/world.o src/config/arena.o src/config/keys.o src/config/meaning.o
 * src/config/value.o src/base/prefix.o src/config/access_rule.o src/config/banner.o
 * src/config/value_read.o src/config/value_write.o src/config/complaint.o src/config/protocols.o
 * src/config/builtins.o src/base/textbuf.o src/base/utf8.o src/base/netaddr.o src/config/map.o
 * src/effects/self.o src/base/hostname.o src/config/key_place.o */
/* SPDX-License-Identifier: ISC */
/* From keys to steps: what would change nothing is left out, what we may not do is not tried
 * unless somebody asked for it. */
#include "config/value.h"
#include "supervisor/world.h"

#include "config/keys.h"

#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ALL_CAPABILITIES ((UINT64_C(1) << 41) - 1)
#define ROOT_UID 0
#define USER_UID 1000

struct place {
	struct arena *arena;
	struct service_keys keys;
	struct key_where chosen[8];
	struct service_wheres wheres;
	struct service_config service;
	struct supervisor supervisor;
	struct program_maker maker;
	gid_t group;
	char cwd[2];
	struct spawn_world world;
	struct spawn_limit *limits;
};

static void
be(struct place *place, uid_t uid, uint64_t capabilities)
{
	struct self *self = &place->maker.self;

	place->maker.host_rights = capabilities;
	for (int i = 0; i < 3; i++) {
		self->uids[i] = uid;
		self->gids[i] = uid;
	}
	place->group = uid;
	self->groups = &place->group;
	self->group_count = 1;
	self->capabilities = (struct capability_sets){
		.effective = capabilities, .permitted = capabilities, .bounding = ALL_CAPABILITIES
	};
}

static void
run_as(struct place *place, uid_t uid, gid_t *group)
{
	place->world.identity = (struct identity){
		.uid = uid, .gid = *group, .groups = group, .group_count = 1, .is_set = true
	};
}

/* A host where nothing is out of the ordinary: what most starts look like. */
static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL)
		return -1;
	place->arena = arena_new();
	keys_set_service_defaults(&place->keys, place->arena);
	place->service = (struct service_config){ .keys = &place->keys, .wheres = &place->wheres };
	place->wheres.own.list = place->chosen;
	place->maker.supervisor = &place->supervisor;
	place->maker.self.umask = 022;
	memcpy(place->cwd, "/", 2);
	place->maker.self.cwd = place->cwd;
	place->maker.self.knows_oom = true;
	for (size_t i = 0; i < RLIM_NLIMITS; i++)
		place->maker.self.limits[i] = (struct rlimit){ 1000, 2000 };
	place->maker.self.limits[RLIMIT_CORE] = (struct rlimit){ 0, 0 };
	place->supervisor.files_before = place->maker.self.limits[RLIMIT_NOFILE];
	*state = place;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *place = *state;

	free(place->limits);
	place->arena = arena_free(place->arena);
	free(place);
	return 0;
}

/* Set a key as a line of the table does. */
static void
choose(struct place *place, const char *name, const char *text)
{
	const struct key *key = keys_find(name);
	struct textbuf problem = TEXTBUF_INIT(KEY_PROBLEM_MAX);
	uint32_t at = place->wheres.own.count++;

	assert_non_null(key);
	assert_int_equal(key_read(key, &place->keys, text, place->arena, &problem), 0);
	textbuf_fini(&problem);
	for (; at > 0 && place->chosen[at - 1].place > key->place; at--)
		place->chosen[at] = place->chosen[at - 1];
	place->chosen[at].place = (uint32_t)key->place;
}

static void
expect_steps(struct place *place, uint64_t steps)
{
	uint64_t taken;

	world_set(&place->maker, &place->world, &place->keys);
	assert_int_equal(world_limits(&place->maker, &place->keys, &place->limits,
				 &place->world.limit_count),
		0);
	taken = world_steps(&place->maker, &place->world, &place->service);
	for (size_t step = 0; step < SPAWN_STEP_COUNT; step++)
		if ((taken >> step & 1) != (steps >> step & 1))
			fail_msg("step %zu is %s", step,
				(steps >> step & 1) != 0 ? "not taken" : "taken");
}

static void
a_plain_user_on_an_ordinary_host_takes_one_step(void **state)
{
	be(*state, USER_UID, 0);
	expect_steps(*state, SPAWN_DO(NO_NEW_PRIVS));
}

static void
root_that_becomes_a_user_takes_those_of_the_identity_and_of_power(void **state)
{
	struct place *place = *state;
	gid_t group = USER_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, USER_UID, &group);
	expect_steps(place,
		SPAWN_DO(GROUPS) | SPAWN_DO(GID) | SPAWN_DO(UID) | SPAWN_DO(CAPABILITIES) |
			SPAWN_DO(NO_NEW_PRIVS));
	assert_int_equal(place->world.capabilities, 0);
}

static void
root_that_stays_root_takes_none(void **state)
{
	struct place *place = *state;
	gid_t group = ROOT_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, ROOT_UID, &group);
	expect_steps(place, 0);
}

static void
of_an_identity_only_what_differs_is_set(void **state)
{
	struct place *place = *state;
	gid_t group = 5;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, ROOT_UID, &group);
	place->world.identity.gid = ROOT_UID;
	expect_steps(place, SPAWN_DO(GROUPS));
}

static void
a_saved_id_of_another_is_given_up(void **state)
{
	struct place *place = *state;
	gid_t group = ROOT_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	place->maker.self.uids[2] = USER_UID;
	run_as(place, ROOT_UID, &group);
	expect_steps(place, SPAWN_DO(UID));
}

static void
what_the_starter_left_is_put_right_by_root(void **state)
{
	struct place *place = *state;
	gid_t group = ROOT_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, ROOT_UID, &group);
	place->maker.self.nice = 5;
	place->maker.self.policy = SCHED_BATCH;
	place->maker.self.io_priority = 3 << 13;
	place->maker.self.oom_score_adjust = -900;
	place->maker.self.cwd = NULL;
	place->maker.self.limits[RLIMIT_NOFILE] = (struct rlimit){ 5000, 6000 };
	expect_steps(place,
		SPAWN_DO(NICE) | SPAWN_DO(SCHEDULER) | SPAWN_DO(IO_PRIORITY) | SPAWN_DO(OOM) |
			SPAWN_DO(CWD) | SPAWN_DO(LIMITS));
	assert_int_equal(place->world.limit_count, 1);
	assert_int_equal(place->limits[0].step, SPAWN_STEP_RLIMIT_OF_files);
	assert_int_equal(place->limits[0].limit.rlim_cur, 1000);
	assert_int_equal(place->limits[0].limit.rlim_max, 2000);
}

static void
a_default_that_we_may_not_set_is_left_as_we_have_it(void **state)
{
	struct place *place = *state;

	be(place, USER_UID, 0);
	place->maker.self.nice = 5;
	place->maker.self.policy = SCHED_IDLE;
	place->maker.self.oom_score_adjust = 200;
	place->maker.self.has_no_new_privs = true;
	expect_steps(place, 0);
}

static void
a_default_that_anybody_may_set_is_set(void **state)
{
	struct place *place = *state;

	be(place, USER_UID, 0);
	place->maker.self.nice = -5;
	place->maker.self.oom_score_adjust = -200;
	place->maker.self.limits[RLIMIT_CORE] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	expect_steps(place,
		SPAWN_DO(NICE) | SPAWN_DO(OOM) | SPAWN_DO(LIMITS) | SPAWN_DO(NO_NEW_PRIVS));
}

static void
what_somebody_asked_for_is_always_tried(void **state)
{
	struct place *place = *state;

	be(place, USER_UID, 0);
	place->maker.self.nice = 5;
	place->maker.self.oom_score_adjust = 200;
	choose(place, "nice", "0");
	choose(place, "oom_score_adjust", "0");
	choose(place, "cpu_scheduling_policy", "idle");
	choose(place, "chroot", "/srv");
	expect_steps(place,
		SPAWN_DO(NICE) | SPAWN_DO(OOM) | SPAWN_DO(SCHEDULER) | SPAWN_DO(ROOT) |
			SPAWN_DO(NO_NEW_PRIVS));
}

static void
two_that_share_a_world_need_not_take_the_same_steps(void **state)
{
	struct place *place = *state;
	int nice;

	be(place, USER_UID, 0);
	place->maker.self.nice = 5;
	expect_steps(place, SPAWN_DO(NO_NEW_PRIVS));
	nice = place->world.nice;
	choose(place, "nice", "0");
	expect_steps(place, SPAWN_DO(NICE) | SPAWN_DO(NO_NEW_PRIVS));
	assert_int_equal(nice, place->world.nice);
}

static void
kept_capabilities_take_the_steps_that_bring_them_past_setuid_and_exec(void **state)
{
	struct place *place = *state;
	gid_t group = USER_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, USER_UID, &group);
	choose(place, "capabilities", "net_raw");
	expect_steps(place,
		SPAWN_DO(GROUPS) | SPAWN_DO(GID) | SPAWN_DO(UID) | SPAWN_DO(KEEP_CAPABILITIES) |
			SPAWN_DO(CAPABILITIES) | SPAWN_DO(AMBIENT) | SPAWN_DO(BOUNDING_SET) |
			SPAWN_DO(NO_NEW_PRIVS));
	assert_int_equal(place->world.capabilities, 1 << CAP_NET_RAW);
	assert_int_equal(place->world.bounding_drop,
		ALL_CAPABILITIES & ~(UINT64_C(1) << CAP_NET_RAW));
}

static void
the_root_of_a_user_namespace_leaves_defaults_that_the_host_forbids(void **state)
{
	struct place *place = *state;
	gid_t group = ROOT_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, ROOT_UID, &group);
	place->maker.host_rights = 0;
	place->maker.self.nice = 5;
	place->maker.self.oom_score_adjust = 200;
	expect_steps(place, 0);
}

static void
a_limit_is_set_soft_and_hard(void **state)
{
	struct place *place = *state;

	be(place, USER_UID, 0);
	choose(place, "rlimit_files", "500:3000");
	choose(place, "rlimit_cpu", "unlimited");
	expect_steps(place, SPAWN_DO(LIMITS) | SPAWN_DO(NO_NEW_PRIVS));
	assert_int_equal(place->world.limit_count, 2);
	assert_int_equal(place->limits[0].limit.rlim_max, RLIM_INFINITY);
	assert_int_equal(place->limits[1].limit.rlim_cur, 500);
	assert_int_equal(place->limits[1].limit.rlim_max, 3000);
}

static void
a_program_in_a_chroot_begins_at_its_root(void **state)
{
	struct place *place = *state;
	gid_t group = ROOT_UID;

	be(place, ROOT_UID, ALL_CAPABILITIES);
	run_as(place, ROOT_UID, &group);
	choose(place, "chroot", "/srv");
	place->maker.self.cwd = NULL;
	expect_steps(place, SPAWN_DO(ROOT));
	choose(place, "cwd", "/data");
	expect_steps(place, SPAWN_DO(ROOT) | SPAWN_DO(CWD));
	assert_string_equal(place->world.cwd, "/data");
}

#define WITH_PLACE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(a_plain_user_on_an_ordinary_host_takes_one_step),
		WITH_PLACE(root_that_becomes_a_user_takes_those_of_the_identity_and_of_power),
		WITH_PLACE(root_that_stays_root_takes_none),
		WITH_PLACE(of_an_identity_only_what_differs_is_set),
		WITH_PLACE(a_saved_id_of_another_is_given_up),
		WITH_PLACE(what_the_starter_left_is_put_right_by_root),
		WITH_PLACE(a_default_that_we_may_not_set_is_left_as_we_have_it),
		WITH_PLACE(a_default_that_anybody_may_set_is_set),
		WITH_PLACE(what_somebody_asked_for_is_always_tried),
		WITH_PLACE(two_that_share_a_world_need_not_take_the_same_steps),
		WITH_PLACE(kept_capabilities_take_the_steps_that_bring_them_past_setuid_and_exec),
		WITH_PLACE(the_root_of_a_user_namespace_leaves_defaults_that_the_host_forbids),
		WITH_PLACE(a_limit_is_set_soft_and_hard),
		WITH_PLACE(a_program_in_a_chroot_begins_at_its_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
