/* SPDX-License-Identifier: ISC */
/* LINK: */
/* The example programs, started as reeve starts them: one end of a socket pair on descriptors 0
 * and 1, the other is the client. They lie in the folder handlers of $REEVE_BUILD. */
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BEFORE "vous m'avez demand\xc3\xa9 : "
#define AFTER " bien re\xc3\xa7u 5 / 5"
#define ANSWER_MAX 4096

struct handler {
	pid_t pid;
	int client_fd;
	char text[ANSWER_MAX + 1]; /* the newest answer */
	size_t length;
};

/* In the child. The environment is as clean as reeve's. */
static void
exec_handler(const char *path, int handler_fd)
{
	if (dup2(handler_fd, STDIN_FILENO) < 0 || dup2(handler_fd, STDOUT_FILENO) < 0)
		_exit(126);
	if (clearenv() != 0 || setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) < 0 ||
		setenv("PROTO", "TCP", 1) < 0 || setenv("REMOTE_ADDR", "192.0.2.7", 1) < 0 ||
		setenv("TCPREMOTEIP", "192.0.2.7", 1) < 0 || setenv("SECRET", "swordfish", 1) < 0)
		_exit(126);
	(void)execl(path, path, (char *)NULL);
	_exit(127);
}

static void
start(struct handler *handler, const char *name)
{
	const struct timeval patience = { .tv_sec = 60 };
	const char *folder = getenv("REEVE_BUILD");
	char path[4096];
	int pair[2];

	(void)snprintf(path, sizeof(path), "%s/handlers/%s", folder ? folder : "build", name);
	if (access(path, X_OK) < 0) {
		print_message("%s is not built\n", path);
		skip();
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	handler->pid = fork();
	assert_true(handler->pid >= 0);
	if (handler->pid == 0)
		exec_handler(path, pair[1]);
	(void)close(pair[1]);
	handler->client_fd = pair[0];
	if (setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		fail_msg("a handler that hangs would hang the test");
}

static void
say(const struct handler *handler, const void *bytes, size_t length)
{
	assert_int_equal(send(handler->client_fd, bytes, length, MSG_NOSIGNAL), length);
}

/* Read until `length` bytes are there, or the handler's end if they never come. */
static void
hear(struct handler *handler, size_t length)
{
	handler->length = 0;
	assert_true(length <= ANSWER_MAX);
	while (handler->length < length) {
		ssize_t count = read(handler->client_fd, handler->text + handler->length,
			length - handler->length);

		assert_true(count >= 0);
		if (count == 0)
			break;
		handler->length += (size_t)count;
	}
	handler->text[handler->length] = '\0';
}

static void
assert_heard(struct handler *handler, const char *wanted)
{
	hear(handler, strlen(wanted));
	assert_string_equal(handler->text, wanted);
}

/* The handler has no more to say, and ends with that status. */
static void
assert_ended(struct handler *handler, int wanted)
{
	int status;

	hear(handler, 1);
	assert_int_equal(handler->length, 0);
	assert_int_equal(waitpid(handler->pid, &status, 0), handler->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
	(void)close(handler->client_fd);
}

static void
leave(const struct handler *handler)
{
	assert_int_equal(shutdown(handler->client_fd, SHUT_WR), 0);
}

/* --- order */

static void
assert_ordered(struct handler *handler, const char *said, const char *understood)
{
	char wanted[ANSWER_MAX];

	(void)snprintf(wanted, sizeof(wanted), BEFORE "%s" AFTER, understood);
	say(handler, said, strlen(said));
	assert_heard(handler, wanted);
}

static void
order_answers_each_message_and_adds_no_newline(void **state)
{
	struct handler handler;

	(void)state;
	start(&handler, "order");
	assert_ordered(&handler, "un caf\xc3\xa9", "un caf\xc3\xa9");
	assert_ordered(&handler, "une bi\xc3\xa8re", "une bi\xc3\xa8re");
	leave(&handler);
	assert_ended(&handler, 0); /* and nothing came behind the answers */
}

static void
order_takes_the_line_end_of_people_away(void **state)
{
	struct handler handler;

	(void)state;
	start(&handler, "order");
	assert_ordered(&handler, "frites\n", "frites");
	assert_ordered(&handler, "frites\r\n", "frites");
	assert_ordered(&handler, "deux\nlignes\n\n", "deux\nlignes\n");
	assert_ordered(&handler, "moules\r", "moules\r");
	assert_ordered(&handler, "\n", "");
	leave(&handler);
	assert_ended(&handler, 0);
}

static void
order_ends_after_its_answer_to_fin(void **state)
{
	static const char *const last[] = { "fin", "fin\n", "fin\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		struct handler handler;

		start(&handler, "order");
		assert_ordered(&handler, "finir", "finir");
		assert_ordered(&handler, "fi", "fi");
		assert_ordered(&handler, "FIN", "FIN");
		assert_ordered(&handler, last[i], "fin");
		assert_ended(&handler, 0);
	}
}

static void
order_gives_back_any_byte_as_it_is(void **state)
{
	struct handler handler;
	char wanted[ANSWER_MAX];
	char message[256];
	char *end = wanted;

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)i;
	end = mempcpy(end, BEFORE, strlen(BEFORE));
	end = mempcpy(end, message, sizeof(message));
	end = mempcpy(end, AFTER, strlen(AFTER));
	start(&handler, "order");
	say(&handler, message, sizeof(message));
	hear(&handler, (size_t)(end - wanted));
	assert_memory_equal(handler.text, wanted, (size_t)(end - wanted));
	leave(&handler);
	assert_ended(&handler, 0);
}

static void
order_takes_a_message_of_1024_bytes_as_one(void **state)
{
	struct handler handler;
	char message[1025] = "";

	(void)state;
	memset(message, 'm', 1024);
	start(&handler, "order");
	assert_ordered(&handler, message, message);
	leave(&handler);
	assert_ended(&handler, 0);
}

/* --- succ */

static void
succ_answers_the_next_byte_and_ends(void **state)
{
	static const unsigned char bytes[] = { 'a', 0, 127, 128, 255 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct handler handler;

		start(&handler, "succ");
		say(&handler, &bytes[i], 1);
		hear(&handler, 1);
		assert_int_equal(handler.length, 1);
		assert_int_equal((unsigned char)handler.text[0], (bytes[i] + 1) % 256);
		assert_ended(&handler, 0);
	}
}

static void
succ_has_no_answer_for_a_client_that_says_nothing(void **state)
{
	struct handler handler;

	(void)state;
	start(&handler, "succ");
	leave(&handler);
	assert_ended(&handler, 0);
}

/* --- hello.sh */

#define GREETING                                      \
	"Hello 192.0.2.7! Here you are known by:\r\n" \
	"PROTO=TCP\r\nREMOTE_ADDR=192.0.2.7\r\nTCPREMOTEIP=192.0.2.7\r\nSay something.\r\n"

static void
hello_tells_the_client_who_it_is_and_no_secrets(void **state)
{
	struct handler handler;

	(void)state;
	start(&handler, "hello.sh");
	assert_heard(&handler, GREETING);
	leave(&handler);
	assert_ended(&handler, 0);
}

static void
hello_sends_each_line_back_in_capitals_at_once(void **state)
{
	struct handler handler;

	(void)state;
	start(&handler, "hello.sh");
	assert_heard(&handler, GREETING);
	say(&handler, "one\r\n", 5);
	assert_heard(&handler, "ONE\r\n");
	say(&handler, "no line end", 11);
	assert_heard(&handler, "NO LINE END");
	leave(&handler);
	assert_ended(&handler, 0);
}

static void
hello_takes_nothing_that_the_client_says_for_a_command(void **state)
{
	static const char said[] = "$(id) `id` ; id | id & \\n %s \"' * ~ -n\n";
	static const char heard[] = "$(ID) `ID` ; ID | ID & \\N %S \"' * ~ -N\n";
	struct handler handler;

	(void)state;
	start(&handler, "hello.sh");
	assert_heard(&handler, GREETING);
	say(&handler, said, strlen(said));
	assert_heard(&handler, heard);
	leave(&handler);
	assert_ended(&handler, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_answers_each_message_and_adds_no_newline),
		cmocka_unit_test(order_takes_the_line_end_of_people_away),
		cmocka_unit_test(order_ends_after_its_answer_to_fin),
		cmocka_unit_test(order_gives_back_any_byte_as_it_is),
		cmocka_unit_test(order_takes_a_message_of_1024_bytes_as_one),
		cmocka_unit_test(succ_answers_the_next_byte_and_ends),
		cmocka_unit_test(succ_has_no_answer_for_a_client_that_says_nothing),
		cmocka_unit_test(hello_tells_the_client_who_it_is_and_no_secrets),
		cmocka_unit_test(hello_sends_each_line_back_in_capitals_at_once),
		cmocka_unit_test(hello_takes_nothing_that_the_client_says_for_a_command),
	};

	return cmocka_run_group_tests_name("handlers", tests, NULL, NULL);
}
