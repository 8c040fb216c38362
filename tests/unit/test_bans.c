/* SPDX-License-Identifier: ISC */
/* The supervisor's book of bans: what gates may say, what people do, and that the memory which
 * gates share follows. */
/* LINK: @BASE src/model/ban.o src/model/ban_book.o src/model/ban_text.o src/model/client_source.o
 * src/model/rate.o src/effects/whole.o src/supervisor/bans.o src/supervisor/bans_file.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ban_text.h"
#include "model/rate.h"
#include "supervisor/bans.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS 3
#define HOUR 3600000

static msec fake_now = 1000000;

static msec
clock_of_test(void)
{
	return fake_now;
}

/* The packet filter is another test's; and descriptors need not lie high here. */
int
bans_export_init(struct bans *bans)
{
	(void)bans;
	return 0;
}

void
bans_export_stop(struct bans *bans)
{
	(void)bans;
}

void
bans_export_fini(struct bans *bans)
{
	(void)bans;
}

void
bans_export_configured(struct bans *bans)
{
	(void)bans;
}

void
bans_export_changed(struct bans *bans, bool is_all_anew)
{
	(void)bans;
	(void)is_all_anew;
}

bool
bans_export_reaped(struct bans *bans, pid_t pid, int status)
{
	(void)bans;
	(void)pid;
	(void)status;
	return false;
}

int
spawn_move_high(int low_fd)
{
	return low_fd;
}

/* For the file's bytes, and for its name. */
static unsigned waits_for_the_disk;
static unsigned waits_for_the_folder;
static bool keeps_names_by_itself; /* and takes no call for it */

int
fsync(int file_fd)
{
	struct stat status;

	assert_int_equal(fstat(file_fd, &status), 0);
	if (!S_ISDIR(status.st_mode)) {
		waits_for_the_disk++;
		return 0;
	}
	/* The name that is to stay is there already. */
	assert_int_equal(faccessat(file_fd, "bans", F_OK, 0), 0);
	assert_int_equal(faccessat(file_fd, "bans.new", F_OK, 0), -1);
	waits_for_the_folder++;
	errno = EINVAL;
	return keeps_names_by_itself ? -1 : 0;
}

struct fixture {
	struct supervisor supervisor;
	struct supervisor_settings settings;
	struct config config;
	struct service_config services[2];
	struct service_keys keys[2];
	struct served *rows[ROWS];
};

static int
set_up(void **state)
{
	static const char names[2][8] = { "echo", "trap" };
	static struct fixture fixture;
	struct supervisor *supervisor = &fixture.supervisor;
	int sources_fd;

	memset(&fixture, 0, sizeof(fixture));
	fixture.keys[0] = (struct service_keys){
		.ban = 1, .ban_time = HOUR, .source_prefix4 = 24, .source_prefix6 = 56
	};
	fixture.keys[1] = (struct service_keys){
		.sensor = 1, .ban_time = 2 * HOUR, .source_prefix4 = 24, .source_prefix6 = 56
	};
	for (uint32_t i = 0; i < 2; i++) {
		fixture.services[i].keys = &fixture.keys[i];
		fixture.rows[i] = calloc(1, sizeof(struct served) + sizeof(names[i]));
		assert_non_null(fixture.rows[i]);
		fixture.rows[i]->index = i;
		memcpy(fixture.rows[i]->name, names[i], sizeof(names[i]));
	}
	fixture.config = (struct config){ .services = fixture.services, .service_count = 2 };
	fixture.config.daemon.bans = 4;
	supervisor->settings = &fixture.settings;
	supervisor->services.config = &fixture.config;
	supervisor->rows = fixture.rows;
	supervisor->row_count = ROWS;
	supervisor->loop = loop_new(clock_of_test);
	assert_int_equal(shared_sources_create(&supervisor->sources, &sources_fd,
				 SHARED_SOURCES_LEAST, 2, "a secret of 16 b"),
		0);
	(void)close(sources_fd);
	assert_int_equal(bans_init(supervisor, &fixture.config), 0);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	bans_fini(&fixture->supervisor);
	(void)shared_sources_free(fixture->supervisor.sources);
	(void)loop_free(fixture->supervisor.loop);
	for (uint32_t i = 0; i < 2; i++)
		free(fixture->rows[i]);
	return 0;
}

static const char *
tell(struct fixture *fixture, uint32_t row, const char *source, enum verdict verdict)
{
	struct message_banned told = { .row = row, .user = BAN_NO_USER, .verdict = verdict };

	assert_int_equal(netaddr_parse_ip(&told.source, source), 0);
	return bans_told(&fixture->supervisor, &told);
}

