/* LINK: src/model/plan.o src/base/netaddr.o */
/* SPDX-License-Identifier: ISC */
/* What a reload does to the sockets. */
#include "model/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct endpoint
tcp(const char *ip, uint16_t port)
{
	struct endpoint endpoint = { .protocol = PROTOCOL_TCP4 };

	assert_int_equal(netaddr_parse_ip(&endpoint.address, ip), 0);
	endpoint.address.port = port;
	return endpoint;
}

static struct endpoint
unix_stream(const char *path)
{
	return (struct endpoint){
		.protocol = PROTOCOL_UNIX, .address = { .family = AF_UNIX }, .path = path
	};
}

/* A configuration of one service with so many endpoints. */
static struct config
config_of(struct service_config *service, char *name, struct endpoint *endpoints, uint32_t count)
{
	*service = (struct service_config){
		.name = name, .endpoints = endpoints, .endpoint_count = count
	};
	return (struct config){ .services = service, .service_count = 1 };
}

static struct plan
plan_for(const struct plan_socket *open, size_t count, char *name, struct endpoint *endpoints,
	uint32_t endpoint_count)
{
	struct service_config service;
	struct config config = config_of(&service, name, endpoints, endpoint_count);
	struct plan plan;

	assert_int_equal(plan_make(&plan, open, count, &config), 0);
	return plan;
}

static void
the_same_address_is_kept_whatever_the_service_is_called(void **state)
{
	struct plan_socket open[] = { { 4, "old", tcp("127.0.0.1", 7) } };
	struct endpoint wanted[] = { tcp("127.0.0.1", 7) };
	char name[] = "new";
	struct plan plan = plan_for(open, 1, name, wanted, 1);

	(void)state;
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.steps[0].action, PLAN_KEEP);
	assert_int_equal(plan.steps[0].listener, 4);
	plan_fini(&plan);
}

static void
another_port_or_address_or_protocol_is_opened_and_the_old_one_closed(void **state)
{
	struct endpoint udp = tcp("127.0.0.1", 7);
	struct plan_socket open[] = { { 0, "echo", tcp("127.0.0.1", 7) } };
	struct endpoint wanted[] = { tcp("127.0.0.1", 8), tcp("127.0.0.2", 7), udp };
	char name[] = "echo";
	struct plan plan;

	(void)state;
	wanted[2].protocol = PROTOCOL_UDP4;
	plan = plan_for(open, 1, name, wanted, 3);
	assert_int_equal(plan.count, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(plan.steps[i].action, PLAN_OPEN);
		assert_int_equal(plan.steps[i].endpoint, i);
	}
	assert_int_equal(plan.steps[3].action, PLAN_CLOSE);
	assert_int_equal(plan.steps[3].listener, 0);
	plan_fini(&plan);
}

static void
a_port_that_the_kernel_picked_stays_with_its_service(void **state)
{
	struct plan_socket open[] = { { 0, "one", tcp("0.0.0.0", 0) },
		{ 1, "two", tcp("0.0.0.0", 0) } };
	struct endpoint wanted[] = { tcp("0.0.0.0", 0) };
	char name[] = "two";
	struct plan plan = plan_for(open, 2, name, wanted, 1);

	(void)state;
	assert_int_equal(plan.steps[0].action, PLAN_KEEP);
	assert_int_equal(plan.steps[0].listener, 1);
	assert_int_equal(plan.steps[1].action, PLAN_CLOSE);
	assert_int_equal(plan.steps[1].listener, 0);
	plan_fini(&plan);
}

static void
two_ports_picked_for_one_service_are_both_kept(void **state)
{
	struct plan_socket open[] = { { 0, "any", tcp("0.0.0.0", 0) },
		{ 1, "any", tcp("0.0.0.0", 0) } };
	struct endpoint wanted[] = { tcp("0.0.0.0", 0), tcp("0.0.0.0", 0) };
	char name[] = "any";
	struct plan plan = plan_for(open, 2, name, wanted, 2);

	(void)state;
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.steps[0].action, PLAN_KEEP);
	assert_int_equal(plan.steps[1].action, PLAN_KEEP);
	assert_int_not_equal(plan.steps[0].listener, plan.steps[1].listener);
	plan_fini(&plan);
}

static void
a_unix_socket_is_the_same_by_its_path(void **state)
{
	struct plan_socket open[] = { { 0, "local", unix_stream("/run/a") } };
	struct endpoint wanted[] = { unix_stream("/run/b"), unix_stream("/run/a") };
	char name[] = "local";
	struct plan plan = plan_for(open, 1, name, wanted, 2);

	(void)state;
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.steps[0].action, PLAN_OPEN);
	assert_int_equal(plan.steps[1].action, PLAN_KEEP);
	plan_fini(&plan);
}

static void
nothing_open_and_nothing_wanted_is_an_empty_plan(void **state)
{
	struct config config = { .service_count = 0 };
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(&plan, NULL, 0, &config), 0);
	assert_int_equal(plan.count, 0);
	plan_fini(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_address_is_kept_whatever_the_service_is_called),
		cmocka_unit_test(
			another_port_or_address_or_protocol_is_opened_and_the_old_one_closed),
		cmocka_unit_test(a_port_that_the_kernel_picked_stays_with_its_service),
		cmocka_unit_test(two_ports_picked_for_one_service_are_both_kept),
		cmocka_unit_test(a_unix_socket_is_the_same_by_its_path),
		cmocka_unit_test(nothing_open_and_nothing_wanted_is_an_empty_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
