/* SPDX-License-Identifier: ISC */
/* What this host lets a program of ours do. */
#include "config/config.h"
#include "config/meaning.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FIRST_FREE_PORT 1024             /* of a kernel that does not say */
#define FIRST_USER_NAMESPACE 0xeffffffdU /* PROC_USER_INIT_INO of the kernel */

static int64_t
ask_number(const char *path, int64_t unknown)
{
	auto_close int file_fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	ssize_t length = file_fd >= 0 ? read(file_fd, text, sizeof(text) - 1) : -1;
	char *end = text;
	intmax_t number = length > 0 ? strtoimax(text, &end, 10) : 0;

	return end != text ? number : unknown;
}

static uint64_t
ask_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, sets) < 0)
		return 0;
	return sets[0].effective | (uint64_t)sets[1].effective << 32;
}

/* The first user namespace has a number that never changes. Where nothing can be seen we are
 * taken to be in it: then a start says what the check did not. */
static bool
is_in_user_namespace(void)
{
	struct stat namespace;

	return stat("/proc/self/ns/user", &namespace) == 0 &&
		namespace.st_ino != FIRST_USER_NAMESPACE;
}

static int64_t
limit_of(rlim_t limit)
{
	return limit > INT64_MAX ? CONFIG_UNLIMITED : (int64_t)limit;
}

static void
ask_limits(struct config_limit limits[static CONFIG_RLIMITS])
{
	static const __rlimit_resource_t resources[] = {
#define RLIMIT(word, name, standard, help) RLIMIT_##name,
#include "config/rlimits.def"
#undef RLIMIT
	};
	struct rlimit limit;

	for (size_t i = 0; i < CONFIG_RLIMITS; i++) {
		limits[i] = (struct config_limit){ CONFIG_UNLIMITED, CONFIG_UNLIMITED };
		if (getrlimit(resources[i], &limit) == 0)
			limits[i] = (struct config_limit){ limit_of(limit.rlim_cur),
				limit_of(limit.rlim_max) };
	}
}

/* A kernel that was started without psi has the file all the same, and does not open it. */
static bool
is_readable(const char *path)
{
	auto_close int file_fd = open(path, O_RDONLY | O_CLOEXEC);

	return file_fd >= 0;
}

void
config_host_ask(struct config_host *ret_host)
{
	uint64_t capabilities = ask_capabilities();
	int64_t first_free_port = ask_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", -1);

	*ret_host = (struct config_host){
		.is_root = geteuid() == 0,
		.may_bind_low_ports = (capabilities & UINT64_C(1) << CAP_NET_BIND_SERVICE) != 0,
		.first_free_port = FIRST_FREE_PORT,
		.uid = geteuid(),
		.descriptors = INT64_MAX,
		.descriptors_most = ask_number("/proc/sys/fs/nr_open", INT64_MAX),
		.capabilities = capabilities,
		.host_rights = is_in_user_namespace() ? 0 : capabilities,
		.nice = getpriority(PRIO_PROCESS, 0),
		.oom_score_adjust = (int)ask_number("/proc/self/oom_score_adj", 0),
	};
	ret_host->tells_memory_pressure = is_readable("/proc/pressure/memory");
	if (first_free_port >= 0 && first_free_port <= UINT16_MAX)
		ret_host->first_free_port = (uint16_t)first_free_port;
	ask_limits(ret_host->limits);
	if (ret_host->limits[CONFIG_RLIMIT_NOFILE].hard != CONFIG_UNLIMITED)
		ret_host->descriptors = ret_host->limits[CONFIG_RLIMIT_NOFILE].hard;
}
