/* LINK: @LOG src/effects/listen.o src/effects/priv.o src/config/protocols.o */
/* SPDX-License-Identifier: ISC */
/* Opening sockets: addresses, sharing, and what lies in a unix socket's place. */
#include "effects/listen.h"

#include "effects/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static const struct listen_options options = {
	.backlog = 16, .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1
};

struct place {
	char folder[64];
	char path[100];
	struct endpoint endpoint;
};

static int
make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/test-listen-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->path, sizeof(place->path), "%s/socket", place->folder);
	place->endpoint = (struct endpoint){
		.protocol = PROTOCOL_UNIX, .address = { .family = AF_UNIX }, .path = place->path
	};
	*state = place;
	return 0;
}

static int
clear_place(void **state)
{
	struct place *place = *state;

	(void)unlink(place->path);
	assert_int_equal(rmdir(place->folder), 0);
	free(place);
	return 0;
}

static struct endpoint
loopback(enum protocol protocol)
{
	struct endpoint endpoint = { .protocol = protocol };

	assert_int_equal(netaddr_parse_ip(&endpoint.address, "127.0.0.1"), 0);
	return endpoint;
}

static int
open_it(const struct endpoint *endpoint, uint16_t port, struct netaddr *ret_bound)
{
	const char *step = NULL;
	int listen_fd = -1;
	int error = listen_open(&listen_fd, ret_bound, endpoint, port, &options, &step);

	return error < 0 ? error : listen_fd;
}

static void
the_kernel_picks_a_port_and_another_socket_can_share_it(void **state)
{
	struct endpoint endpoint = loopback(PROTOCOL_TCP4);
	struct netaddr bound;
	struct netaddr again;
	int first_fd = open_it(&endpoint, 0, &bound);
	int second_fd = open_it(&endpoint, bound.port, &again);

	(void)state;
	assert_true(first_fd >= 0 && second_fd >= 0);
	assert_int_not_equal(bound.port, 0);
	assert_true(netaddr_equal(&bound, &again));
	(void)close(first_fd);
	(void)close(second_fd);
}

static void
a_first_socket_finds_a_port_that_is_taken_and_can_be_shared(void **state)
{
	const enum protocol protocols[] = { PROTOCOL_TCP4, PROTOCOL_UDP4 };
	struct listen_options first = options;

	(void)state;
	first.is_first = true;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct endpoint endpoint = loopback(protocols[i]);
		struct netaddr bound;
		const char *step = NULL;
		int taken_fd = open_it(&endpoint, 0, &bound);
		int first_fd = -1, second_fd;

		assert_true(taken_fd >= 0);
		assert_int_equal(listen_open(&first_fd, &bound, &endpoint, bound.port, &first,
					 &step),
			-EADDRINUSE);
		assert_string_equal(step, "bind");
		(void)close(taken_fd);
		assert_int_equal(listen_open(&first_fd, &bound, &endpoint, bound.port, &first,
					 &step),
			0);
		second_fd = open_it(&endpoint, bound.port, &bound);
		assert_true(second_fd >= 0);
		(void)close(first_fd);
		(void)close(second_fd);
	}
}

