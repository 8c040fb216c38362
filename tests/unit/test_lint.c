/* SPDX-License-Identifier: ISC */
/* LINK: @CONFIG src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/base/name.o
 * src/base/prefix.o src/base/siphash.o src/control/lint.o src/control/lint_access.o
 * src/control/lint_exposure.o src/control/lint_files.o src/control/lint_limits.o -lconfig */
/* What lint finds, and what it leaves alone: for each rule lines of both kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/lint.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define GIB (INT64_C(1) << 30)
#define LIMITED "per_source=4 max_time=1min " /* so that nothing else is found */

struct fixture {
	char folder[64];
	struct lint_host host;
	struct complaint_list *complaints;
	struct config *config;
	struct lint lint;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	(void)strcpy(fixture->folder, "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	fixture->host =
		(struct lint_host){ .is_root = true, .memory = 4 * GIB, .processes = 32768 };
	*state = fixture;
	return 0;
}

static void
forget(struct fixture *fixture)
{
	lint_fini(&fixture->lint);
	fixture->config = config_free(fixture->config);
	fixture->complaints = complaint_list_free(fixture->complaints);
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	forget(fixture);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

/* Look at a table; `settings` is what stands before it in reeve.conf. */
static void
look(struct fixture *fixture, const char *settings, const char *lines)
{
	char text[4096];

	forget(fixture);
	fixture->complaints = complaint_list_new();
	(void)snprintf(text, sizeof(text), "%s\ntable = \"%s\";\n", settings, lines);
	fixture->config = config_load_text("conf", text, strlen(text), fixture->complaints);
	assert_non_null(fixture->config);
	if (complaint_count(fixture->complaints) > 0)
		fail_msg("%s: %s", lines, complaint_message(fixture->complaints, 0));
	assert_int_equal(lint_config(&fixture->lint, fixture->config, &fixture->host), 0);
}

static size_t
count(const struct fixture *fixture, enum lint_rule rule)
{
	size_t found = 0;

	for (size_t i = 0; i < fixture->lint.count; i++)
		found += fixture->lint.findings[i].rule == rule;
	return found;
}

/* That one finding, and no other. */
static void
finds_in(struct fixture *fixture, const char *settings, enum lint_rule rule, const char *lines)
{
	look(fixture, settings, lines);
	if (fixture->lint.count != 1 || fixture->lint.findings[0].rule != rule) {
		for (size_t i = 0; i < fixture->lint.count; i++)
			print_error("%s: %s\n", lint_row(fixture->lint.findings[i].rule)->word,
				fixture->lint.findings[i].text);
		fail_msg("%s: %zu findings, not the one of %s", lines, fixture->lint.count,
			lint_row(rule)->word);
	}
}

static void
finds(struct fixture *fixture, enum lint_rule rule, const char *lines)
{
	finds_in(fixture, "", rule, lines);
}

static void
leaves_alone(struct fixture *fixture, enum lint_rule rule, const char *lines)
{
	look(fixture, "", lines);
	if (count(fixture, rule) > 0)
		fail_msg("%s: %s", lines, fixture->lint.findings[0].text);
}

static void
assert_place(const struct fixture *fixture, uint32_t line, uint32_t column)
{
	assert_int_equal(fixture->lint.findings[0].where.line, line);
	assert_int_equal(fixture->lint.findings[0].where.column, column);
}

/* ---------------------------------------------------------------- exposure */

static void
a_program_of_root_in_public_is_found(void **state)
{
	finds(*state, LINT_root_public, "a 20001/tcp user=root " LIMITED "/bin/true");
	assert_place(*state, 1, 13);
	finds(*state, LINT_root_public, "a 20001/tcp user=0:0 " LIMITED "/bin/true");
	finds(*state, LINT_root_public, "a 10.0.0.1:20001/tcp user=root " LIMITED "/bin/true");
	finds(*state, LINT_root_public,
		"a 127.0.0.1:20001/tcp user=root proxy_from=10.0.0.1 " LIMITED "/bin/true");
	leaves_alone(*state, LINT_root_public, "a 127.0.0.1:20001/tcp user=root /bin/true");
	leaves_alone(*state, LINT_root_public, "a [::1]:20001/tcp user=root /bin/true");
	leaves_alone(*state, LINT_root_public,
		"a 20001/tcp only_from=127.0.0.1 user=root /bin/true");
	leaves_alone(*state, LINT_root_public, "a 20001/tcp user=1 /bin/true");
	leaves_alone(*state, LINT_root_public, "a 20001/tcp user=root sensor /bin/true");
	leaves_alone(*state, LINT_root_public, "a 20001/tcp builtin:echo");
}

static void
a_shell_without_a_script_is_found(void **state)
{
	finds(*state, LINT_bare_shell, "a 20001/tcp user=1 " LIMITED "/bin/sh");
	finds(*state, LINT_bare_shell, "a 20001/tcp user=1 " LIMITED "/bin/bash -i");
	leaves_alone(*state, LINT_bare_shell, "a 20001/tcp user=1 /bin/sh -c date");
	leaves_alone(*state, LINT_bare_shell, "a 20001/tcp user=1 /bin/sh /srv/script");
	leaves_alone(*state, LINT_bare_shell, "a 127.0.0.1:20001/tcp user=1 /bin/sh");
}

static void
log_ins_in_plaintext_are_found(void **state)
{
	finds(*state, LINT_plaintext_login, "a 23/tcp user=1 " LIMITED "/usr/sbin/whatever");
	finds(*state, LINT_plaintext_login, "a 20023/tcp user=1 " LIMITED "/usr/sbin/in.telnetd");
	finds(*state, LINT_plaintext_login,
		"a 20021/tcp user=1 " LIMITED "/usr/sbin/tcpd /usr/sbin/vsftpd");
	leaves_alone(*state, LINT_plaintext_login, "a 110/tcp user=1 /usr/bin/stunnel4 x.conf");
	leaves_alone(*state, LINT_plaintext_login,
		"a 23/tcp only_from=192.168.0.0/16 user=1 /usr/sbin/telnetd");
	leaves_alone(*state, LINT_plaintext_login,
		"a 23/tcp only_from=10.0.0.0/8,fd00::/8,fe80::/10 user=1 /usr/sbin/telnetd");
	finds(*state, LINT_plaintext_login,
		"a 23/tcp only_from=2000::/3 user=1 " LIMITED "/usr/sbin/telnetd");
	leaves_alone(*state, LINT_plaintext_login, "a 192.168.1.1:23/tcp user=1 /usr/sbin/telnetd");
	leaves_alone(*state, LINT_plaintext_login, "a 23/tcp sensor builtin:discard");
	leaves_alone(*state, LINT_plaintext_login, "a 23/tcp builtin:chat");
}

static void
a_socket_of_root_that_all_may_open_is_found(void **state)
{
	finds(*state, LINT_socket_open, "a /tmp/x.sock/unix user=root /bin/true");
	leaves_alone(*state, LINT_socket_open, "a /tmp/x.sock/unix mode=0660 user=root /bin/true");
	leaves_alone(*state, LINT_socket_open,
		"a /tmp/x.sock/unix only_from=user:root user=root /bin/true");
	leaves_alone(*state, LINT_socket_open, "a /tmp/x.sock/unix user=1 /bin/true");
}

static void
large_networks_of_proxies_are_found(void **state)
{
	finds(*state, LINT_proxy_public, "a 20001/tcp proxy_from=0.0.0.0/0 builtin:echo");
	finds(*state, LINT_proxy_public, "a 20001/tcp proxy_from=10.1.2.3,2001::/16 builtin:echo");
	leaves_alone(*state, LINT_proxy_public,
		"a 20001/tcp proxy_from=10.0.0.0/8,fd00::/8,192.0.2.1,unix builtin:echo");
}

static void
set_uid_programs_in_public_are_found(void **state)
{
	finds(*state, LINT_set_uid, "a 20001/tcp user=1 no_new_privs=no " LIMITED "/bin/true");
	leaves_alone(*state, LINT_set_uid, "a 20001/tcp user=1 /bin/true");
}

/* ---------------------------------------------------------------- datagrams */

static void
amplifiers_in_public_are_found(void **state)
{
	finds(*state, LINT_amplifier, "a 20001/udp builtin:chargen");
	finds(*state, LINT_amplifier, "a 20001/udp builtin:qotd");
	leaves_alone(*state, LINT_amplifier, "a 20001/tcp builtin:chargen");
	leaves_alone(*state, LINT_amplifier, "a 127.0.0.1:20001/udp builtin:chargen");
	leaves_alone(*state, LINT_amplifier, "a 20001/udp only_from=10.0.0.0/8 builtin:chargen");
	leaves_alone(*state, LINT_amplifier, "a 20001/udp builtin:daytime");
}

static void
large_reply_budgets_in_public_are_found(void **state)
{
	finds(*state, LINT_reply_budget, "a 20001/udp reply_budget=1M builtin:daytime");
	assert_place(*state, 1, 13);
	finds(*state, LINT_reply_budget, "a 20001/udp reply_budget_rate=8k builtin:daytime");
	leaves_alone(*state, LINT_reply_budget, "a 20001/udp reply_budget=4k builtin:daytime");
	leaves_alone(*state, LINT_reply_budget, "a 20001/tcp reply_budget=1M builtin:daytime");
}

static void
a_loop_guard_that_is_off_in_public_is_found(void **state)
{
	finds(*state, LINT_loop_guard, "a 20001/udp loop_guard=0 builtin:echo");
	leaves_alone(*state, LINT_loop_guard, "a 127.0.0.1:20001/udp loop_guard=0 builtin:echo");
}

/* ---------------------------------------------------------------- limits */

static void
programs_in_public_without_limits_are_found(void **state)
{
	finds(*state, LINT_no_source_limit, "a 20001/tcp user=1 max_time=1min /bin/true");
	finds(*state, LINT_no_source_limit, "a 20001/udp user=1 /bin/true");
	finds(*state, LINT_no_time_limit, "a 20001/tcp user=1 cps=10 /bin/true");
	leaves_alone(*state, LINT_no_source_limit, "a 20001/tcp user=1 cps_per_source=1 /bin/true");
	leaves_alone(*state, LINT_no_source_limit, "a 20001/udp user=1 pps_per_source=1 /bin/true");
	leaves_alone(*state, LINT_no_source_limit, "a 20001/tcp user=1 wait /bin/true");
	leaves_alone(*state, LINT_no_source_limit, "a 127.0.0.1:20001/tcp user=1 /bin/true");
	leaves_alone(*state, LINT_no_time_limit, "a 20001/tcp user=1 idle=1min /bin/true");
	leaves_alone(*state, LINT_no_time_limit, "a 20001/tcp builtin:echo");
}

static void
more_memory_than_there_is_is_found(void **state)
{
	finds(*state, LINT_memory,
		"a 20001/tcp user=1 instances=100 rlimit_as=1G " LIMITED "/bin/true");
	finds(*state, LINT_memory,
		"a 20001/tcp user=1 instances=100 rlimit_data=512M " LIMITED "/bin/true");
	leaves_alone(*state, LINT_memory, "a 20001/tcp user=1 instances=4 rlimit_as=1G /bin/true");
	leaves_alone(*state, LINT_memory, "a 20001/tcp user=1 rlimit_as=unlimited /bin/true");
}

static void
more_programs_than_processes_are_found(void **state)
{
	finds(*state, LINT_processes, "a 20001/tcp user=1 rlimit_nproc=100 " LIMITED "/bin/true");
	finds(*state, LINT_processes, "a 20001/tcp user=1 instances=40000 " LIMITED "/bin/true");
	leaves_alone(*state, LINT_processes,
		"a 20001/tcp user=1 instances=100 rlimit_nproc=200 /bin/true");
	leaves_alone(*state, LINT_processes,
		"a 127.0.0.1:20001/tcp user=root rlimit_nproc=100 /bin/true");
}

/* ---------------------------------------------------------------- access rules */

static void
rules_without_effect_are_found(void **state)
{
	static const char *const idle[] = {
		"only_from=10.0.0.0/8,10.1.0.0/16", /* the wider one says it */
		"only_from=10.0.0.0/8,10.0.0.0/8",
		"only_from=10.0.0.0/8 no_access=192.168.0.1", /* is not let in anyway */
		"no_access=10.0.0.0/8,10.0.0.1",
		"only_from=10.0.0.0/9,10.128.0.0/9,10.0.0.0/8", /* both halves are there */
		"only_from=fd00::/8,fd00:1::/32",
		"only_from=10.0.0.0/8,10.1.1.1 no_access=10.1.1.1", /* no_access decides */
	};
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		(void)snprintf(line, sizeof(line), "a 20001/tcp %s builtin:echo", idle[i]);
		look(*state, "", line);
		if (count(*state, LINT_idle_rule) == 0)
			fail_msg("%s: nothing found", idle[i]);
	}
}

static void
rules_with_an_effect_are_left_alone(void **state)
{
	static const char *const busy[] = {
		"only_from=10.0.0.0/8,192.168.0.0/16 no_access=10.1.0.0/16",
		"only_from=10.0.0.0/8,10.1.1.1 no_access=10.1.0.0/16", /* an exception of it */
		"no_access=ALL only_from=10.0.0.0/8",
		"only_from=ALL no_access=10.0.0.1",
		"no_access=10.0.0.1,fd00::1",
		"only_from=0.0.0.0/1",
		"only_from=ff00::/8,255.255.255.255",
	};
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		(void)snprintf(line, sizeof(line), "a 20001/tcp %s builtin:echo", busy[i]);
		leaves_alone(*state, LINT_idle_rule, line);
	}
}

