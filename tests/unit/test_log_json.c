/* SPDX-License-Identifier: ISC */
/* LINK: @LOG */
/* The log as lines of JSON in a file: what they look like, and what becomes of them when the disk
 * is full or the file is moved. And what services want to be written of them. */
#include "base/log.h"
#include "base/log_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[] = "/tmp/reeve-test-json-XXXXXX";
static char path[sizeof(folder) + 16];
static char other[sizeof(folder) + 16];
static char content[1 << 20];

static int
open_log(void **test)
{
	(void)test;
	(void)umask(077);
	(void)unlink(path);
	(void)unlink(other);
	return log_open_at(LOG_SINK_JSON, LOG_LEVEL_DEBUG, "test", path);
}

static int
close_log(void **test)
{
	(void)test;
	log_set_policies(NULL, 0);
	return log_open_at(LOG_SINK_STDERR, LOG_LEVEL_ERR, "test", "");
}

static const char *
read_file(const char *name)
{
	auto_close int file_fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(file_fd, content, sizeof(content) - 1);

	assert_true(length >= 0);
	content[length] = '\0';
	return content;
}

/* The only line behind its time, without the process. */
static const char *
only_line(void)
{
	static const char begin[] = "{\"time\":\"2026-11-21T02:49:06.123Z\",";
	char end[64];
	char *found;

	log_flush();
	(void)read_file(path);
	for (size_t i = 0; begin[i] != '\0'; i++)
		if (begin[i] >= '0' && begin[i] <= '9')
			assert_in_range(content[i], '0', '9');
		else
			assert_int_equal(content[i], begin[i]);
	(void)snprintf(end, sizeof(end), ",\"process\":\"test\",\"process_id\":%d}\n",
		(int)getpid());
	found = strstr(content, end);
	assert_non_null(found);
	assert_int_equal(found[strlen(end)], '\0');
	*found = '\0';
	return content + strlen(begin);
}

static void
an_event_is_an_object_with_texts_and_numbers(void **test)
{
	struct netaddr peer = { .family = AF_INET, .port = 40000 };
	uint64_t rtt_us = 70;

	(void)test;
	peer.ip.v4.s_addr = htonl(0x0a010203);
	LOG(conn_ended, .id = 20000000003, .service = "echo", .peer = &peer, .ending = "served",
		.duration_ms = 0, .bytes_in = 5, .bytes_out = -1, .rtt_us = &rtt_us);
	assert_string_equal(only_line(),
		"\"level\":\"info\",\"event\":\"conn-ended\",\"msg\":\"a connection ended\","
		"\"id\":20000000003,\"service\":\"echo\",\"peer\":\"10.1.2.3:40000\","
		"\"ending\":\"served\",\"duration_ms\":0,\"bytes_in\":5,\"bytes_out\":-1,"
		"\"rtt_us\":70");
}

static void
an_errno_is_there_as_text_and_as_number(void **test)
{
	(void)test;
	LOG(system_error, .step = "bind", .error = ENOENT);
	assert_non_null(strstr(only_line(),
		"\"error\":\"ENOENT: No such file or directory\",\"errno\":2"));
}

static void
no_byte_of_a_stranger_breaks_the_line_or_steers_a_terminal(void **test)
{
	(void)test;
	LOG(handler_said, .id = 1, .service = "a\"b\\c",
		.line = "\x1b[31m\n\t\x7f\xc2\x9b \xff \xe2\x80\xae \xc3\xa9 \xf0\x9f\x98\x80"
			" \xf3\xa0\x80\x81");
	assert_non_null(strstr(only_line(), "\"service\":\"a\\\"b\\\\c\""));
	assert_non_null(strstr(content,
		"\"line\":\"\\u001b[31m\\u000a\\u0009\\u007f\\u009b \xef\xbf\xbd \\u202e \xc3\xa9 "
		"\xf0\x9f\x98\x80 \\udb40\\udc01\""));
}

