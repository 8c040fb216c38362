/* SPDX-License-Identifier: ISC */
/* A supervisor for tests of the gate. */
#include "tests/unit/fake_supervisor.h"
#include "base/shared_places.h"

#include "gate/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define ROWS 32

/* ---------------------------------------------------------------- waiting */

static int64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A condition in shared memory or a file has no descriptor to wait for: look, yield, look. */
static void
look_again(int64_t deadline)
{
	if (now_ms() > deadline)
		fail_msg("%s", "it did not happen in time");
	(void)poll(NULL, 0, 1);
}

void
fake_wait_active(const struct fake_supervisor *fake, const char *name, int64_t wanted)
{
	int64_t deadline = now_ms() + FAKE_PATIENCE_MS;

	while (shared_active(fake->shared, fake_row(fake, name)) != wanted)
		look_again(deadline);
}

void
fake_wait_metric(const struct fake_supervisor *fake, const char *name, enum metric metric,
	uint64_t wanted)
{
	int64_t deadline = now_ms() + FAKE_PATIENCE_MS;

	while (shared_read(fake->shared, fake_row(fake, name), metric) < wanted)
		look_again(deadline);
}

bool
fake_has_logged(const struct fake_supervisor *fake, const char *words)
{
	static char text[1 << 20];
	ssize_t length = pread(fake->log_fd, text, sizeof(text) - 1, 0);

	assert_true(length >= 0);
	text[length] = '\0';
	return strstr(text, words) != NULL;
}

void
fake_expect_log(const struct fake_supervisor *fake, const char *words)
{
	int64_t deadline = now_ms() + FAKE_PATIENCE_MS;

	while (!fake_has_logged(fake, words))
		look_again(deadline);
}

/* ---------------------------------------------------------------- messages */

void
fake_send(struct fake_supervisor *fake, enum message_type type, const void *body)
{
	assert_int_equal(channel_send(fake->channel_fd, type, body, NULL, 0, NULL, 0), 0);
	if (type == MESSAGE_stop)
		fake->phase = CHANNEL_STOP;
}

void
fake_expect(struct fake_supervisor *fake, enum message_type type)
{
	struct pollfd ready = { .fd = fake->channel_fd, .events = POLLIN };
	const char *rule = "";
	int result;

	channel_done(&fake->message);
	assert_int_equal(poll(&ready, 1, FAKE_PATIENCE_MS), 1);
	result = channel_receive(fake->channel_fd, CHANNEL_TO_SUPERVISOR, fake->phase,
		&fake->message, &rule);
	if (result != 1)
		fail_msg("no message but %d: %s", result, rule);
	assert_string_equal(channel_message_name(fake->message.type), channel_message_name(type));
}

/* ---------------------------------------------------------------- configuration */

static socklen_t
own_address(struct fake_supervisor *fake, struct fake_service *service, bool is_wildcard,
	struct sockaddr_storage *ret_address)
{
	struct netaddr address = { .family = (uint16_t)protocol_family(service->protocol) };
	struct sockaddr_un path = { .sun_family = AF_UNIX };

	if (address.family == AF_INET)
		address.ip.v4.s_addr = htonl(is_wildcard ? INADDR_ANY : INADDR_LOOPBACK);
	else if (address.family == AF_INET6)
		address.ip.v6 = is_wildcard ? in6addr_any : in6addr_loopback;
	else {
		(void)snprintf(path.sun_path, sizeof(path.sun_path), "%s/%s", fake->folder,
			service->name);
		memcpy(service->path, path.sun_path, sizeof(service->path));
		memcpy(ret_address, &path, sizeof(path));
		return sizeof(path);
	}
	return netaddr_to_sockaddr(&address, ret_address);
}

