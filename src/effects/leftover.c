/* SPDX-License-Identifier: ISC */
/* A program that has the listening socket keeps it when its daemon ends, and the port with it. The
 * sockets of a daemon share their port with others of the same user (SO_REUSEPORT), so the next
 * daemon can join them; whether it should, is asked here. */
#include "effects/leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKETS_MAX 16
#define ENVIRON_MAX 131072
#define LISTENING "0A" /* in /proc/net/tcp */
#define INODE_MAX 24

/* By their inodes, as digits: that is how all of /proc names them. */
struct sockets {
	char inodes[SOCKETS_MAX][INODE_MAX];
	unsigned int count;
};

/* As the kernel writes it in /proc/net: the words of the address in the host's order. */
static void
format_bound(const struct netaddr *address, char *text, size_t room)
{
	uint32_t words[4];

	if (address->family == AF_INET) {
		(void)snprintf(text, room, "%08X:%04X", address->ip.v4.s_addr, address->port);
		return;
	}
	memcpy(words, &address->ip.v6, sizeof(words));
	(void)snprintf(text, room, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3],
		address->port);
}

static void
add_socket(struct sockets *sockets, const char *inode)
{
	if (sockets->count < SOCKETS_MAX)
		(void)snprintf(sockets->inodes[sockets->count], INODE_MAX, "%s", inode);
	sockets->count++;
}

static void
find_unix_sockets(const char *path, struct sockets *sockets)
{
	char line[512];
	FILE *table = fopen("/proc/net/unix", "re");

	while (table != NULL && fgets(line, sizeof(line), table) != NULL) {
		char inode[INODE_MAX];
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %23s %n", inode, &at) == 1 && at > 0 &&
			strcmp(line + at, path) == 0)
			add_socket(sockets, inode);
	}
	if (table != NULL)
		(void)fclose(table);
}

static void
find_sockets(enum protocol protocol, const struct netaddr *address, struct sockets *sockets)
{
	bool is_stream = protocol_type(protocol) == SOCK_STREAM;
	bool is_v6 = address->family == AF_INET6;
	const char *path = is_stream ? (is_v6 ? "/proc/net/tcp6" : "/proc/net/tcp")
				     : (is_v6 ? "/proc/net/udp6" : "/proc/net/udp");
	char wanted[48], line[512];
	FILE *table = fopen(path, "re");

	format_bound(address, wanted, sizeof(wanted));
	while (table != NULL && fgets(line, sizeof(line), table) != NULL) {
		char bound[48];
		char state[8];
		char inode[INODE_MAX];

		if (sscanf(line, " %*s %47s %*s %7s %*s %*s %*s %*s %*s %23s", bound, state,
			    inode) != 3 ||
			strcmp(bound, wanted) != 0 || (is_stream && strcmp(state, LISTENING) != 0))
			continue;
		add_socket(sockets, inode);
	}
	if (table != NULL)
		(void)fclose(table);
}

static bool
holds(const char *pid, const struct sockets *sockets)
{
	char path[300];
	DIR *folder;
	const struct dirent *entry;
	bool is_found = false;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	folder = opendir(path);
	while (!is_found && folder != NULL && (entry = readdir(folder)) != NULL) {
		char target[64];
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		char inode[INODE_MAX];

		target[length > 0 ? length : 0] = '\0';
		if (sscanf(target, "socket:[%23[0-9]]", inode) != 1)
			continue;
		for (unsigned int i = 0; i < sockets->count; i++)
			is_found = is_found || strcmp(sockets->inodes[i], inode) == 0;
	}
	if (folder != NULL)
		(void)closedir(folder);
	return is_found;
}

static bool
has_variable(const char *text, size_t length, const char *wanted)
{
	size_t wanted_size = strlen(wanted) + 1;

	for (size_t at = 0; at + wanted_size <= length; at += strlen(text + at) + 1)
		if (memcmp(text + at, wanted, wanted_size) == 0)
			return true;
	return false;
}

static bool
was_started_for(const char *pid, const char *service)
{
	char path[300], wanted[128];
	auto_free char *text = calloc(1, ENVIRON_MAX);
	FILE *file = NULL;
	size_t length;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/environ", pid);
	(void)snprintf(wanted, sizeof(wanted), "REEVE_SERVICE=%.64s", service);
	if (text != NULL)
		file = fopen(path, "re");
	if (file == NULL)
		return false;
	length = fread(text, 1, ENVIRON_MAX - 1, file);
	(void)fclose(file);
	return has_variable(text, length, wanted);
}

unsigned int
leftover_sockets(const char *service, const struct endpoint *endpoint, uint16_t port)
{
	struct netaddr address = endpoint->address;
	struct sockets sockets = { .count = 0 };
	DIR *processes;
	const struct dirent *entry;
	bool are_all_ours = true;
	unsigned int holders = 0;

	address.port = port;
	if (endpoint->path != NULL)
		find_unix_sockets(endpoint->path, &sockets);
	else if (port != 0)
		find_sockets(endpoint->protocol, &address, &sockets);
	if (sockets.count == 0 || sockets.count > SOCKETS_MAX)
		return 0;
	processes = opendir("/proc");
	while (are_all_ours && processes != NULL && (entry = readdir(processes)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !holds(entry->d_name, &sockets))
			continue;
		holders++;
		are_all_ours = was_started_for(entry->d_name, service);
	}
	if (processes != NULL)
		(void)closedir(processes);
	return are_all_ours && holders > 0 ? sockets.count : 0;
}

/* The kernel numbers the sockets of a port in the order in which they came. When one of those
 * before is closed, the number is beyond the last one, and the kernel chooses among the rest. */
int
leftover_take_clients(int socket_fd, unsigned int others)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, others) };
	const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (setsockopt(socket_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) <
		0)
		return -errno;
	return 0;
}