static void
the_rule_that_is_to_go_is_the_one_that_is_shown(void **state)
{
	const struct fixture *fixture = *state;

	finds(*state, LINT_idle_rule, "a 20001/tcp only_from=10.0.0.0/8,10.1.0.0/16 builtin:echo");
	assert_string_equal(fixture->lint.findings[0].text,
		"only_from 10.1.0.0/16 makes no difference: only_from 10.0.0.0/8 decides there, "
		"too");
	assert_place(fixture, 1, 13);
}

static void
an_only_from_that_is_none_is_found(void **state)
{
	finds(*state, LINT_only_from_all, "a 20001/tcp only_from=ALL builtin:echo");
	finds(*state, LINT_only_from_all, "a 20001/tcp only_from=0.0.0.0/0,::/0 builtin:echo");
	finds(*state, LINT_half_open, "a 20001/tcp only_from=0.0.0.0/0 builtin:echo");
	leaves_alone(*state, LINT_half_open, "a 20001/tcp4 only_from=0.0.0.0/0 builtin:echo");
	leaves_alone(*state, LINT_half_open,
		"a 20001/tcp only_from=0.0.0.0/0,fd00::/8 builtin:echo");
	look(*state, "defaults: { only_from = \"10.0.0.0/8\"; };",
		"a 20001/tcp only_from=ALL builtin:echo\\n"
		"b 20002/tcp builtin:echo");
	assert_int_equal(count(*state, LINT_only_from_all), 0);
}