static void
the_file_is_made_for_its_owner_and_group_whatever_the_umask(void **test)
{
	struct stat status;

	(void)test;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	/* One that is there keeps what it has. */
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(log_open_at(LOG_SINK_JSON, LOG_LEVEL_DEBUG, "test", path), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void
a_link_and_what_is_no_file_are_refused_and_the_log_stays_where_it_is(void **test)
{
	(void)test;
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(log_open_at(LOG_SINK_JSON, LOG_LEVEL_DEBUG, "test", other), -ELOOP);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(log_file_open(other), -ENXIO); /* nobody reads */
	assert_int_equal(unlink(other), 0);
	assert_int_equal(log_file_open(folder), -EISDIR);
	LOG(service_free, .service = "echo");
	assert_non_null(strstr(only_line(), "service-free"));
}

static void
a_moved_file_is_noticed_and_the_next_one_takes_its_place(void **test)
{
	auto_close int next_fd = -1;

	(void)test;
	assert_true(log_file_is(log_fd(), path));
	LOG(service_free, .service = "before");
	log_flush();
	assert_int_equal(rename(path, other), 0);
	assert_false(log_file_is(log_fd(), path));
	next_fd = log_file_open(path);
	assert_true(log_file_is(next_fd, path));
	assert_false(log_file_is(log_fd(), path));
	LOG(service_free, .service = "between"); /* gathered, and due to the old one */
	assert_int_equal(log_replace_fd(next_fd), 0);
	LOG(service_free, .service = "after");
	assert_non_null(strstr(only_line(), "after"));
	assert_non_null(strstr(read_file(other), "before"));
	assert_non_null(strstr(content, "between"));
}

/* Lines that begin and end as they should, and those that do not. */
static void
count_lines(int *ret_whole, int *ret_broken)
{
	*ret_whole = *ret_broken = 0;
	(void)read_file(path);
	for (char *line = strtok(content, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (strncmp(line, "{\"time\":", 8) == 0 && line[strlen(line) - 1] == '}')
			++*ret_whole;
		else
			++*ret_broken;
}

static void
a_full_disk_loses_lines_and_says_how_many_once_there_is_room(void **test)
{
	struct rlimit before;
	struct rlimit small = { 50000, RLIM_INFINITY };
	int whole, broken;
	long lost = 0;
	const char *told;

	(void)test;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 2000; i++) {
		LOG(service_free, .service = "echo");
		log_flush();
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	log_flush();
	log_flush();
	LOG(service_free, .service = "echo");
	log_flush();
	told = strstr(read_file(path), "\"lines\":");
	assert_non_null(told);
	lost = strtol(told + strlen("\"lines\":"), NULL, 10);
	assert_true(lost > 0);
	assert_int_equal(log_lost(), lost);
	count_lines(&whole, &broken);
	assert_int_equal(whole + lost, 2001 + 1); /* and the line that tells */
	assert_true(broken <= 1);
}

/* ---------------------------------------------------------------- what services want */

static void
want(const char *service, int level, unsigned int success, unsigned int failure)
{
	struct log_policy *policy = calloc(1, sizeof(*policy));

	assert_non_null(policy);
	(void)snprintf(policy->service, sizeof(policy->service), "%s", service);
	policy->level = level;
	policy->success = success;
	policy->failure = failure;
	log_set_policies(policy, 1);
}

static void
end_a_connection(const char *service)
{
	LOG(conn_ended, .id = 7, .service = service, .ending = "served", .duration_ms = 3,
		.bytes_in = 5, .bytes_out = 6);
}

static void
a_service_has_no_more_fields_than_it_wants(void **test)
{
	(void)test;
	want("echo", LOG_LEVEL_DEBUG, 1u << LOG_WORD_DURATION | 1u << LOG_WORD_HOST, 0);
	end_a_connection("echo");
	assert_string_equal(only_line(),
		"\"level\":\"info\",\"event\":\"conn-ended\",\"msg\":\"a connection ended\","
		"\"id\":7,\"service\":\"echo\",\"duration_ms\":3");
}

static void
a_list_without_words_is_no_record_of_that_kind(void **test)
{
	(void)test;
	want("echo", LOG_LEVEL_DEBUG, 0, 1u << LOG_WORD_ATTEMPT);
	end_a_connection("echo");
	LOG(handler_ended, .id = 7, .service = "echo", .ending = "exited");
	LOG(conn_refused, .service = "echo", .peer = &(struct netaddr){ .family = AF_UNIX },
		.verdict = "access", .count = 1);
	assert_non_null(strstr(only_line(), "\"event\":\"conn-refused\""));
	assert_null(strstr(content, "peer"));
}

static void
a_silent_service_is_not_known_to_the_log_and_others_are(void **test)
{
	(void)test;
	want("echo", 0, ~0u, ~0u);
	end_a_connection("echo");
	LOG(handler_failed, .id = 7, .service = "echo", .error = ENOENT);
	end_a_connection("echo2");
	assert_non_null(strstr(only_line(), "echo2"));
	want("echo", LOG_LEVEL_WARNING, ~0u, ~0u);
	end_a_connection("echo");
	assert_non_null(strstr(only_line(), "echo2"));
}

static void
of_services_with_one_name_each_gets_what_it_wants(void **test)
{
	struct log_policy policies[3] = {
		{ .service = "echo", .level = LOG_LEVEL_ERR, .success = 1 },
		{ .service = "chat", .level = LOG_LEVEL_INFO },
		{ .service = "echo", .level = LOG_LEVEL_INFO, .success = 2, .failure = 4 },
	};
	const struct log_policy *echo;

	(void)test;
	assert_int_equal(log_policy_settle(policies, 3), 2);
	echo = log_policy_find(policies, 2, "echo");
	assert_int_equal(echo->level, LOG_LEVEL_INFO);
	assert_int_equal(echo->success, 3);
	assert_int_equal(echo->failure, 4);
	assert_null(log_policy_find(policies, 2, "ech"));
	assert_null(log_policy_find(NULL, 0, "echo"));
}

#define IN_FILE(claim) cmocka_unit_test_setup_teardown(claim, open_log, close_log)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FILE(an_event_is_an_object_with_texts_and_numbers),
		IN_FILE(an_errno_is_there_as_text_and_as_number),
		IN_FILE(no_byte_of_a_stranger_breaks_the_line_or_steers_a_terminal),
		IN_FILE(the_file_is_made_for_its_owner_and_group_whatever_the_umask),
		IN_FILE(a_link_and_what_is_no_file_are_refused_and_the_log_stays_where_it_is),
		IN_FILE(a_moved_file_is_noticed_and_the_next_one_takes_its_place),
		IN_FILE(a_full_disk_loses_lines_and_says_how_many_once_there_is_room),
		IN_FILE(a_service_has_no_more_fields_than_it_wants),
		IN_FILE(a_list_without_words_is_no_record_of_that_kind),
		IN_FILE(a_silent_service_is_not_known_to_the_log_and_others_are),
		IN_FILE(of_services_with_one_name_each_gets_what_it_wants),
	};
	int failures;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	(void)snprintf(other, sizeof(other), "%s/other", folder);
	failures = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)unlink(other);
	(void)rmdir(folder);
	return failures;
}
