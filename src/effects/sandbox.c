/* SPDX-License-Identifier: ISC */
/* The gate's confinement: the table of what it may still ask of the kernel, and its shutting. */
#include "effects/sandbox.h"

#include "effects/sandbox_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A call that this architecture lacks has a negative number and is skipped. Of several calls that
 * do the same, the C library makes what the architecture has. */
static const struct allowed table[] = {
	/* the loop */
	{ CALL(epoll_wait), ALWAYS, "wait for clients" },
	{ CALL(epoll_pwait), ALWAYS, "epoll_wait where that is no call of its own" },
	{ CALL(epoll_pwait2), ALWAYS, "the same with a finer clock" },
	{ CALL(epoll_ctl), ALWAYS, "say which clients to wait for" },
	{ CALL(gettimeofday), ALWAYS, "the clock where the vDSO has none, for time(2)" },
	{ CALL(time), ALWAYS, "the same" },

	/* clients */
	{ CALL(accept4), ALWAYS, "let clients in" },
	{ CALL(recvfrom), ALWAYS, "read from clients" },
	{ CALL(recvmsg), ALWAYS, "read the channel" },
	{ CALL(recvmmsg), ALWAYS, "read datagrams in batches" },
	{ CALL(recvmmsg_time64), ALWAYS, "the same on 32 bits" },
	{ CALL(sendto), ALWAYS, "answer clients" },
	{ CALL(sendmsg), ALWAYS, "answer clients, write the channel, the journal" },
	{ CALL(sendmmsg), ALWAYS, "answer datagrams in batches" },
	/* A filter sees numbers of descriptors, not what they are: that this is for clients and
	 * never for a listener, which the other gates share, is the gate's word alone. */
	{ CALL(shutdown), ALWAYS, "end the sending side before the connection" },
	{ CALL(getsockname), ALWAYS, "which address a program's client asked for" },
	{ CALL(getpeername), ALWAYS, "who opened a connection that a gate has read from" },
	{ CALL(close), ALWAYS, "end connections" },

	/* programs */
	{ CALL(fcntl), ALWAYS, "blocking sockets for programs" },
	{ CALL(fcntl64), ALWAYS, "the same on 32 bits" },
	{ CALL(read), ALWAYS, "what programs say; clients of those that have pipes or a terminal" },
	{ CALL(pipe2), ALWAYS, "standard input and output of programs that want pipes" },

	/* files that arrive as open descriptors */
	{ CALL(fstat), ALWAYS, "how long the configuration is" },
	{ CALL(fstat64), ALWAYS, "the same on 32 bits" },
	{ CALL(newfstatat), ALWAYS, "what the C library makes of fstat" },
	{ CALL(fstatat64), ALWAYS, "the same on 32 bits" },
	{ CALL(statx), ALWAYS, "the same where the kernel has no fstat" },
	{ CALL(pread64), ALWAYS, "the configuration, files of built-ins" },
	{ CALL(lseek), ALWAYS, "how long the shared memory is" },
	{ CALL(_llseek), ALWAYS, "the same on 32 bits" },

	/* the log */
	{ CALL(write), ALWAYS, "standard error; programs that have pipes or a terminal" },
	{ CALL(writev), ALWAYS, "the C library's last words before abort(3)" },

	/* memory, chance */
	{ CALL(sysinfo), ALWAYS, "the host's load; the memory's size for the C library's qsort" },
	{ CALL(getrandom), ALWAYS, "cookies" },

	{ CALL(openat), SANITIZED, "/proc/self/maps, to name what was found" },
	{ CALL(stat), SANITIZED, "the program's file" },
	{ CALL(open), SANITIZED, "the same" },
	{ CALL(uname), SANITIZED, "kernel version" },

#define ALLOWED(call, need, reason) { CALL(call), need, reason },
#define ALLOWED_SO(...)
#include "effects/sandbox_rows.def"
#undef ALLOWED
#undef ALLOWED_SO
};

static const struct allowed_so table_so[] = {
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) },
		"on for built-ins and relayed connections, off for programs" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, IPPROTO_IP), IS(2, IP_PKTINFO) },
		"which address a datagram asked for; by which interface a client came" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, IPPROTO_IPV6), IS(2, IPV6_RECVPKTINFO) },
		"the same" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, IPPROTO_IP), IS(2, IP_PKTOPTIONS) },
		"by which interface a client came, for access rules" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, IPPROTO_IPV6), IS(2, IPV6_2292PKTOPTIONS) },
		"the same" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_DOMAIN) },
		"which of the two it is to be asked in" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, IPPROTO_TCP), IS(2, TCP_INFO) },
		"round trip and retransmits, for the log" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_COOKIE) },
		"by which the supervisor finds a program's connection" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_PEERCRED) },
		"who a unix client is, for access rules and limits" },
	{ CALL(getsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_PEERGROUPS) }, "the same" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_PASSCRED) },
		"who sent a unix datagram, for access rules" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_TIMESTAMP) },
		"tell a program's empty datagram from its end" },
	{ CALL(socketpair), ALWAYS, 1, { IS(0, AF_UNIX) },
		"what stands for the socket of a program on datagrams" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_LINGER) },
		"reset a client that is refused" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_RCVBUF) },
		"a small window for a client in the tarpit" },
	{ CALL(dup3), ALWAYS, 1, { IS(1, STDERR_FILENO) },
		"the log's file was moved; the next one" },
	{ CALL(ioctl), UNSANITIZED, 1, { IS(1, SIOCOUTQ) }, "what a client has yet to read" },

#define ALLOWED(...)
#define ALLOWED_SO(call, ...) { CALL(call), __VA_ARGS__ },
#include "effects/sandbox_rows.def"
#undef ALLOWED
#undef ALLOWED_SO
};

