/* SPDX-License-Identifier: ISC */
/* LINK: @LOG */
/* WRAP: open */
/* The log: what a line and a datagram look like, that nothing a stranger sent gets out raw, that
 * nothing blocks, and that what was lost is counted. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#define TIMESTAMP "2026-11-21T02:49:06.123Z "

static bool is_reopening_refused;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	if (is_reopening_refused && strncmp(path, "/proc/self/fd/", 14) == 0) {
		errno = EACCES;
		return -1;
	}
	return __real_open(path, flags, 0600);
}

/* --- standard error is ours during a test, and cmocka's again after it */

static int saved_stderr_fd;
static int reader_fd;

static char received[1 << 20];

/* All that is there now, NUL-terminated; the number of bytes. */
static size_t
receive_all(void)
{
	size_t length = 0;
	ssize_t taken;

	while ((taken = read(reader_fd, received + length, sizeof(received) - 1 - length)) > 0)
		length += (size_t)taken;
	received[length] = '\0';
	return length;
}

static int
open_pipe(void **test)
{
	int pipe_fds[2];

	(void)test;
	saved_stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	if (saved_stderr_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -1;
	reader_fd = pipe_fds[0];
	(void)fcntl(reader_fd, F_SETFL, O_NONBLOCK);
	(void)dup2(pipe_fds[1], STDERR_FILENO);
	(void)close(pipe_fds[1]);
	if (log_open_at(LOG_SINK_STDERR, LOG_LEVEL_DEBUG, "test", "") < 0)
		return -1;
	/* What an earlier test could not get rid of. */
	log_flush();
	(void)receive_all();
	return 0;
}

static int
restore_stderr(void **test)
{
	(void)test;
	is_reopening_refused = false;
	(void)dup2(saved_stderr_fd, STDERR_FILENO);
	(void)close(saved_stderr_fd);
	(void)close(reader_fd);
	return 0;
}

static void
use_stderr(int stderr_fd)
{
	assert_int_equal(dup2(stderr_fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(log_open_at(LOG_SINK_STDERR, LOG_LEVEL_DEBUG, "test", ""), 0);
}

/* The one line that was written, without its time and newline. */
static const char *
receive_line(void)
{
	size_t length;

	log_flush();
	length = receive_all();
	assert_true(length > strlen(TIMESTAMP));
	assert_int_equal(received[length - 1], '\n');
	received[length - 1] = '\0';
	assert_null(strchr(received, '\n'));
	for (size_t i = 0; TIMESTAMP[i] != '\0'; i++) {
		if (TIMESTAMP[i] >= '0' && TIMESTAMP[i] <= '9')
			assert_in_range(received[i], '0', '9');
		else
			assert_int_equal(received[i], TIMESTAMP[i]);
	}
	return received + strlen(TIMESTAMP);
}

/* --- lines */

static void
an_event_is_one_line_with_its_time_level_name_and_fields(void **test)
{
	struct netaddr peer = { .family = AF_INET, .port = 4711 };

	(void)test;
	peer.ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	LOG(conn_ended, .id = 17, .service = "echo", .peer = &peer, .ending = "client-closed",
		.duration_ms = 0, .bytes_in = INT64_MAX, .bytes_out = INT64_MIN);
	assert_string_equal(receive_line(),
		"info conn-ended: a connection ended id=17 service=echo peer=127.0.0.1:4711 "
		"ending=client-closed duration_ms=0 bytes_in=9223372036854775807 "
		"bytes_out=-9223372036854775808");
}

static void
the_time_is_the_time(void **test)
{
	time_t before = time(NULL);
	struct tm parts = { 0 };

	(void)test;
	LOG(reload_started, .cause = "test");
	(void)receive_line();
	assert_non_null(strptime(received, "%Y-%m-%dT%H:%M:%S", &parts));
	/* time(2) may be a tick behind the clock that the log reads. */
	assert_in_range(timegm(&parts), before, time(NULL) + 1);
}

static void
what_is_absent_leaves_no_trace(void **test)
{
	struct netaddr nobody = { .family = AF_UNSPEC };

	(void)test;
	LOG(handler_ended, .id = 1, .service = NULL, .peer = &nobody, .pid = 0, .ending = "exited");
	assert_string_equal(receive_line(),
		"info handler-ended: a program ended id=1 pid=0 ending=exited duration_ms=0 "
		"cpu_ms=0");
	LOG(system_error, .step = "accept4", .error = 0);
	assert_string_equal(receive_line(),
		"err system-error: a system call failed that should not step=accept4");
}

static void
a_number_that_is_known_is_written_even_if_it_is_0(void **test)
{
	const uint64_t none = 0;
	const uint64_t some = 1729;

	(void)test;
	LOG(handler_ended, .id = 1, .pid = 2, .ending = "exited", .bytes_in = &some,
		.bytes_out = &none);
	assert_string_equal(receive_line(),
		"info handler-ended: a program ended id=1 pid=2 ending=exited duration_ms=0 "
		"cpu_ms=0 bytes_in=1729 bytes_out=0");
}

static void
an_errno_is_written_as_name_and_text(void **test)
{
	(void)test;
	LOG(system_error, .step = "bind", .error = EACCES);
	assert_string_equal(receive_line(),
		"err system-error: a system call failed that should not step=bind "
		"error=\"EACCES: Permission denied\"");
	LOG(system_error, .error = 9999);
	assert_string_equal(receive_line(),
		"err system-error: a system call failed that should not error=\"unknown error: "
		"unknown\"");
}

static void
values_are_quoted_when_they_could_be_taken_for_something_else(void **test)
{
	static const struct {
		const char *value;
		const char *written;
	} rows[] = {
		{ "", "\"\"" },
		{ "plain-1.2:3/x", "plain-1.2:3/x" },
		{ "two words", "\"two words\"" },
		{ "id=99", "\"id=99\"" },
		{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
		{ "\"", "\"\\\"\"" },
		{ "back\\slash", "\"back\\\\slash\"" },
		{ "end\\\" id=1", "\"end\\\\\\\" id=1\"" },
	};
	char wanted[256];

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		LOG(service_free, .service = rows[i].value);
		(void)snprintf(wanted, sizeof(wanted),
			"info service-free: clients are accepted again service=%s",
			rows[i].written);
		assert_string_equal(receive_line(), wanted);
	}
}

static void
no_control_byte_nor_broken_text_of_a_stranger_gets_out(void **test)
{
	(void)test;
	LOG(handler_said, .id = 3, .service = "x",
		.line = "\x1b[2J\nfake line\r\xff\xc2\x9b caf\xc3\xa9");
	assert_string_equal(receive_line(),
		"notice handler-said: a program wrote to its standard error id=3 service=x "
		"line=\"\\x1b[2J\\x0afake line\\x0d\\xff\\xc2\\x9b caf\xc3\xa9\"");
}

static void
a_value_without_end_is_cut(void **test)
{
	static char huge[100000];

	(void)test;
	memset(huge, '\a', sizeof(huge) - 1);
	LOG(handler_failed, .service = huge, .program = huge, .step = huge);
	assert_true(strlen(receive_line()) < 4 * 3 * 2048 + 200);
	assert_non_null(strstr(received, " step="));
}

static void
below_the_level_nothing_is_written(void **test)
{
	(void)test;
	assert_true(log_wants(LOG_LEVEL_DEBUG));
	assert_int_equal(log_open(LOG_SINK_STDERR, LOG_LEVEL_NOTICE, "test"), 0);
	assert_false(log_wants(LOG_LEVEL_INFO));
	assert_true(log_wants(LOG_LEVEL_NOTICE));
	LOG(service_free, .service = "x");
	log_flush();
	assert_int_equal(receive_all(), 0);
	LOG(reload_started, .cause = "SIGHUP");
	assert_string_equal(receive_line(),
		"notice reload-started: reading the configuration again cause=SIGHUP");
}

static void
lines_wait_for_the_flush(void **test)
{
	(void)test;
	LOG(service_free, .service = "x");
	assert_int_equal(receive_all(), 0);
	log_flush();
	assert_true(receive_all() > 0);
}

/* --- a reader that does not read */

/* The numbers of the lines in `received` must go up one by one from *next on; *next is then the
 * number of the first that is not there. Gives what follows the last such line. */
static const char *
count_lines(int64_t *next)
{
	const char *line = received;
	const char *field;

	while ((field = strstr(line, " id=")) != NULL) {
		assert_int_equal(strtoll(field + 4, NULL, 10), *next);
		(*next)++;
		line = strchr(field, '\n') + 1;
	}
	return line;
}

/* Log more than pipe and buffer hold, read, and see that nothing is missing without being
 * counted, in the place where it is missing. */
static void
overflow_and_recover(void)
{
	const int64_t lines = 5000;
	int64_t next = 0;
	const char *rest;
	size_t length;

	for (int64_t id = 0; id < lines; id++) {
		LOG(conn_started, .id = id, .service = "flood");
		log_flush();
	}
	length = receive_all();
	/* Lines are not torn at the place where the pipe was full. */
	assert_true(length > 0 && received[length - 1] == '\n');
	assert_string_equal(count_lines(&next), "");
	/* Now there is room for a line again, but it would hide the hole before it. */
	log_flush();
	LOG(conn_started, .id = lines, .service = "flood");
	/* What was held back, and then the size of the hole. */
	for (int i = 0; i < 100; i++) {
		log_flush();
		length += receive_all();
		rest = count_lines(&next);
		if (*rest != '\0')
			break;
	}
	assert_true(next < lines);
	assert_true(length > 65536);
	assert_non_null(strstr(rest, "warning log-dropped: lines were lost"));
	assert_int_equal(strtoll(strstr(rest, " lines=") + 7, NULL, 10), lines + 1 - next);
	LOG(service_free, .service = "after");
	assert_string_equal(receive_line(),
		"info service-free: clients are accepted again service=after");
}

static void
a_full_pipe_loses_lines_and_says_how_many(void **test)
{
	(void)test;
	assert_true(fcntl(reader_fd, F_SETPIPE_SZ, 4096) >= 4096);
	overflow_and_recover();
}

static void
a_pipe_that_cannot_be_had_for_ourselves_does_not_block_either(void **test)
{
	(void)test;
	is_reopening_refused = true;
	assert_int_equal(log_open_at(LOG_SINK_STDERR, LOG_LEVEL_DEBUG, "test", ""), 0);
	assert_int_equal(log_fd(), STDERR_FILENO);
	assert_true(fcntl(reader_fd, F_SETPIPE_SZ, 8192) >= 8192);
	overflow_and_recover();
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}

static void
a_socket_on_stderr_does_not_block_either(void **test)
{
	int pair_fds[2];

	(void)test;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_fds), 0);
	use_stderr(pair_fds[1]);
	(void)close(pair_fds[1]);
	(void)dup2(pair_fds[0], reader_fd);
	(void)close(pair_fds[0]);
	assert_int_equal(fcntl(reader_fd, F_SETFL, O_NONBLOCK), 0);
	LOG(service_free, .service = "x");
	assert_string_equal(receive_line(),
		"info service-free: clients are accepted again service=x");
	for (int i = 0; i < 20000; i++) {
		LOG(service_free, .service = "a service of which there is a great deal to be said");
		log_flush();
	}
	assert_true(receive_all() > 0);
}

static void
the_starters_description_of_stderr_stays_blocking(void **test)
{
	(void)test;
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	assert_true(log_fd() > STDERR_FILENO);
	assert_int_equal(fcntl(log_fd(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(log_fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void
a_stderr_that_is_non_blocking_already_is_used_as_it_is(void **test)
{
	int own_fd = fcntl(log_fd(), F_DUPFD_CLOEXEC, 10);

	(void)test;
	/* As the supervisor gives it to a gate, whose user may not open anything. */
	is_reopening_refused = true;
	use_stderr(own_fd);
	(void)close(own_fd);
	assert_int_equal(log_fd(), STDERR_FILENO);
	assert_true(fcntl(reader_fd, F_SETPIPE_SZ, 4096) >= 4096);
	overflow_and_recover();
}

static void
a_file_is_appended_to(void **test)
{
	FILE *file = tmpfile();

	(void)test;
	assert_non_null(file);
	use_stderr(fileno(file));
	LOG(service_free, .service = "first");
	log_flush();
	/* Somebody else at the file's end, who moves no offset of ours. */
	assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
	LOG(service_free, .service = "second");
	log_flush();
	(void)dup2(fileno(file), reader_fd);
	assert_int_equal(lseek(reader_fd, 0, SEEK_SET), 0);
	(void)receive_all();
	assert_non_null(strstr(received, "service=first\n"));
	assert_non_null(strstr(received, "service=second\n"));
	(void)fclose(file);
}

/* --- datagrams */

static char folder[] = "/tmp/reeve-test-log-XXXXXX";
static char socket_path[sizeof(folder) + 8];

static void
bind_receiver(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(socket_fd >= 0);
	memcpy(address.sun_path, socket_path, sizeof(socket_path));
	(void)unlink(socket_path);
	assert_int_equal(bind(socket_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(dup2(socket_fd, reader_fd), reader_fd);
	(void)close(socket_fd);
}

static int
open_receiver(void **test)
{
	if (open_pipe(test) < 0)
		return -1;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	bind_receiver();
	return 0;
}

static int
close_receiver(void **test)
{
	(void)unlink(socket_path);
	(void)rmdir(folder);
	return restore_stderr(test);
}

static const char *
receive_datagram(void)
{
	ssize_t length = recv(reader_fd, received, sizeof(received) - 1, 0);

	if (length < 0)
		return NULL;
	received[length] = '\0';
	return received;
}

static void
the_journal_gets_the_line_and_each_field(void **test)
{
	(void)test;
	assert_int_equal(log_open_at(LOG_SINK_JOURNAL, LOG_LEVEL_INFO, "reeved", socket_path), 0);
	assert_int_equal(log_fd(), -1);
	LOG(handler_failed, .id = 5, .service = "two words", .program = "/bin/\x1b\n",
		.step = "execve", .error = ENOENT);
	assert_string_equal(receive_datagram(),
		"REEVE_EVENT=handler-failed\n"
		"REEVE_ID=5\n"
		"REEVE_SERVICE=two words\n"
		"REEVE_PROGRAM=/bin/\\x1b\\x0a\n"
		"REEVE_STEP=execve\n"
		"REEVE_ERROR=ENOENT: No such file or directory\n"
		"ERRNO=2\n"
		"PRIORITY=3\n"
		"SYSLOG_IDENTIFIER=reeved\n"
		"MESSAGE=handler-failed: a program could not be started id=5 service=\"two words\" "
		"program=\"/bin/\\x1b\\x0a\" step=execve error=\"ENOENT: No such file or "
		"directory\"\n");
	assert_null(receive_datagram());
}

static void
syslog_gets_facility_daemon_the_time_the_name_and_the_pid(void **test)
{
	struct tm parts = { 0 };
	char wanted[128];
	const char *rest;

	(void)test;
	assert_int_equal(log_open_at(LOG_SINK_SYSLOG, LOG_LEVEL_INFO, "reeved", socket_path), 0);
	LOG(service_free, .service = "chat");
	assert_non_null(receive_datagram());
	assert_memory_equal(received, "<30>", 4);
	rest = strptime(received + 4, "%b %e %H:%M:%S", &parts);
	assert_ptr_equal(rest, received + 4 + 15);
	(void)snprintf(wanted, sizeof(wanted),
		" reeved[%d]: service-free: clients are accepted again service=chat",
		(int)getpid());
	assert_string_equal(rest, wanted);
}

static void
syslog_files_lines_under_the_facility_that_was_chosen(void **test)
{
	(void)test;
	assert_int_equal(log_open_at(LOG_SINK_SYSLOG, LOG_LEVEL_DEBUG, "test", socket_path), 0);
	assert_true(log_is_heard());
	log_set_facility(LOG_LOCAL3);
	LOG(service_free, .service = "echo");
	log_set_facility(LOG_DAEMON);
	assert_memory_equal(receive_datagram(), "<158>", 5); /* 19 * 8 + 6 */
}

static void
a_syslogd_that_begins_later_is_found_and_told_what_was_lost(void **test)
{
	(void)test;
	assert_int_equal(unlink(socket_path), 0);
	assert_int_equal(log_open_at(LOG_SINK_SYSLOG, LOG_LEVEL_DEBUG, "test", socket_path), 0);
	assert_false(log_is_heard());
	LOG(service_free, .service = "lost");
	log_flush();
	bind_receiver();
	LOG(service_free, .service = "echo");
	assert_non_null(strstr(receive_datagram(), "service=echo"));
	log_flush();
	assert_non_null(strstr(receive_datagram(), "lines=1"));
}

static void
a_receiver_that_made_its_socket_anew_is_found_again(void **test)
{
	(void)test;
	assert_int_equal(log_open_at(LOG_SINK_SYSLOG, LOG_LEVEL_INFO, "reeved", socket_path), 0);
	bind_receiver();
	for (int i = 0; i < 3; i++) {
		LOG(service_free, .service = "chat");
		assert_non_null(receive_datagram());
	}
}

static void
a_receiver_that_hangs_costs_datagrams_and_is_told_how_many(void **test)
{
	const int64_t events = 2000;
	int64_t taken = 0;
	const char *notice;

	(void)test;
	assert_int_equal(log_open_at(LOG_SINK_JOURNAL, LOG_LEVEL_INFO, "reeved", socket_path), 0);
	for (int64_t i = 0; i < events; i++) {
		LOG(service_free, .service = "chat");
		log_flush();
	}
	while (receive_datagram() != NULL)
		taken++;
	assert_in_range(taken, 1, events - 1);
	log_flush();
	notice = receive_datagram();
	assert_non_null(notice);
	assert_non_null(strstr(notice, "REEVE_EVENT=log-dropped\n"));
	assert_int_equal(strtoll(strstr(notice, "REEVE_LINES=") + 12, NULL, 10), events - taken);
}

static void
a_sink_that_cannot_be_opened_leaves_the_one_in_use(void **test)
{
	(void)test;
	(void)unlink(socket_path);
	assert_int_equal(log_open_at(LOG_SINK_JOURNAL, LOG_LEVEL_ERR, "reeved", socket_path),
		-ENOENT);
	assert_true(log_wants(LOG_LEVEL_DEBUG));
	assert_true(log_fd() >= 0);
}

/* --- the rest */

static void
the_journal_is_guessed_only_if_stderr_is_its_stream(void **test)
{
	struct stat status;
	char stream[64];

	(void)test;
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	(void)unsetenv("JOURNAL_STREAM");
	assert_int_equal(log_guess_sink(), LOG_SINK_STDERR);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		(uintmax_t)status.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	assert_int_equal(log_guess_sink(), LOG_SINK_JOURNAL);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		(uintmax_t)status.st_ino + 1);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	assert_int_equal(log_guess_sink(), LOG_SINK_STDERR);
	(void)setenv("JOURNAL_STREAM", "nonsense", 1);
	assert_int_equal(log_guess_sink(), LOG_SINK_STDERR);
	(void)unsetenv("JOURNAL_STREAM");
}

static void
the_manual_lists_every_event_with_its_fields(void **test)
{
	int saved_stdout_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	FILE *file = tmpfile();

	(void)test;
	assert_non_null(file);
	(void)fflush(stdout);
	(void)dup2(fileno(file), STDOUT_FILENO);
	log_print_manual();
	(void)fflush(stdout);
	(void)dup2(saved_stdout_fd, STDOUT_FILENO);
	(void)close(saved_stdout_fd);
	(void)dup2(fileno(file), reader_fd);
	(void)lseek(reader_fd, 0, SEEK_SET);
	(void)receive_all();
	(void)fclose(file);
#define EVENT(name, level, sentence, fields) assert_non_null(strstr(received, &(sentence)[1]));
#include "base/events.def"
#undef EVENT
	assert_non_null(strstr(received,
		".It Sy service-full Pq notice\n"
		"Further clients wait in the kernel's queue.\n.br\n.Va service , verdict , "
		"instances\n"));
}

int
main(void)
{
#define ON_PIPE(claim) cmocka_unit_test_setup_teardown(claim, open_pipe, restore_stderr)
#define ON_SOCKET(claim) cmocka_unit_test_setup_teardown(claim, open_receiver, close_receiver)
	const struct CMUnitTest tests[] = {
		ON_PIPE(an_event_is_one_line_with_its_time_level_name_and_fields),
		ON_PIPE(the_time_is_the_time),
		ON_PIPE(what_is_absent_leaves_no_trace),
		ON_PIPE(a_number_that_is_known_is_written_even_if_it_is_0),
		ON_PIPE(an_errno_is_written_as_name_and_text),
		ON_PIPE(values_are_quoted_when_they_could_be_taken_for_something_else),
		ON_PIPE(no_control_byte_nor_broken_text_of_a_stranger_gets_out),
		ON_PIPE(a_value_without_end_is_cut),
		ON_PIPE(below_the_level_nothing_is_written),
		ON_PIPE(lines_wait_for_the_flush),
		ON_PIPE(a_full_pipe_loses_lines_and_says_how_many),
		ON_PIPE(a_pipe_that_cannot_be_had_for_ourselves_does_not_block_either),
		ON_PIPE(a_socket_on_stderr_does_not_block_either),
		ON_PIPE(the_starters_description_of_stderr_stays_blocking),
		ON_PIPE(a_stderr_that_is_non_blocking_already_is_used_as_it_is),
		ON_PIPE(a_file_is_appended_to),
		ON_SOCKET(the_journal_gets_the_line_and_each_field),
		ON_SOCKET(syslog_gets_facility_daemon_the_time_the_name_and_the_pid),
		ON_SOCKET(syslog_files_lines_under_the_facility_that_was_chosen),
		ON_SOCKET(a_syslogd_that_begins_later_is_found_and_told_what_was_lost),
		ON_SOCKET(a_receiver_that_made_its_socket_anew_is_found_again),
		ON_SOCKET(a_receiver_that_hangs_costs_datagrams_and_is_told_how_many),
		ON_SOCKET(a_sink_that_cannot_be_opened_leaves_the_one_in_use),
		ON_PIPE(the_journal_is_guessed_only_if_stderr_is_its_stream),
		ON_PIPE(the_manual_lists_every_event_with_its_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
