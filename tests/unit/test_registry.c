/* SPDX-License-Identifier: ISC */
/* LINK: services/registry.o */
/* The registry finds each row of services.def. The services themselves are stand-ins. */
#include "services/service.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BUILTIN(name, speaks, gates, help) const struct service_ops name##_ops;
#include "services/services.def"
#undef BUILTIN

static void
each_row_is_found_by_its_name(void **state)
{
	(void)state;
#define BUILTIN(name, speaks, gates, help) assert_ptr_equal(service_find(#name), &name##_ops);
#include "services/services.def"
#undef BUILTIN
}

static void
a_name_counts_as_a_whole_and_as_it_is_written(void **state)
{
	(void)state;
	assert_null(service_find(""));
	assert_null(service_find("ech"));
	assert_null(service_find("echoo"));
	assert_null(service_find("ECHO"));
	assert_null(service_find("fortune"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_found_by_its_name),
		cmocka_unit_test(a_name_counts_as_a_whole_and_as_it_is_written),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