/* linux/landlock.h may be older than the kernel that runs: the numbers are the kernel's ABI. */
struct landlock_rules {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define LANDLOCK_VERSION_QUESTION 1U /* LANDLOCK_CREATE_RULESET_VERSION */
#define LANDLOCK_NET_BIND 1U
#define LANDLOCK_NET_ALL 3U /* bind and connect with TCP, from ABI 4 on */
#define LANDLOCK_SCOPE_SIGNAL \
	2U /* from ABI 6 on; abstract unix names stay allowed, since
                                      * datagram clients that have one want their answers */

static uint64_t
landlock_file_rights(long abi)
{
	static const unsigned rights_of_abi[] = { 13, 13, 14, 15, 15, 16 };
	size_t last = ARRAY_SIZE(rights_of_abi) - 1;
	size_t known = (size_t)abi < last ? (size_t)abi : last;

	return (UINT64_C(1) << rights_of_abi[known]) - 1;
}

/* Not to be told apart from those of a file: LANDLOCK_ACCESS_FS_READ_FILE; and of a folder. */
#define LANDLOCK_READ_FILE (UINT64_C(1) << 2)
#define LANDLOCK_READ_FOLDER (UINT64_C(1) << 3)
#define LANDLOCK_PATH_BENEATH 1

struct landlock_path {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* What is not there cannot be read. */
static int
permit_reading(int rules_fd, const char *path)
{
	auto_close int path_fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path permitted = { .parent_fd = path_fd };
	struct stat status;

	if (path_fd < 0 || fstat(path_fd, &status) < 0)
		return 0;
	permitted.allowed_access =
		LANDLOCK_READ_FILE | (S_ISDIR(status.st_mode) ? LANDLOCK_READ_FOLDER : 0);
	return syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_PATH_BENEATH, &permitted, 0) < 0
		? -errno
		: 0;
}

/* Handle every right there is and grant as good as none: nothing can be made or removed, and only
 * what is listed be read. */
static int
enter_landlock(const struct sandbox *sandbox)
{
	struct landlock_rules rules = { 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_QUESTION);
	size_t size = sizeof(rules.handled_access_fs);
	int rules_fd;
	int result = 0;

	if (abi < 0)
		return -errno;
	rules.handled_access_fs = landlock_file_rights(abi);
	if (abi >= 4) {
		rules.handled_access_net =
			sandbox->may_connect ? LANDLOCK_NET_BIND : LANDLOCK_NET_ALL;
		size = offsetof(struct landlock_rules, scoped);
	}
	if (abi >= 6) {
		rules.scoped = LANDLOCK_SCOPE_SIGNAL;
		size = sizeof(rules);
	}
	rules_fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (rules_fd < 0)
		return -errno;
	for (const char *const *path = sandbox->readable; path && *path && result == 0; path++)
		result = permit_reading(rules_fd, *path);
	if (result == 0 && syscall(SYS_landlock_restrict_self, rules_fd, 0) < 0)
		result = -errno;
	(void)close(rules_fd);
	return result;
}

static bool
is_needed(int number, enum need need)
{
	return number >= 0 && need != (UTIL_HAS_SANITIZER ? UNSANITIZED : SANITIZED);
}

static int
fill_filter(scmp_filter_ctx filter, const struct sandbox *sandbox)
{
	int result = 0;

	for (size_t i = 0; i < sandbox->call_count && result == 0; i++)
		if (is_needed(sandbox->calls[i].number, sandbox->calls[i].need))
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, sandbox->calls[i].number,
				0);
	for (size_t i = 0; i < sandbox->call_so_count && result == 0; i++)
		if (is_needed(sandbox->calls_so[i].number, sandbox->calls_so[i].need))
			result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
				sandbox->calls_so[i].number, sandbox->calls_so[i].count,
				sandbox->calls_so[i].arguments);
	for (size_t i = 0; i < sandbox->denied_count && result == 0; i++)
		if (is_needed(sandbox->denied[i].number, sandbox->denied[i].need))
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				sandbox->denied[i].number, 0);
	return result;
}

static int
enter_seccomp(const struct sandbox *sandbox)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int result;

	if (!filter)
		return -ENOMEM;
	result = fill_filter(filter, sandbox);
	/* A binary tree: a chain would have each call pay for all rows before its own. */
	if (result == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

/* An older kernel has no Landlock, one that was started so has it off, and a host that filters our
 * calls (an older container's, a unit's) says no to those that it does not know. */
static bool
is_a_lack_of_the_host(int result)
{
	return result == -ENOSYS || result == -EOPNOTSUPP || result == -EPERM;
}

static int
check_is_shut(void)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return -EPERM;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int
sandbox_enter_by(const struct sandbox *sandbox, const char **ret_part)
{
	int lacking;
	int result;

	*ret_part = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_part = "dumpable";
	/* The leak check at the end traces the process and reads /proc. */
	if (!UTIL_HAS_SANITIZER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	*ret_part = "landlock rules";
	lacking = UTIL_HAS_SANITIZER ? 0 : enter_landlock(sandbox);
	if (lacking < 0 && !is_a_lack_of_the_host(lacking))
		return lacking;
	*ret_part = "seccomp";
	result = enter_seccomp(sandbox);
	if (result < 0)
		return result;
	*ret_part = "check";
	result = check_is_shut();
	if (result < 0)
		return result;
	*ret_part = "landlock";
	return lacking;
}

int
sandbox_enter(const char **ret_part)
{
	static const struct sandbox gate = { .calls = table,
		.call_count = ARRAY_SIZE(table),
		.calls_so = table_so,
		.call_so_count = ARRAY_SIZE(table_so) };

	return sandbox_enter_by(&gate, ret_part);
}