static void
open_listener(struct fake_supervisor *fake, struct fake_service *service, bool is_wildcard)
{
	struct sockaddr_storage address;
	socklen_t length = own_address(fake, service, is_wildcard, &address);
	int type = protocol_type(service->protocol);
	int one = 1;

	service->listen_fd =
		socket(protocol_family(service->protocol), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(service->listen_fd >= 0);
	if (service->protocol == PROTOCOL_TCP6 || service->protocol == PROTOCOL_UDP6)
		assert_int_equal(setsockopt(service->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
					 sizeof(one)),
			0);
	assert_int_equal(bind(service->listen_fd, (struct sockaddr *)&address, length), 0);
	if (type != SOCK_DGRAM)
		assert_int_equal(listen(service->listen_fd, 4096), 0);
	length = sizeof(address);
	assert_int_equal(getsockname(service->listen_fd, (struct sockaddr *)&address, &length), 0);
	service->bound.family = (uint16_t)protocol_family(service->protocol);
	(void)netaddr_from_sockaddr(&service->bound, (struct sockaddr *)&address);
}

/* The row of a configured service: the one it has, or a new one with a new socket. */
static uint32_t
find_row(struct fake_supervisor *fake, const struct service_config *config)
{
	struct fake_service *service;
	uint32_t row;

	for (row = 0; row < fake->service_count; row++)
		if (strcmp(fake->services[row].name, config->name) == 0)
			return row;
	assert_true(row < FAKE_SERVICES_MAX);
	service = &fake->services[fake->service_count++];
	(void)snprintf(service->name, sizeof(service->name), "%s", config->name);
	service->protocol = config->endpoints[0].protocol;
	service->listener = row + 1;
	open_listener(fake, service, strchr(config->protocol_text, '*') != NULL);
	shared_name_row(fake->shared, row, config->name);
	return row;
}

void
fake_send_config(struct fake_supervisor *fake, const char *table, uint32_t service_count)
{
	struct message_config config = { .generation = ++fake->generation,
		.writer = 1,
		.gate_count = fake->gate_count,
		.service_count = service_count,
		.listener_count = service_count,
		.descriptors = fake->descriptors,
		.instance = 1 };
	int fds[3] = { memfd_create("configuration", MFD_CLOEXEC), fake->shared_fd,
		fake->sources_fd };

	assert_true(fds[0] >= 0);
	assert_int_equal(write(fds[0], table, strlen(table)), strlen(table));
	assert_int_equal(channel_send(fake->channel_fd, MESSAGE_config, &config, NULL, 0, fds, 3),
		0);
	(void)close(fds[0]);
	fake->phase = CHANNEL_SETUP;
}

static void
send_services(struct fake_supervisor *fake, const uint32_t *rows, uint32_t count)
{
	struct message_services services = { .count = count };
	struct message_services_row service_rows[FAKE_SERVICES_MAX] = { { 0 } };
	struct message_listeners listeners = { .count = count };
	struct message_listeners_row listener_rows[FAKE_SERVICES_MAX];
	int fds[FAKE_SERVICES_MAX];
	uint32_t fd_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct fake_service *service = &fake->services[rows[i]];

		service_rows[i].row = rows[i];
		listener_rows[i] = (struct message_listeners_row){ .listener = service->listener,
			.service = i,
			.has_fd = !service->is_known,
			.address = service->bound };
		if (!service->is_known)
			fds[fd_count++] = service->listen_fd;
		service->is_known = true;
	}
	assert_int_equal(channel_send(fake->channel_fd, MESSAGE_services, &services, service_rows,
				 count, NULL, 0),
		0);
	assert_int_equal(channel_send(fake->channel_fd, MESSAGE_listeners, &listeners,
				 listener_rows, count, fds, fd_count),
		0);
}

int
fake_configure(struct fake_supervisor *fake, const char *table)
{
	struct config *config = config_load_bare("table", table, strlen(table), NULL);
	struct message_commit commit;
	uint32_t rows[FAKE_SERVICES_MAX];

	assert_non_null(config);
	for (uint32_t i = 0; i < config->service_count; i++)
		rows[i] = find_row(fake, &config->services[i]);
	fake_send_config(fake, table, config->service_count);
	send_services(fake, rows, config->service_count);
	config_free(config);
	commit.generation = fake->generation;
	fake_send(fake, MESSAGE_commit, &commit);
	fake_expect(fake, MESSAGE_serving);
	fake->phase = CHANNEL_SERVE;
	return fake->message.body.serving.error;
}

/* ---------------------------------------------------------------- life */

int __real_sandbox_enter(const char **ret_part);
int __wrap_sandbox_enter(const char **ret_part);

/* The real one; but valgrind knows no seccomp(2), and memory is to be checked there too. */
int
__wrap_sandbox_enter(const char **ret_part)
{
	int result = __real_sandbox_enter(ret_part);

	return result < 0 && strcmp(*ret_part, "seccomp") == 0 ? 0 : result;
}

