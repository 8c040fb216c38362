/* SPDX-License-Identifier: ISC */
/* A program for the tests to start: it tells what it was given, and does what it is told.
 *
 *   probe report [argument ...]   write arguments, descriptors, environment and state, then end
 *   probe hold                    say "ready PID", then obey lines until the client ends:
 *       say TEXT   write TEXT and a newline to standard error
 *       raw HEX    write these bytes to standard error
 *       exit N     end with that status
 *       kill N     send itself that signal
 *       orphan     leave a process behind that holds the connection, and end
 *       group      leave a process of another process group behind that ignores SIGTERM
 *       else       send the line back
 *   A signal that somebody sends to `hold` is told to the client as "signal N".
 *   probe take     with a listening socket as standard input: one client of a stream is held as
 *       above; one datagram is answered and obeyed:
 *       report     the answer is that of `probe report`
 *       exit N     end with that status; kill N  by that signal
 *       leave      leave a child that keeps the socket; the answer is "PID left CHILD"
 *       stay       serve further datagrams too, until one says otherwise
 *       async      have the socket not block from now on
 *       else       the answer is "PID " and the datagram
 *   probe listen   the same with sockets from descriptor 3 on; the first that is ready is taken
 *   probe connection   "report", to the connection that is descriptor 3
 *   probe deafen   with a listening socket as standard input: tell one client "ready PID", shut the
 *                  socket down, or connect it to the client of a datagram, and end
 *   probe ignore   end at once, and take nothing */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void
report_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char target[PATH_MAX];
		ssize_t length;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder))
			continue;
		length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		printf("fd %s %s\n", entry->d_name, target);
	}
	if (folder != NULL)
		closedir(folder);
}

static void
report_status(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[4096];

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		printf("status %s", line);
	if (status != NULL)
		fclose(status);
}

static void
report_limits(void)
{
	static const struct {
		const char *word;
		int resource;
	} rows[] = {
#define RLIMIT(word, name, ...) { #word, RLIMIT_##name },
#include "../../src/config/rlimits.def"
#undef RLIMIT
	};

	for (size_t place = 0; place < sizeof(rows) / sizeof(rows[0]); place++) {
		struct rlimit limit;

		if (getrlimit(rows[place].resource, &limit) == 0)
			printf("limit %s %lld %lld\n", rows[place].word, (long long)limit.rlim_cur,
				(long long)limit.rlim_max);
	}
}

/* What decides when it gets a processor, a disk, or killed. */
static void
report_priorities(void)
{
	struct sched_param param = { .sched_priority = -1 };
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	int score;

	sched_getparam(0, &param);
	printf("nice %d\npolicy %d %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
		param.sched_priority);
	printf("io %ld\n", syscall(SYS_ioprio_get, 1, 0));
	if (file != NULL && fscanf(file, "%d", &score) == 1)
		printf("oom %d\n", score);
	if (file != NULL)
		fclose(file);
}

static void
report_process(void)
{
	struct stat root = { .st_ino = 0 };
	int terminal_fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	int death_signal = -1;
	sigset_t pending;
	int count = 0;

	sigpending(&pending);
	for (int signo = 1; signo < NSIG; signo++)
		count += sigismember(&pending, signo) == 1;
	prctl(PR_GET_PDEATHSIG, &death_signal);
	stat("/", &root);
	printf("group %d\nterminal %d\npending %d\n", getpgrp(), terminal_fd >= 0, count);
	printf("dumpable %d\ndeath-signal %d\nsecurebits %d\n", prctl(PR_GET_DUMPABLE),
		death_signal, prctl(PR_GET_SECUREBITS));
	printf("root %lu\n", (unsigned long)root.st_ino);
}

/* Of each descriptor: does it block? */
static void
report_modes(void)
{
	for (int number = 0; number < 3; number++)
		printf("blocks %d %d\n", number, (fcntl(number, F_GETFL) & O_NONBLOCK) == 0);
}

static int
report(char **arguments)
{
	struct rlimit files = { 0, 0 };
	char folder[PATH_MAX];

	for (int place = 0; arguments[place] != NULL; place++)
		printf("argument %d %s\n", place, arguments[place]);
	for (char **variable = environ; *variable != NULL; variable++)
		printf("env %s\n", *variable);
	report_descriptors();
	report_status();
	getrlimit(RLIMIT_NOFILE, &files);
	printf("files %llu %llu\n", (unsigned long long)files.rlim_cur,
		(unsigned long long)files.rlim_max);
	printf("folder %s\n", getcwd(folder, sizeof(folder)) != NULL ? folder : "?");
	printf("umask %03o\n", umask(0));
	printf("pid %d\nsession %d\n", getpid(), getsid(0));
	report_limits();
	report_priorities();
	report_process();
	report_modes();
	printf("nonblocking %d\n", (fcntl(0, F_GETFL) & O_NONBLOCK) != 0);
	return fflush(stdout) == 0 ? 0 : 1;
}

static void
tell_signal(int signo)
{
	char text[] = "signal 00\n";

	text[7] = (char)('0' + signo / 10);
	text[8] = (char)('0' + signo % 10);
	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(2);
}

static void
write_hex(const char *hex)
{
	unsigned int byte;

	while (sscanf(hex, "%2x", &byte) == 1) {
		fputc((int)byte, stderr);
		hex += 2;
	}
}

