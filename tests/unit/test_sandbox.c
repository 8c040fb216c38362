/* SPDX-License-Identifier: ISC */
/* The sandbox, seen from a child that has entered it. */
/* LINK: src/effects/sandbox.o src/effects/sandbox_resolver.o -lseccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "effects/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SANDBOX_FAILED 99

/* Run `act` in a child within the sandbox: its wait status; `act` returns the exit status. */
static int
confined_by(int (*enter)(const char **ret_part), int (*act)(int inherited_fd), int inherited_fd)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		static const struct rlimit no_core = { 0, 0 };
		const char *part;
		int result;

		(void)setrlimit(RLIMIT_CORE, &no_core);
		result = enter(&part);
		if (result < 0 && strcmp(part, "landlock") != 0)
			_exit(SANDBOX_FAILED);
		_exit(act(inherited_fd));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
confined(int (*act)(int inherited_fd), int inherited_fd)
{
	return confined_by(sandbox_enter, act, inherited_fd);
}

/* valgrind passes none of it on to the kernel. */
static void
skip_without_seccomp(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		skip();
}

static void
assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int
serve_a_little(int peer_fd)
{
	char *memory = malloc(1 << 20);
	char byte;

	if (!memory || recv(peer_fd, &byte, 1, 0) != 1 || send(peer_fd, &byte, 1, 0) != 1)
		return 1;
	free(memory);
	return close(peer_fd) == 0 ? 0 : 1;
}

