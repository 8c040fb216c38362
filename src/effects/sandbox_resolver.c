/* SPDX-License-Identifier: ISC */
/* The resolver's confinement: the DNS, a few files to be read, the channels, and nothing else. It
 * starts nothing, and what it maps it cannot execute. */
#include "effects/sandbox_table.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const struct allowed calls[] = {
	/* the loop */
	{ CALL(epoll_wait), ALWAYS, "wait for questions and answers" },
	{ CALL(epoll_pwait), ALWAYS, "epoll_wait where that is no call of its own" },
	{ CALL(epoll_pwait2), ALWAYS, "the same with a finer clock" },
	{ CALL(epoll_ctl), ALWAYS, "say what to wait for" },
	{ CALL(gettimeofday), ALWAYS, "the library's clock" },
	{ CALL(time), ALWAYS, "the same" },

	/* the DNS and the channels */
	{ CALL(connect), ALWAYS, "to servers of the DNS" },
	{ CALL(sendto), ALWAYS, "ask them" },
	{ CALL(recvfrom), ALWAYS, "hear them" },
	{ CALL(recvmsg), ALWAYS, "read the channels" },
	{ CALL(sendmsg), ALWAYS, "write the channels, the log" },
	{ CALL(getsockname), ALWAYS, "which of our addresses a server is asked from" },
	{ CALL(shutdown), ALWAYS, "end a channel" },
	{ CALL(fcntl), ALWAYS, "sockets that do not block" },
	{ CALL(fcntl64), ALWAYS, "the same on 32 bits" },
	{ CALL(close), ALWAYS, "sockets, files" },

	/* files of /etc, which Landlock picks out */
	{ CALL(openat), ALWAYS, "resolv.conf, hosts, hosts.allow, hosts.deny" },
	{ CALL(open), ALWAYS, "the same" },
	{ CALL(read), ALWAYS, "read them; answers by TCP" },
	{ CALL(fstat), ALWAYS, "how long they are" },
	{ CALL(fstat64), ALWAYS, "the same on 32 bits" },
	{ CALL(stat), ALWAYS, "have they changed" },
	{ CALL(stat64), ALWAYS, "the same on 32 bits" },
	{ CALL(newfstatat), ALWAYS, "what the C library makes of both" },
	{ CALL(fstatat64), ALWAYS, "the same on 32 bits" },
	{ CALL(statx), ALWAYS, "the same where the kernel has no fstat" },
	{ CALL(lseek), ALWAYS, "what the C library does before it closes a file" },
	{ CALL(_llseek), ALWAYS, "the same on 32 bits" },

	{ CALL(uname), ALWAYS, "the host's name, for c-ares: its domain is searched" },

	/* the log */
	{ CALL(write), ALWAYS, "standard error; questions by TCP" },
	{ CALL(writev), ALWAYS, "questions by TCP" },

	/* memory, chance */
	{ CALL(sysinfo), ALWAYS, "the memory's size for the C library's qsort" },
	{ CALL(getrandom), ALWAYS, "secrets of tables, numbers of questions" },

	{ CALL(pread64), SANITIZED, "the program's own symbols" },

#define ALLOWED(call, need, reason) { CALL(call), need, reason },
#define ALLOWED_SO(...)
#include "effects/sandbox_rows.def"
#undef ALLOWED
#undef ALLOWED_SO
};

static const struct allowed_so calls_so[] = {
	{ CALL(socket), ALWAYS, 1, { IS(0, AF_INET) }, "to servers of the DNS" },
	{ CALL(socket), ALWAYS, 1, { IS(0, AF_INET6) }, "the same" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) },
		"questions by TCP" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_LINGER) },
		"descriptors that nobody took are closed at once" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_PASSCRED) },
		"a channel is emptied before it is closed" },
	{ CALL(setsockopt), ALWAYS, 2, { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) },
		"keepalive in tcp_wrappers' files, which has no socket here" },

#define ALLOWED(...)
#define ALLOWED_SO(call, ...) { CALL(call), __VA_ARGS__ },
#include "effects/sandbox_rows.def"
#undef ALLOWED
#undef ALLOWED_SO
};

/* What rules of tcp_wrappers' files may want done: it is not done, and the library says so. */
static const struct allowed denied[] = {
	{ CALL(clone3), ALWAYS, "spawn" },
	{ CALL(clone), UNSANITIZED, "spawn" },
	{ CALL(fork), ALWAYS, "spawn" },
	{ CALL(vfork), ALWAYS, "spawn" },
	{ CALL(setuid), ALWAYS, "user" },
	{ CALL(setgid), ALWAYS, "group, user" },
	{ CALL(setgroups), ALWAYS, "user" },
	{ CALL(setpriority), ALWAYS, "nice" },
	{ CALL(getpriority), ALWAYS, "nice" },
	{ CALL(umask), ALWAYS, "umask" },
	{ CALL(bind), ALWAYS, "rfc931" },
	{ CALL(alarm), ALWAYS, "rfc931" },
	{ CALL(execve), ALWAYS, "twist" },
	{ CALL(dup), ALWAYS, "banners, twist" },
};

int
sandbox_enter_resolver(const char **ret_part)
{
	static const char *const readable[] = { "/etc", "/run/systemd/resolve", "/run/resolvconf",
		"/run/NetworkManager", "/dev/urandom", NULL };
	static const struct sandbox resolver = { .calls = calls,
		.call_count = ARRAY_SIZE(calls),
		.calls_so = calls_so,
		.call_so_count = ARRAY_SIZE(calls_so),
		.denied = denied,
		.denied_count = ARRAY_SIZE(denied),
		.readable = readable,
		.may_connect = true };

	return sandbox_enter_by(&resolver, ret_part);
}
