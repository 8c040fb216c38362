/* SPDX-License-Identifier: ISC */
/* Shortage of memory: what the kernel's texts say, and what a gate makes of it. */
/* LINK: @BASE src/gate/memory.o src/model/memory.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/memory.h"
#include "model/memory.h"

#include <string.h>
#include <sys/mman.h>

#define GIB (INT64_C(1) << 30)

static msec fake_now;

static msec
clock_of_test(void)
{
	return fake_now;
}

struct fixture {
	struct gate gate;
	struct service service;
	struct service_config config;
	struct service_keys keys;
	int available_fd;
	int pressure_fd;
};

static int
set_up(void **state)
{
	static struct fixture fixture;
	struct message message = { .fd_count = 2 };

	memset(&fixture, 0, sizeof(fixture));
	fake_now = 1000;
	fixture.available_fd = memfd_create("meminfo", MFD_CLOEXEC);
	fixture.pressure_fd = memfd_create("pressure", MFD_CLOEXEC);
	message.fds[0] = dup(fixture.available_fd);
	message.fds[1] = dup(fixture.pressure_fd);
	fixture.config.keys = &fixture.keys;
	fixture.service.config = &fixture.config;
	fixture.service.gate = &fixture.gate;
	fixture.gate.loop = loop_new(clock_of_test);
	memory_init(&fixture.gate.memory);
	memory_receive(&fixture.gate.memory, &message);
	assert_int_equal(message.fds[0], -1);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	memory_fini(&fixture->gate.memory);
	assert_int_equal(fixture->gate.memory.available_fd, -1);
	(void)close(fixture->available_fd);
	(void)close(fixture->pressure_fd);
	(void)loop_free(fixture->gate.loop);
	return 0;
}

static void
write_text(int file_fd, const char *text)
{
	assert_int_equal(ftruncate(file_fd, 0), 0);
	assert_int_equal(pwrite(file_fd, text, strlen(text), 0), strlen(text));
}

/* The gate's clock goes on, and it looks again. */
static bool
is_short_later(struct fixture *fixture)
{
	struct loop *loop = fixture->gate.loop;

	fake_now += MEMORY_LOOKED_MS;
	loop_quit(loop);
	assert_int_equal(loop_run(loop), 0); /* a turn, in which the clock is read */
	return memory_is_short(&fixture->service);
}

static void
the_kernels_texts_are_read_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(memory_pressure_of("some avg10=1.23 avg60=9.00 avg300=0.00 total=1\n"
					    "full avg10=4.56 avg60=0.00 avg300=0.00 total=1\n"),
		123);
	assert_int_equal(memory_pressure_of("some avg10=100.00 avg60"), 10000);
	assert_int_equal(memory_pressure_of("full avg10=4.56\n"), -1);
	assert_int_equal(memory_pressure_of("some avg10=\n"), -1);
	assert_int_equal(memory_pressure_of("some avg10=1.2\n"), -1);
	assert_int_equal(memory_pressure_of(""), -1);
	assert_int_equal(memory_available_of("MemTotal: 9 kB\nMemFree: 1 kB\n"
					     "MemAvailable:    1024 kB\nBuffers: 1 kB\n"),
		1024 * 1024);
	assert_int_equal(memory_available_of("MemTotal: 9 kB\n"), -1);
	assert_int_equal(memory_available_of("MemAvailable: 99999999999999999999 kB\n"), -1);
	assert_int_equal(memory_available_of("MemAvailable: 12 MB\n"), -1);
}

static void
less_than_min_memory_is_a_shortage(void **state)
{
	struct fixture *fixture = *state;

	fixture->keys.min_memory = GIB;
	write_text(fixture->available_fd, "MemAvailable: 1048576 kB\n");
	assert_false(is_short_later(fixture));
	write_text(fixture->available_fd, "MemAvailable: 1048575 kB\n");
	assert_true(is_short_later(fixture));
}

static void
more_than_max_memory_pressure_is_a_shortage(void **state)
{
	struct fixture *fixture = *state;

	fixture->keys.max_memory_pressure = 1000;
	write_text(fixture->pressure_fd, "some avg10=10.00 avg60=0.00 avg300=0.00 total=0\n");
	assert_false(is_short_later(fixture));
	write_text(fixture->pressure_fd, "some avg10=10.01 avg60=0.00 avg300=0.00 total=0\n");
	assert_true(is_short_later(fixture));
}

static void
the_files_are_looked_at_once_a_second_at_most(void **state)
{
	struct fixture *fixture = *state;

	fixture->keys.min_memory = GIB;
	write_text(fixture->available_fd, "MemAvailable: 2097152 kB\n");
	assert_false(is_short_later(fixture));
	write_text(fixture->available_fd, "MemAvailable: 1 kB\n");
	assert_false(memory_is_short(&fixture->service));
	assert_true(is_short_later(fixture));
}

static void
a_service_without_such_a_limit_asks_nothing(void **state)
{
	struct fixture *fixture = *state;

	assert_false(is_short_later(fixture)); /* the files are empty */
	assert_int_equal(fixture->gate.memory.looked, INT64_MIN / 2);
}

static void
what_cannot_be_found_out_is_a_shortage(void **state)
{
	struct fixture *fixture = *state;

	fixture->keys.min_memory = 1;
	assert_true(is_short_later(fixture));
	fixture->keys = (struct service_keys){ .max_memory_pressure = 10000 };
	assert_true(is_short_later(fixture));
}

static void
a_configuration_without_its_files_is_not_complete(void **state)
{
	struct fixture *fixture = *state;
	const struct config config = { .services = &fixture->config, .service_count = 1 };
	struct memory none;

	memory_init(&none);
	assert_true(memory_is_complete(&none, &config));
	fixture->keys.min_memory = 1;
	assert_false(memory_is_complete(&none, &config));
	assert_true(memory_is_complete(&fixture->gate.memory, &config));
	fixture->keys = (struct service_keys){ .max_memory_pressure = 1 };
	assert_false(memory_is_complete(&none, &config));
	assert_true(memory_is_complete(&fixture->gate.memory, &config));
}

int
main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CLAIM(the_kernels_texts_are_read_and_nothing_else),
		CLAIM(less_than_min_memory_is_a_shortage),
		CLAIM(more_than_max_memory_pressure_is_a_shortage),
		CLAIM(the_files_are_looked_at_once_a_second_at_most),
		CLAIM(a_service_without_such_a_limit_asks_nothing),
		CLAIM(what_cannot_be_found_out_is_a_shortage),
		CLAIM(a_configuration_without_its_files_is_not_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