static void
a_service_that_admits_nobody_is_found(void **state)
{
	finds(*state, LINT_nobody_admitted, "a 20001/tcp only_from= builtin:echo");
	finds(*state, LINT_nobody_admitted, "a 20001/tcp no_access=ALL builtin:echo");
	finds(*state, LINT_nobody_admitted, "a 20001/tcp access_times= builtin:echo");
	leaves_alone(*state, LINT_nobody_admitted,
		"a 20001/tcp no_access=ALL only_from=10.0.0.1 builtin:echo");
	leaves_alone(*state, LINT_nobody_admitted, "a 20001/tcp only_from= sensor builtin:discard");
}

static void
a_sensor_on_the_port_of_a_service_is_found(void **state)
{
	finds(*state, LINT_sensor_port,
		"a 10.0.0.1:20001/tcp builtin:echo\\n"
		"trap 10.0.0.2:20001/tcp sensor builtin:discard");
	assert_place(*state, 2, 6);
	leaves_alone(*state, LINT_sensor_port,
		"a 10.0.0.1:20001/tcp builtin:echo\\n"
		"trap 10.0.0.2:20002/tcp sensor builtin:discard");
	leaves_alone(*state, LINT_sensor_port,
		"a 10.0.0.1:20001/tcp sensor builtin:echo\\n"
		"trap 10.0.0.2:20001/tcp sensor builtin:discard");
}

