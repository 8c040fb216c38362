/* SPDX-License-Identifier: ISC */
/* tcp_wrappers' files, by libwrap. */
#include "resolver/wrap.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tcpd.h>
#include <unistd.h>

#define SAID_MAX 512

/* Something that the files say could not be found out while the question was under way. The
 * library, which takes that for a no, goes on, and closes its files at the end; the answer is a
 * refusal. A variable, for the library hands nothing on to what it calls. */
static bool is_in_doubt;

/* Names that the library knows, and what it calls for things that are not done here. Netgroups
 * are looked up by nobody. */
int
innetgr(const char *netgroup, const char *host, const char *user, const char *domain)
{
	char format[] = "netgroup @%s is not looked up"; /* the library's headers know no const */

	(void)host;
	(void)user;
	(void)domain;
	tcpd_warn(format, netgroup);
	is_in_doubt = true;
	return 0;
}

/* Nor are users and groups, which the C library may ask other processes for. To the library they
 * do not exist: a rule that would have the process become one of them (user, group) refuses. */
struct passwd *
getpwnam(const char *name)
{
	(void)name;
	return NULL;
}

struct group *
getgrnam(const char *name)
{
	(void)name;
	return NULL;
}

/* Commands are not started. Where the library takes that for a reason to end the process, the
 * question ends with a refusal. */
pid_t
fork(void)
{
	errno = EPERM;
	return -1;
}

void
clean_exit(struct request_info *request)
{
	char reason[] = "a command decides, and none is carried out here";

	(void)request;
	tcpd_jump(reason);
}

/* What the library has to say is an event. These are what fortified programs call for vsyslog and
 * syslog, and so does it. */
void wrap_vsyslog(int priority, int flag, const char *format,
	va_list arguments) __asm__("__vsyslog_chk") __attribute__((format(printf, 3, 0)));
void wrap_syslog(int priority, int flag, const char *format, ...) __asm__("__syslog_chk")
	__attribute__((format(printf, 3, 4)));

void
wrap_vsyslog(int priority, int flag, const char *format, va_list arguments)
{
	char text[SAID_MAX];

	(void)priority;
	(void)flag;
	/* A file that is there and cannot be read counts as empty to the library. */
	is_in_doubt |= strstr(format, "open %s") != NULL;
	(void)vsnprintf(text, sizeof(text), format, arguments);
	LOG(libwrap_said, .line = text);
}

void
wrap_syslog(int priority, int flag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	wrap_vsyslog(priority, flag, format, arguments);
	va_end(arguments);
}

enum wrap_answer
wrap_judge(const char *daemon, const struct netaddr *address, const char *name)
{
	struct request_info request;
	char text[NETADDR_TEXT_MAX];
	bool is_admitted;

	is_in_doubt = false;
	/* Or the first twist would get the descriptors 0 to 2, which it closes. */
	resident = 1;
	/* The user is not asked for (rfc931), nor is a name, which would block. */
	request_init(&request, RQ_DAEMON, daemon, RQ_CLIENT_ADDR, netaddr_format_ip(address, text),
		RQ_USER, "unknown", 0);
	if (name)
		request_set(&request, RQ_CLIENT_NAME, name, 0);
	is_admitted = hosts_access(&request) != 0;
	/* Had it been asked for, the library would have written there that it is unknown. */
	if (!name && request.client->name[0] != '\0')
		return WRAP_WANTS_NAME;
	return is_admitted && !is_in_doubt ? WRAP_ADMITS : WRAP_REFUSES;
}