static void
run_gate(struct fake_supervisor *fake, int gate_fd)
{
	/* As it would be started: alone, its log on descriptor 2. */
	if (dup2(fake->log_fd, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)close(fake->channel_fd);
	(void)close(fake->shared_fd);
	(void)close(fake->sources_fd);
	exit(gate_main(gate_fd, LOG_SINK_STDERR, LOG_LEVEL_DEBUG));
}

void
fake_start(struct fake_supervisor *fake, const char *table)
{
	int gate_fd;

	memset(fake, 0, sizeof(*fake));
	fake->phase = CHANNEL_HELLO;
	fake->descriptors = 4096;
	fake->gate_count = 1;
	(void)snprintf(fake->folder, sizeof(fake->folder), "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(fake->folder));
	assert_int_equal(chmod(fake->folder, 0755), 0);
	fake->log_fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(fake->log_fd >= 0);
	assert_int_equal(shared_create(&fake->shared, &fake->shared_fd, ROWS, 2), 0);
	assert_int_equal(shared_sources_create(&fake->sources, &fake->sources_fd,
				 SHARED_SOURCES_LEAST, 2, "a secret of 16 b"),
		0);
	assert_int_equal(channel_pair(&fake->channel_fd, &gate_fd), 0);
	(void)fflush(NULL);
	fake->gate_pid = fork();
	assert_true(fake->gate_pid >= 0);
	if (fake->gate_pid == 0)
		run_gate(fake, gate_fd);
	(void)close(gate_fd);
	fake_expect(fake, MESSAGE_hello);
	assert_int_equal(fake->message.body.hello.version, CHANNEL_VERSION);
	if (table)
		assert_int_equal(fake_configure(fake, table), 0);
}

int
fake_wait(struct fake_supervisor *fake)
{
	int64_t deadline = now_ms() + FAKE_PATIENCE_MS;
	int status;

	while (waitpid(fake->gate_pid, &status, WNOHANG) != fake->gate_pid)
		look_again(deadline);
	fake->gate_pid = 0;
	return status;
}

void
fake_finish(struct fake_supervisor *fake)
{
	struct message_stop stop = { .grace_ms = 0 };

	channel_done(&fake->message);
	if (fake->gate_pid != 0) {
		int status;

		if (fake->phase != CHANNEL_STOP)
			fake_send(fake, MESSAGE_stop, &stop);
		status = fake_wait(fake);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	for (uint32_t i = 0; i < fake->service_count; i++) {
		(void)close(fake->services[i].listen_fd);
		if (fake->services[i].path[0] != '\0')
			(void)unlink(fake->services[i].path);
	}
	(void)rmdir(fake->folder);
	(void)close(fake->channel_fd);
	(void)close(fake->log_fd);
	(void)close(fake->shared_fd);
	shared_free(fake->shared);
	(void)shared_sources_free(fake->sources);
	(void)close(fake->sources_fd);
}

/* ---------------------------------------------------------------- clients */

const struct fake_service *
fake_find(const struct fake_supervisor *fake, const char *name)
{
	return &fake->services[fake_row(fake, name)];
}

uint32_t
fake_row(const struct fake_supervisor *fake, const char *name)
{
	uint32_t row = 0;

	while (row < fake->service_count && strcmp(fake->services[row].name, name) != 0)
		row++;
	assert_true(row < fake->service_count);
	return row;
}

int
fake_try_connect(const struct fake_supervisor *fake, const char *name)
{
	const struct fake_service *service = fake_find(fake, name);
	struct timeval patience = { .tv_sec = FAKE_PATIENCE_MS / 1000 };
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int type = protocol_type(service->protocol);
	int client_fd = socket(protocol_family(service->protocol), type | SOCK_CLOEXEC, 0);

	assert_true(client_fd >= 0);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				 sizeof(patience)),
		0);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
				 sizeof(patience)),
		0);
	/* A datagram client on a unix socket gets its answers at an address the kernel picks. */
	if (service->protocol == PROTOCOL_UNIX_DGRAM) {
		sa_family_t nameless = AF_UNIX;

		assert_int_equal(bind(client_fd, (struct sockaddr *)&nameless, sizeof(nameless)),
			0);
	}
	assert_int_equal(getsockname(service->listen_fd, (struct sockaddr *)&address, &length), 0);
	if (connect(client_fd, (struct sockaddr *)&address, length) == 0)
		return client_fd;
	(void)close(client_fd);
	return -1;
}

int
fake_connect(const struct fake_supervisor *fake, const char *name)
{
	int client_fd = fake_try_connect(fake, name);

	assert_true(client_fd >= 0);
	return client_fd;
}

void
fake_say(int client_fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(client_fd, bytes, length, MSG_NOSIGNAL);

		assert_true(sent > 0);
		bytes += sent;
		length -= (size_t)sent;
	}
}

void
fake_hear(int client_fd, const char *bytes, size_t length)
{
	auto_free char *heard = malloc(length + 1);
	size_t have = 0;

	assert_non_null(heard);
	while (have < length) {
		ssize_t got = recv(client_fd, heard + have, length - have, 0);

		if (got <= 0)
			fail_msg("%zu of %zu bytes, then %zd: %s", have, length, got,
				strerror(errno));
		have += (size_t)got;
	}
	assert_memory_equal(heard, bytes, length);
}

void
fake_hear_end(int client_fd)
{
	char byte;

	assert_int_equal(recv(client_fd, &byte, 1, 0), 0);
}