static bool
is_out(struct fixture *fixture, const char *service, const char *text)
{
	struct shared_sources *sources = fixture->supervisor.sources;
	struct netaddr peer;

	assert_int_equal(netaddr_parse_ip(&peer, text), 0);
	return ban_holds(sources, ban_service(sources, service), &peer, BAN_NO_USER,
		rate_clock(fake_now));
}

static const char *
only_source(struct fixture *fixture)
{
	static char text[BAN_SOURCE_TEXT_MAX];

	assert_int_equal(bans_count(&fixture->supervisor), 1);
	return ban_source_write(&bans_at(&fixture->supervisor, 0)->source, text);
}

static void
what_a_gate_bans_follows_from_the_keys_of_the_service(void **state)
{
	struct fixture *fixture = *state;

	assert_null(tell(fixture, 0, "192.0.2.7", VERDICT_refuse_source_rate));
	assert_string_equal(only_source(fixture), "192.0.2.0/24");
	assert_string_equal(bans_at(&fixture->supervisor, 0)->service, "echo");
	assert_int_equal(bans_at(&fixture->supervisor, 0)->until, fake_now + HOUR);
	assert_true(is_out(fixture, "echo", "192.0.2.99"));
	assert_false(is_out(fixture, "trap", "192.0.2.99"));
}

static void
who_touches_a_sensor_is_one_address_to_all(void **state)
{
	struct fixture *fixture = *state;

	assert_null(tell(fixture, 1, "2001:db8::7", VERDICT_refuse_sensor));
	assert_string_equal(only_source(fixture), "2001:db8::/64");
	assert_null(bans_at(&fixture->supervisor, 0)->service);
	assert_true(is_out(fixture, "echo", "2001:db8::8"));
}

static void
ban_scope_makes_a_ban_one_from_all(void **state)
{
	struct fixture *fixture = *state;

	fixture->keys[0].ban_scope = CONFIG_BAN_ALL;
	assert_null(tell(fixture, 0, "192.0.2.7", VERDICT_refuse_access));
	assert_string_equal(only_source(fixture), "192.0.2.7/32");
	assert_null(bans_at(&fixture->supervisor, 0)->service);
}

static void
a_gate_that_names_nothing_there_is_lies(void **state)
{
	struct fixture *fixture = *state;
	struct message_banned told = { .row = 0, .verdict = VERDICT_refuse_access };

	assert_non_null(tell(fixture, ROWS, "192.0.2.7", VERDICT_refuse_access));
	assert_non_null(tell(fixture, UINT32_MAX, "192.0.2.7", VERDICT_refuse_access));
	assert_non_null(tell(fixture, 0, "192.0.2.7", VERDICT_ADMIT));
	assert_non_null(tell(fixture, 0, "192.0.2.7", VERDICT_COUNT));
	assert_non_null(bans_told(&fixture->supervisor, &told)); /* no family */
	assert_int_equal(bans_count(&fixture->supervisor), 0);
}

/* It may not have taken the configuration yet in which that is so. */
static void
a_service_that_bans_no_longer_is_no_lie_and_no_ban(void **state)
{
	struct fixture *fixture = *state;

	assert_null(tell(fixture, 0, "192.0.2.7", VERDICT_refuse_sensor));
	assert_null(tell(fixture, 1, "192.0.2.7", VERDICT_refuse_access));
	assert_null(tell(fixture, 2, "192.0.2.7", VERDICT_refuse_access)); /* a free row */
	fixture->rows[0]->index = ROW_NONE;
	assert_null(tell(fixture, 0, "192.0.2.7", VERDICT_refuse_access));
	assert_int_equal(bans_count(&fixture->supervisor), 0);
}

static void
a_gate_that_bans_without_end_fills_the_book_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	char text[32];

	for (int i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "10.%d.%d.1", i / 256, i % 256);
		assert_null(tell(fixture, 1, text, VERDICT_refuse_sensor));
	}
	assert_int_equal(bans_count(&fixture->supervisor), 4);
}

/* ---------------------------------------------------------------- by hand */

static int
add(struct fixture *fixture, const char *source, const char *service)
{
	const char *problem;
	int error = bans_add(&fixture->supervisor, source, service, HOUR, &problem);

	assert_true((error == -EINVAL) == (problem != NULL));
	return error;
}