/* ---------------------------------------------------------------- files */

static void
a_nobody_of_several_services_is_found(void **state)
{
	const char *lines = "a 127.0.0.1:20001/tcp user=65534:65534 /bin/true\\n"
			    "b 127.0.0.1:20002/tcp user=65534:65534 /bin/true\\n"
			    "c 127.0.0.1:20003/tcp user=65534:65534 /bin/true";

	finds(*state, LINT_shared_nobody, lines);
	assert_place(*state, 2, 23);
	leaves_alone(*state, LINT_shared_nobody,
		"a 127.0.0.1:20001/tcp user=65534:65534 /bin/true\\n"
		"b 127.0.0.1:20002/tcp user=1 /bin/true\\n"
		"c 127.0.0.1:20003/tcp user=65534:65534 lint_ignore=shared-nobody /bin/true");
}

/* A program in the fixture's folder, of these permissions. */
static const char *
make_program(struct fixture *fixture, const char *text, mode_t mode, mode_t folder_mode)
{
	static const char name[] = "/program";
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s%s", fixture->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(text, file);
	(void)fclose(file);
	assert_int_equal(chmod(path, mode), 0);
	assert_int_equal(chmod(fixture->folder, folder_mode), 0);
	return name;
}

static void
line_for(const struct fixture *fixture, const char *keys, const char *name, char line[static 256])
{
	(void)snprintf(line, 256, "a 127.0.0.1:20001/tcp user=1:1 %s %s%s", keys, fixture->folder,
		name);
}