static void
what_serving_takes_is_allowed(void **state)
{
	int fds[2];
	int status;
	char byte = 'x';

	(void)state;
	skip_without_seccomp();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(send(fds[0], &byte, 1, 0), 1);
	status = confined(serve_a_little, fds[1]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static int
open_a_file(int unused_fd)
{
	(void)unused_fd;
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
}

static void
no_file_can_be_opened(void **state)
{
	(void)state;
	skip_without_seccomp();
	if (UTIL_HAS_SANITIZER)
		skip();
	assert_killed(confined(open_a_file, -1));
}

/* As a container does whose list of calls is older than Landlock. */
static int
refuse_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = filter == NULL ? -ENOMEM
				    : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
					      SCMP_SYS(landlock_create_ruleset), 0);

	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

static void
a_host_that_refuses_landlock_does_not_keep_the_gate_from_its_filter(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	skip_without_seccomp();
	if (UTIL_HAS_SANITIZER)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(refuse_landlock() == 0 && confined(open_a_file, -1) == SIGSYS ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
open_a_socket(int unused_fd)
{
	(void)unused_fd;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static void
no_socket_can_be_opened(void **state)
{
	(void)state;
	skip_without_seccomp();
	assert_killed(confined(open_a_socket, -1));
}

static int
run_a_program(int unused_fd)
{
	char name[] = "true";
	char *argv[] = { name, NULL };

	(void)unused_fd;
	(void)execv("/bin/true", argv);
	return 0;
}

static void
no_program_can_be_run(void **state)
{
	(void)state;
	skip_without_seccomp();
	assert_killed(confined(run_a_program, -1));
}

static int
kill_somebody(int unused_fd)
{
	(void)unused_fd;
	return kill(getppid(), 0);
}

static void
nobody_can_be_signalled(void **state)
{
	(void)state;
	skip_without_seccomp();
	assert_killed(confined(kill_somebody, -1));
}

static int
map_code(int unused_fd)
{
	(void)unused_fd;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED
		? 0
		: errno;
}

static void
no_code_can_be_made(void **state)
{
	(void)state;
	skip_without_seccomp();
	if (UTIL_HAS_SANITIZER)
		skip();
	assert_killed(confined(map_code, -1));
}

static int
become_root(int unused_fd)
{
	(void)unused_fd;
	return (int)syscall(SYS_setuid, 0);
}

static void
nobody_else_can_be_become(void **state)
{
	(void)state;
	skip_without_seccomp();
	assert_killed(confined(become_root, -1));
}

static int
use_the_gates_options(int tcp_fd)
{
	int value = 1;
	int owed = -1;

	if (setsockopt(tcp_fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) < 0 ||
		setsockopt(tcp_fd, IPPROTO_IP, IP_PKTINFO, &value, sizeof(value)) < 0)
		return 1;
	/* Of the wrong family: the kernel says no, the sandbox does not. */
	(void)setsockopt(tcp_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &value, sizeof(value));
	return ioctl(tcp_fd, SIOCOUTQ, &owed) == 0 || errno == ENOTCONN || errno == EINVAL ? 0 : 2;
}

static int
change_a_filter(int tcp_fd)
{
	int value = 0;

	return setsockopt(tcp_fd, SOL_SOCKET, SO_DETACH_FILTER, &value, sizeof(value)) == 0 ? 0 : 1;
}

/* Level and option are looked at together. */
static int
use_an_option_of_another_level(int tcp_fd)
{
	int value = 1;

	return setsockopt(tcp_fd, IPPROTO_IP, TCP_NODELAY, &value, sizeof(value)) == 0 ? 0 : 1;
}

static int
ask_for_something_else(int tcp_fd)
{
	int waiting;

	return ioctl(tcp_fd, FIONREAD, &waiting) == 0 ? 0 : 1;
}

static void
only_the_gates_socket_options_can_be_used(void **state)
{
	int tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status;

	(void)state;
	skip_without_seccomp();
	assert_true(tcp_fd >= 0);
	status = confined(use_the_gates_options, tcp_fd);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_killed(confined(change_a_filter, tcp_fd));
	assert_killed(confined(use_an_option_of_another_level, tcp_fd));
	if (!UTIL_HAS_SANITIZER)
		assert_killed(confined(ask_for_something_else, tcp_fd));
	(void)close(tcp_fd);
}

static int
do_what_a_resolver_does(int unused_fd)
{
	int hosts_fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	int dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)unused_fd;
	if (hosts_fd < 0 || close(hosts_fd) < 0 || dns_fd < 0)
		return 1;
	return close(dns_fd) == 0 ? 0 : 1;
}

static int
fork_anyway(int unused_fd)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	(void)unused_fd;
	if (pid == 0)
		_exit(0);
	return pid < 0 && errno == EPERM ? 0 : 1;
}

static int
open_a_local_socket(int unused_fd)
{
	(void)unused_fd;
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int
write_a_file(int unused_fd)
{
	int made_fd = open("/etc/reeve-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)unused_fd;
	if (made_fd >= 0)
		(void)unlink("/etc/reeve-was-here");
	return made_fd < 0 ? 0 : 1;
}

static void
a_resolver_asks_and_reads_and_starts_nothing(void **state)
{
	int status;

	(void)state;
	skip_without_seccomp();
	status = confined_by(sandbox_enter_resolver, do_what_a_resolver_does, -1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_killed(confined_by(sandbox_enter_resolver, open_a_local_socket, -1));
	if (UTIL_HAS_SANITIZER)
		return;
	status = confined_by(sandbox_enter_resolver, fork_anyway, -1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0)
		return;
	status = confined_by(sandbox_enter_resolver, write_a_file, -1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_serving_takes_is_allowed),
		cmocka_unit_test(no_file_can_be_opened),
		cmocka_unit_test(
			a_host_that_refuses_landlock_does_not_keep_the_gate_from_its_filter),
		cmocka_unit_test(no_socket_can_be_opened),
		cmocka_unit_test(no_program_can_be_run),
		cmocka_unit_test(nobody_can_be_signalled),
		cmocka_unit_test(no_code_can_be_made),
		cmocka_unit_test(nobody_else_can_be_become),
		cmocka_unit_test(only_the_gates_socket_options_can_be_used),
		cmocka_unit_test(a_resolver_asks_and_reads_and_starts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