static size_t
drop(struct fixture *fixture, const char *source, const char *service)
{
	const char *problem;
	size_t count = 0;

	assert_int_equal(bans_remove(&fixture->supervisor, source, service, &count, &problem), 0);
	return count;
}

static void
a_ban_by_hand_holds_at_once_and_so_does_its_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, "10.0.0.0/8", NULL), 0);
	assert_int_equal(add(fixture, "192.0.2.7", "echo"), 0);
	assert_true(is_out(fixture, "echo", "10.77.0.1"));
	assert_true(is_out(fixture, "trap", "10.77.0.1"));
	assert_true(is_out(fixture, "echo", "192.0.2.7"));
	assert_false(is_out(fixture, "trap", "192.0.2.7"));
	assert_int_equal(drop(fixture, "10.0.0.0/8", NULL), 1);
	assert_int_equal(drop(fixture, "192.0.2.7", "trap"), 0);
	assert_false(is_out(fixture, "echo", "10.77.0.1"));
	assert_true(is_out(fixture, "echo", "192.0.2.7"));
	assert_int_equal(drop(fixture, "192.0.2.7", "echo"), 1);
	assert_false(is_out(fixture, "echo", "192.0.2.7"));
	assert_false(ban_are_any(fixture->supervisor.sources));
}

static void
lifting_a_network_lifts_all_that_lies_in_it(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	assert_int_equal(add(fixture, "10.1.0.0/16", "echo"), 0);
	assert_int_equal(add(fixture, "11.1.2.3", NULL), 0);
	assert_null(tell(fixture, 0, "10.9.9.9", VERDICT_refuse_access));
	assert_int_equal(drop(fixture, "10.0.0.0/8", NULL), 3);
	assert_string_equal(only_source(fixture), "11.1.2.3/32");
	assert_false(is_out(fixture, "echo", "10.1.2.3"));
	assert_false(is_out(fixture, "echo", "10.9.9.9"));
}

/* ---------------------------------------------------------------- the disk */

static char folder[] = "/tmp/reeve-bans-XXXXXX";

static void
begin_with_folder(struct fixture *fixture)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/reeve-bans-XXXXXX");
	assert_non_null(mkdtemp(folder));
	bans_fini(&fixture->supervisor);
	fixture->settings.state_dir = folder;
	assert_int_equal(bans_init(&fixture->supervisor, &fixture->config), 0);
	waits_for_the_disk = waits_for_the_folder = 0;
}

/* Ends, and is the next daemon there. */
static void
start_again(struct fixture *fixture)
{
	bans_fini(&fixture->supervisor);
	assert_int_equal(bans_init(&fixture->supervisor, &fixture->config), 0);
}