static void
sockets_are_non_blocking_and_not_inherited(void **state)
{
	struct endpoint endpoint = loopback(PROTOCOL_TCP4);
	struct netaddr bound;
	int listen_fd = open_it(&endpoint, 0, &bound);

	(void)state;
	assert_true((fcntl(listen_fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(listen_fd, F_GETFL) & O_NONBLOCK) != 0);
	(void)close(listen_fd);
}

static void
a_unix_socket_has_its_mode_whatever_the_umask(void **state)
{
	struct place *place = *state;
	struct netaddr bound;
	struct stat file;
	mode_t before = umask(0177);
	int listen_fd = open_it(&place->endpoint, 0, &bound);

	assert_int_equal(umask(before), 0177);
	assert_true(listen_fd >= 0);
	assert_int_equal(stat(place->path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	(void)close(listen_fd);
}

static void
a_stale_socket_file_is_replaced(void **state)
{
	struct place *place = *state;
	struct netaddr bound;
	int listen_fd = open_it(&place->endpoint, 0, &bound);

	assert_true(listen_fd >= 0);
	(void)close(listen_fd);
	listen_fd = open_it(&place->endpoint, 0, &bound);
	assert_true(listen_fd >= 0);
	(void)close(listen_fd);
}

static void
a_live_socket_is_not_stolen(void **state)
{
	struct place *place = *state;
	struct netaddr bound;
	int listen_fd = open_it(&place->endpoint, 0, &bound);

	assert_true(listen_fd >= 0);
	assert_int_equal(open_it(&place->endpoint, 0, &bound), -EADDRINUSE);
	(void)close(listen_fd);
}

static void
a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	struct netaddr bound;
	struct stat file;
	int file_fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_int_equal(write(file_fd, "keep", 4), 4);
	(void)close(file_fd);
	assert_int_equal(open_it(&place->endpoint, 0, &bound), -EEXIST);
	assert_int_equal(stat(place->path, &file), 0);
	assert_int_equal(file.st_size, 4);
	listen_remove_file(place->path);
	assert_int_equal(stat(place->path, &file), 0);
}

static void
a_link_to_a_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	struct netaddr bound;

	assert_int_equal(symlink("/nonexistent", place->path), 0);
	assert_int_equal(open_it(&place->endpoint, 0, &bound), -EEXIST);
}

static void
send_twice(const struct netaddr *to)
{
	struct sockaddr_storage address;
	socklen_t length = netaddr_to_sockaddr(to, &address);
	int client_fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < 2; i++)
		assert_int_equal(sendto(client_fd, "same", 4, 0, (struct sockaddr *)&address,
					 length),
			4);
	(void)close(client_fd);
}

/* Of one sender, of one length, of the same bytes: yet two. */
static void
the_datagram_that_is_next_is_told_from_every_other_and_stays_whole(void **state)
{
	struct endpoint endpoint = loopback(PROTOCOL_UDP4);
	struct netaddr bound;
	int socket_fd = open_it(&endpoint, 0, &bound);
	char text[8], control[64];
	struct iovec bytes = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr message = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	uint64_t head;

	(void)state;
	assert_int_equal(listen_head(socket_fd), 0);
	send_twice(&bound);
	head = listen_head(socket_fd);
	assert_int_not_equal(head, 0);
	assert_int_equal(listen_head(socket_fd), head);
	assert_int_equal(recvmsg(socket_fd, &message, 0), 4);
	assert_memory_equal(text, "same", 4);
	assert_int_equal(message.msg_controllen, 0);
	assert_int_not_equal(listen_head(socket_fd), 0);
	assert_int_not_equal(listen_head(socket_fd), head);
	(void)close(socket_fd);
	endpoint = loopback(PROTOCOL_TCP4);
	socket_fd = open_it(&endpoint, 0, &bound);
	assert_int_equal(listen_head(socket_fd), 0);
	(void)close(socket_fd);
}

static void
a_handed_socket_fits_its_endpoint_only(void **state)
{
	struct endpoint endpoint = loopback(PROTOCOL_TCP4);
	struct endpoint other;
	struct netaddr bound;
	int listen_fd = open_it(&endpoint, 0, &bound);

	(void)state;
	endpoint.address.port = bound.port;
	assert_true(listen_fits(listen_fd, &endpoint));
	other = endpoint;
	other.address.port++;
	assert_false(listen_fits(listen_fd, &other));
	other = endpoint;
	other.protocol = PROTOCOL_UDP4;
	assert_false(listen_fits(listen_fd, &other));
	(void)close(listen_fd);
}

int
main(void)
{
#define WITH_PLACE(name) cmocka_unit_test_setup_teardown(name, make_place, clear_place)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_picks_a_port_and_another_socket_can_share_it),
		cmocka_unit_test(a_first_socket_finds_a_port_that_is_taken_and_can_be_shared),
		cmocka_unit_test(sockets_are_non_blocking_and_not_inherited),
		WITH_PLACE(a_unix_socket_has_its_mode_whatever_the_umask),
		WITH_PLACE(a_stale_socket_file_is_replaced),
		WITH_PLACE(a_live_socket_is_not_stolen),
		WITH_PLACE(a_file_that_is_no_socket_is_left_alone),
		WITH_PLACE(a_link_to_a_socket_is_left_alone),
		cmocka_unit_test(
			the_datagram_that_is_next_is_told_from_every_other_and_stays_whole),
		cmocka_unit_test(a_handed_socket_fits_its_endpoint_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
