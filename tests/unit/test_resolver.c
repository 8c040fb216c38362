/* SPDX-License-Identifier: ISC */
/* What the supervisor hears of a resolver. The process is none: its end of the channel is ours. */
/* LINK: @BASE src/effects/channel.o src/supervisor/resolver.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "effects/priv.h"
#include "supervisor/confined.h"
#include "supervisor/gates.h"
#include "supervisor/handover.h"
#include "supervisor/hosts.h"
#include "supervisor/resolver.h"

#include <fcntl.h>
#include <sys/epoll.h>

#define PID 4711

/* What the rest of the supervisor was asked for. */
static struct {
	int resolver_fd;
	int kills;
	int takes;
	const char *lie;
} seen;

int
confined_open_program(const char *name)
{
	(void)name;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int
confined_start(const struct supervisor *supervisor, const char *name, int program_fd,
	int *ret_channel_fd, pid_t *ret_pid)
{
	(void)supervisor;
	(void)name;
	(void)program_fd;
	*ret_pid = PID;
	return channel_pair(ret_channel_fd, &seen.resolver_fd);
}

int
priv_kill_gate(pid_t pid)
{
	assert_int_equal(pid, PID);
	seen.kills++;
	return 0;
}

struct supervised_gate *
gates_next(const struct supervisor *supervisor, const struct supervised_gate *gate)
{
	(void)supervisor;
	(void)gate;
	return NULL;
}

void
handover_continue(struct supervised_gate *gate)
{
	(void)gate;
}

const char *
hosts_take(struct supervisor *supervisor, const struct message *message)
{
	(void)supervisor;
	(void)message;
	seen.takes++;
	return seen.lie;
}

struct scene {
	struct supervisor supervisor;
	struct config config;
	struct message message;
};

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	seen.kills = seen.takes = 0;
	seen.lie = NULL;
	scene->supervisor.loop = loop_new(NULL);
	assert_non_null(scene->supervisor.loop);
	scene->supervisor.message = &scene->message;
	scene->supervisor.services.config = &scene->config;
	scene->supervisor.rules.need_resolver = true;
	resolver_init(&scene->supervisor);
	resolver_swap(&scene->supervisor);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	resolver_fini(&scene->supervisor);
	channel_close(seen.resolver_fd);
	(void)loop_free(scene->supervisor.loop);
	free(scene);
	return 0;
}

static void
say(enum message_type type, const void *body)
{
	assert_int_equal(channel_send(seen.resolver_fd, type, body, NULL, 0, NULL, 0), 0);
}

static void
say_ready(void)
{
	const struct message_ready ready = { .version = CHANNEL_VERSION, .pid = PID };

	say(MESSAGE_ready, &ready);
}

static void
say_addresses(void)
{
	const struct message_addresses addresses = { .error = NAMES_NONE };

	say(MESSAGE_addresses, &addresses);
}

static void
hear(struct scene *scene)
{
	struct watch *channel = &scene->supervisor.resolver.channel;

	channel->ready(channel, EPOLLIN);
}

/* ---------------------------------------------------------------- claims */

static void
what_a_resolver_finds_is_taken(void **state)
{
	struct scene *scene = *state;

	say_ready();
	say_addresses();
	say_addresses();
	hear(scene);
	assert_int_equal(seen.takes, 2);
	assert_int_equal(seen.kills, 0);
}

static void
nothing_more_is_heard_of_a_resolver_that_has_lied(void **state)
{
	struct scene *scene = *state;

	say_ready();
	say_addresses();
	say_addresses();
	seen.lie = "it names no host";
	hear(scene);
	assert_int_equal(seen.takes, 1);
	assert_int_equal(seen.kills, 1);
	assert_int_equal(scene->supervisor.resolver.channel.events, 0);
	/* Nor if there is something new to tell it before it is reaped. */
	resolver_swap(&scene->supervisor);
	assert_int_equal(scene->supervisor.resolver.channel.events, 0);
}

static void
nothing_is_taken_before_a_resolver_is_ready(void **state)
{
	struct scene *scene = *state;

	say_addresses();
	say_ready();
	hear(scene);
	assert_int_equal(seen.takes, 0);
	assert_int_equal(seen.kills, 1);
	assert_false(scene->supervisor.resolver.is_ready);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_resolver_finds_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_more_is_heard_of_a_resolver_that_has_lied,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_taken_before_a_resolver_is_ready, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