static void
a_program_that_all_may_write_is_found(void **state)
{
	char line[256];

	line_for(*state, "", make_program(*state, "", 0755, 0755), line);
	leaves_alone(*state, LINT_program_writable, line);
	line_for(*state, "", make_program(*state, "", 0777, 0755), line);
	finds(*state, LINT_program_writable, line);
	line_for(*state, "", make_program(*state, "", 0755, 0777), line);
	finds(*state, LINT_program_writable, line);
	line_for(*state, "", make_program(*state, "", 0755, 01777), line);
	leaves_alone(*state, LINT_program_writable, line);
}

static void
a_program_that_a_link_leads_to_is_looked_at(void **state)
{
	struct fixture *fixture = *state;
	char target[128], line[256];

	make_program(fixture, "", 0777, 0755);
	(void)snprintf(target, sizeof(target), "%s/link", fixture->folder);
	assert_int_equal(symlink("program", target), 0);
	line_for(fixture, "", "/link", line);
	finds(fixture, LINT_program_writable, line);
}

static void
a_program_of_the_services_own_user_is_found(void **state)
{
	struct fixture *fixture = *state;
	char line[256];
	uid_t user = geteuid() == 0 ? 1 : geteuid();

	make_program(fixture, "", 0755, 0755);
	(void)snprintf(line, sizeof(line), "%s/program", fixture->folder);
	if (geteuid() == 0)
		assert_int_equal(chown(line, user, (gid_t)-1), 0);
	(void)snprintf(line, sizeof(line), "a 127.0.0.1:20001/tcp user=%u:1 %s/program",
		(unsigned)user, fixture->folder);
	finds(fixture, LINT_program_own, line);
	(void)snprintf(line, sizeof(line), "a 127.0.0.1:20001/tcp user=%u:1 %s/program",
		(unsigned)user + 1, fixture->folder);
	leaves_alone(fixture, LINT_program_own, line);
}

static void
a_shell_that_complains_to_clients_is_found(void **state)
{
	char line[256];

	line_for(*state, "stderr=client", make_program(*state, "#! /bin/sh -e\n", 0755, 0755),
		line);
	finds(*state, LINT_stderr_client, line);
	line_for(*state, "", "/program", line);
	leaves_alone(*state, LINT_stderr_client, line);
	make_program(*state, "#!/usr/bin/env bash\n", 0755, 0755);
	line_for(*state, "stderr=client", "/program", line);
	finds(*state, LINT_stderr_client, line);
	make_program(*state, "#!/usr/bin/python3\n", 0755, 0755);
	leaves_alone(*state, LINT_stderr_client, line);
	finds(*state, LINT_stderr_client,
		"a 127.0.0.1:20001/tcp user=1:1 stderr=client /bin/sh -c date");
}