static void
begin_group(void)
{
	if (fork() != 0)
		return;
	signal(SIGTERM, SIG_IGN);
	setpgid(0, 0);
	printf("group %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}

static void
obey(const char *line)
{
	if (strncmp(line, "say ", 4) == 0)
		fprintf(stderr, "%s\n", line + 4);
	else if (strncmp(line, "raw ", 4) == 0)
		write_hex(line + 4);
	else if (strncmp(line, "exit ", 5) == 0)
		exit(atoi(line + 5));
	else if (strncmp(line, "kill ", 5) == 0)
		raise(atoi(line + 5));
	else if (strcmp(line, "group") == 0)
		begin_group();
	else if (strcmp(line, "orphan") == 0 && fork() != 0)
		exit(0);
	else if (strcmp(line, "orphan") == 0)
		printf("orphan %d\n", getpid());
	else
		printf("%s\n", line);
	fflush(stdout);
}

static int
hold(void)
{
	static const int told[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM,
		SIGTERM, SIGCONT };
	struct sigaction action = { .sa_handler = tell_signal, .sa_flags = SA_RESTART };
	char line[4096];

	for (size_t place = 0; place < sizeof(told) / sizeof(told[0]); place++)
		sigaction(told[place], &action, NULL);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	return 0;
}

/* The client becomes standard input and output. */
static int
take_client(int listen_fd)
{
	int conn_fd = accept(listen_fd, NULL, NULL);

	if (conn_fd < 0 || dup2(conn_fd, 0) < 0 || dup2(conn_fd, 1) < 0)
		return 3;
	close(conn_fd);
	return hold();
}

static pid_t
leave_child(void)
{
	pid_t child = fork();

	if (child == 0)
		pause();
	return child;
}

static int
answer_datagram(int socket_fd, char **arguments, bool *ret_stays)
{
	static char text[65536];
	static char answer[65536 + 16];
	struct sockaddr_storage from;
	socklen_t from_length = sizeof(from);
	ssize_t length = recvfrom(socket_fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from,
		&from_length);

	if (length < 0)
		return 3;
	text[length] = '\0';
	*ret_stays = *ret_stays || strcmp(text, "stay") == 0;
	if (strcmp(text, "leave") == 0)
		sprintf(text, "left %d", leave_child());
	snprintf(answer, sizeof(answer), "%d %s", getpid(), text);
	if (strcmp(text, "report") == 0) {
		stdout = fmemopen(answer, sizeof(answer), "w");
		report(arguments);
	}
	if (sendto(socket_fd, answer, strlen(answer), 0, (struct sockaddr *)&from, from_length) < 0)
		return 4;
	if (strcmp(text, "async") == 0)
		fcntl(socket_fd, F_SETFL, O_NONBLOCK);
	if (strncmp(text, "exit ", 5) == 0 || strncmp(text, "kill ", 5) == 0)
		obey(text);
	return 0;
}

static int
take(int socket_fd, char **arguments, bool *ret_stays)
{
	int is_listening = 0;
	socklen_t length = sizeof(is_listening);

	getsockopt(socket_fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length);
	return is_listening ? take_client(socket_fd)
			    : answer_datagram(socket_fd, arguments, ret_stays);
}

static int
take_all(int first_fd, int count, char **arguments)
{
	struct pollfd sockets[128];
	bool stays = false;
	int status = 0;

	for (int i = 0; i < count; i++)
		sockets[i] = (struct pollfd){ .fd = first_fd + i, .events = POLLIN };
	do {
		int i = 0;

		poll(sockets, (nfds_t)count, -1);
		while (i < count - 1 && (sockets[i].revents & POLLIN) == 0)
			i++;
		status = take(sockets[i].fd, arguments, &stays);
	} while (stays && status == 0);
	return status;
}

static int
take_handed(char **arguments)
{
	const char *count = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");

	if (count == NULL || pid == NULL || atoi(pid) != getpid())
		return 5;
	return take_all(3, atoi(count), arguments);
}

static int
deafen(void)
{
	char text[64];
	struct sockaddr_storage from;
	socklen_t from_length = sizeof(from);
	int conn_fd = accept(0, NULL, NULL);
	int length = sprintf(text, "ready %d\n", getpid());

	if (conn_fd >= 0)
		return write(conn_fd, text, (size_t)length) == length ? shutdown(0, SHUT_RDWR) : 4;
	if (recvfrom(0, text + length, 1, 0, (struct sockaddr *)&from, &from_length) < 0)
		return 3;
	if (connect(0, (struct sockaddr *)&from, from_length) < 0)
		return 4;
	return write(0, text, (size_t)length) != length;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "report") == 0)
		return report(argv);
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc == 2 && strcmp(argv[1], "take") == 0)
		return take_all(0, 1, argv);
	if (argc == 2 && strcmp(argv[1], "listen") == 0)
		return take_handed(argv);
	if (argc == 2 && strcmp(argv[1], "connection") == 0)
		return dup2(3, 1) == 1 ? report(argv) : 3;
	if (argc == 2 && strcmp(argv[1], "deafen") == 0)
		return deafen();
	if (argc == 2 && strcmp(argv[1], "ignore") == 0)
		return 0;
	fprintf(stderr,
		"usage: probe report [argument ...] | probe hold | probe take | probe listen | "
		"probe connection | probe deafen | probe ignore\n");
	return 2;
}
