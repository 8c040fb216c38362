/* SPDX-License-Identifier: ISC */
/* What this host lets a program of ours do. */
#include "config/config.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define FIRST_FREE_PORT 1024 /* of a kernel that does not say */

static uint16_t
ask_first_free_port(void)
{
	auto_close int file_fd =
		open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t length = file_fd >= 0 ? read(file_fd, text, sizeof(text) - 1) : -1;
	unsigned long port;
	char *end;

	if (length <= 0)
		return FIRST_FREE_PORT;
	port = strtoul(text, &end, 10);
	return end != text && port <= UINT16_MAX ? (uint16_t)port : FIRST_FREE_PORT;
}

static bool
has_bind_capability(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, sets) < 0)
		return false;
	return (sets[0].effective & 1U << CAP_NET_BIND_SERVICE) != 0;
}

void
config_host_ask(struct config_host *ret_host)
{
	struct rlimit limit;

	*ret_host = (struct config_host){
		.is_root = geteuid() == 0,
		.may_bind_low_ports = has_bind_capability(),
		.first_free_port = ask_first_free_port(),
		.uid = geteuid(),
		.descriptors = INT64_MAX,
	};
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
		ret_host->descriptors = (int64_t)limit.rlim_max;
}