static void
drop_file(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static void
end_with_folder(struct fixture *fixture)
{
	bans_fini(&fixture->supervisor);
	drop_file("bans");
	drop_file("bans.lock");
	assert_int_equal(rmdir(folder), 0);
}

static struct loop *turning;

static void
turn_is_the_last(struct timer *timer, msec now)
{
	(void)timer;
	(void)now;
	loop_quit(turning);
}

/* A turn, in which what is due is done. */
static void
turn(struct fixture *fixture)
{
	struct timer last = { .expired = turn_is_the_last };

	turning = fixture->supervisor.loop;
	assert_int_equal(loop_set_timer(turning, &last, fake_now), 0);
	assert_int_equal(loop_run(turning), 0);
}

/* Whoever leaves for another program holds up clients. */
static void
the_disk_is_waited_for_at_the_end_and_not_by_who_leaves(void **state)
{
	struct fixture *fixture = *state;

	begin_with_folder(fixture);
	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	bans_leave(&fixture->supervisor);
	assert_int_equal(waits_for_the_disk + waits_for_the_folder, 0);
	drop_file("bans");
	assert_int_equal(add(fixture, "10.1.2.4", NULL), 0);
	bans_fini(&fixture->supervisor);
	assert_int_equal(waits_for_the_disk, 1);
	assert_int_equal(waits_for_the_folder, 1);
	end_with_folder(fixture);
}

/* Nobody waited when it was written. */
static void
the_disk_is_waited_for_at_the_end_though_all_is_written(void **state)
{
	struct fixture *fixture = *state;

	begin_with_folder(fixture);
	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	turn(fixture);
	assert_false(fixture->supervisor.bans->is_dirty);
	assert_int_equal(waits_for_the_disk, 0);
	start_again(fixture);
	assert_int_equal(waits_for_the_disk, 1);
	assert_int_equal(bans_count(&fixture->supervisor), 1);
	end_with_folder(fixture);
}

/* He may have been killed, or have left for us in a hurry. */
static void
what_somebody_else_has_written_is_waited_for_at_the_end(void **state)
{
	struct fixture *fixture = *state;

	begin_with_folder(fixture);
	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	start_again(fixture);
	assert_int_equal(waits_for_the_disk, 1);
	start_again(fixture);
	assert_int_equal(waits_for_the_disk, 2);
	assert_int_equal(waits_for_the_folder, 2);
	assert_int_equal(bans_count(&fixture->supervisor), 1);
	end_with_folder(fixture);
}

static void
a_file_system_that_keeps_names_by_itself_is_no_failure(void **state)
{
	struct fixture *fixture = *state;

	begin_with_folder(fixture);
	keeps_names_by_itself = true;
	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	bans_file_save(fixture->supervisor.bans, true);
	assert_int_equal(waits_for_the_folder, 1);
	assert_false(fixture->supervisor.bans->is_failing);
	assert_false(fixture->supervisor.bans->is_dirty);
	keeps_names_by_itself = false;
	end_with_folder(fixture);
}

static void
a_file_that_somebody_took_away_is_there_again_at_the_end(void **state)
{
	struct fixture *fixture = *state;

	begin_with_folder(fixture);
	assert_int_equal(add(fixture, "10.1.2.3", NULL), 0);
	start_again(fixture);
	drop_file("bans");
	start_again(fixture);
	assert_int_equal(bans_count(&fixture->supervisor), 1);
	end_with_folder(fixture);
}

static void
what_is_no_source_or_no_time_is_refused_with_the_reason(void **state)
{
	struct fixture *fixture = *state;
	const char *problem = NULL;

	assert_int_equal(add(fixture, "10.1.2.3/8", NULL), -EINVAL);
	assert_int_equal(add(fixture, "example.org", NULL), -EINVAL);
	assert_int_equal(add(fixture, "10.1.2.3", ""), -EINVAL);
	assert_int_equal(bans_add(&fixture->supervisor, "10.1.2.3", NULL, 10, &problem), -EINVAL);
	assert_int_equal(bans_add(&fixture->supervisor, "10.1.2.3", NULL, 2 * BAN_LONGEST,
				 &problem),
		-EINVAL);
	assert_int_equal(bans_count(&fixture->supervisor), 0);
}

static void
a_full_book_has_room_for_bans_by_hand_until_all_are(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 4; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "10.0.%d.1", i);
		assert_null(tell(fixture, 1, text, VERDICT_refuse_sensor));
	}
	assert_int_equal(add(fixture, "192.0.2.1", NULL), 0);
	assert_int_equal(add(fixture, "192.0.2.2", NULL), 0);
	assert_int_equal(add(fixture, "192.0.2.3", NULL), 0);
	assert_int_equal(add(fixture, "192.0.2.4", NULL), 0);
	assert_int_equal(add(fixture, "192.0.2.5", NULL), -ENOSPC);
	assert_false(is_out(fixture, "echo", "10.0.0.1"));
	assert_true(is_out(fixture, "echo", "192.0.2.4"));
}

int
main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CLAIM(what_a_gate_bans_follows_from_the_keys_of_the_service),
		CLAIM(who_touches_a_sensor_is_one_address_to_all),
		CLAIM(ban_scope_makes_a_ban_one_from_all),
		CLAIM(a_gate_that_names_nothing_there_is_lies),
		CLAIM(a_service_that_bans_no_longer_is_no_lie_and_no_ban),
		CLAIM(a_gate_that_bans_without_end_fills_the_book_and_nothing_else),
		CLAIM(a_ban_by_hand_holds_at_once_and_so_does_its_end),
		CLAIM(lifting_a_network_lifts_all_that_lies_in_it),
		CLAIM(the_disk_is_waited_for_at_the_end_and_not_by_who_leaves),
		CLAIM(the_disk_is_waited_for_at_the_end_though_all_is_written),
		CLAIM(what_somebody_else_has_written_is_waited_for_at_the_end),
		CLAIM(a_file_system_that_keeps_names_by_itself_is_no_failure),
		CLAIM(a_file_that_somebody_took_away_is_there_again_at_the_end),
		CLAIM(what_is_no_source_or_no_time_is_refused_with_the_reason),
		CLAIM(a_full_book_has_room_for_bans_by_hand_until_all_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