static void
rules_in_a_file_that_all_may_write_are_found(void **state)
{
	const struct fixture *fixture = *state;
	char line[256];

	make_program(*state, "192.0.2.1\n", 0666, 0755);
	(void)snprintf(line, sizeof(line), "a 20001/tcp no_access=file:%s/program builtin:echo",
		fixture->folder);
	finds(*state, LINT_access_writable, line);
	make_program(*state, "192.0.2.1\n", 0644, 0755);
	leaves_alone(*state, LINT_access_writable, line);
}

static void
a_configuration_that_all_may_write_is_found(void **state)
{
	struct fixture *fixture = *state;
	char path[128];
	const char *tables[] = { path, NULL };
	const struct config_paths paths = { .tables = tables };

	make_program(fixture, "a 20001/tcp builtin:echo\n", 0666, 0755);
	(void)snprintf(path, sizeof(path), "%s/program", fixture->folder);
	fixture->complaints = complaint_list_new();
	fixture->config = config_load(&paths, fixture->complaints);
	assert_non_null(fixture->config);
	assert_int_equal(lint_config(&fixture->lint, fixture->config, &fixture->host), 0);
	assert_int_equal(fixture->lint.count, 1);
	assert_int_equal(fixture->lint.findings[0].rule, LINT_config_writable);
	lint_fini(&fixture->lint);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(lint_config(&fixture->lint, fixture->config, &fixture->host), 0);
	assert_int_equal(fixture->lint.count, 0);
}

/* ---------------------------------------------------------------- all of them */

static void
what_a_service_ignores_is_counted_and_not_told(void **state)
{
	const struct fixture *fixture = *state;

	look(*state, "", "a 20001/udp lint_ignore=amplifier builtin:chargen");
	assert_int_equal(fixture->lint.count, 0);
	assert_int_equal(fixture->lint.ignored, 1);
}

static void
findings_come_in_the_order_of_the_lines(void **state)
{
	const struct fixture *fixture = *state;

	look(*state, "",
		"trap 10.0.0.2:20001/tcp sensor builtin:discard\\n"
		"a 10.0.0.1:20001/tcp builtin:echo\\n"
		"b 20001/udp builtin:chargen\\n"
		"c 20002/udp reply_budget=1M builtin:qotd");
	assert_int_equal(fixture->lint.count, 4);
	for (size_t i = 1; i < fixture->lint.count; i++)
		assert_true(fixture->lint.findings[i - 1].where.line <=
			fixture->lint.findings[i].where.line);
}

static void
every_rule_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < LINT_RULE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(lint_row((enum lint_rule)i)->word,
				lint_row((enum lint_rule)j)->word);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CLAIM(a_program_of_root_in_public_is_found),
		CLAIM(a_shell_without_a_script_is_found),
		CLAIM(log_ins_in_plaintext_are_found),
		CLAIM(a_socket_of_root_that_all_may_open_is_found),
		CLAIM(large_networks_of_proxies_are_found),
		CLAIM(set_uid_programs_in_public_are_found),
		CLAIM(amplifiers_in_public_are_found),
		CLAIM(large_reply_budgets_in_public_are_found),
		CLAIM(a_loop_guard_that_is_off_in_public_is_found),
		CLAIM(programs_in_public_without_limits_are_found),
		CLAIM(more_memory_than_there_is_is_found),
		CLAIM(more_programs_than_processes_are_found),
		CLAIM(rules_without_effect_are_found),
		CLAIM(rules_with_an_effect_are_left_alone),
		CLAIM(the_rule_that_is_to_go_is_the_one_that_is_shown),
		CLAIM(an_only_from_that_is_none_is_found),
		CLAIM(a_service_that_admits_nobody_is_found),
		CLAIM(a_sensor_on_the_port_of_a_service_is_found),
		CLAIM(a_nobody_of_several_services_is_found),
		CLAIM(a_program_that_all_may_write_is_found),
		CLAIM(a_program_that_a_link_leads_to_is_looked_at),
		CLAIM(a_program_of_the_services_own_user_is_found),
		CLAIM(a_shell_that_complains_to_clients_is_found),
		CLAIM(rules_in_a_file_that_all_may_write_are_found),
		CLAIM(a_configuration_that_all_may_write_is_found),
		CLAIM(what_a_service_ignores_is_counted_and_not_told),
		CLAIM(findings_come_in_the_order_of_the_lines),
		CLAIM(every_rule_has_a_word_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
