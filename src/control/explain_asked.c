/* SPDX-License-Identifier: ISC */
/* Who is to be explained. */
#include "control/explain_asked.h"

#include "config/access_rule.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SOME_PORT 49152 /* a client's, when nobody says which */

static const char *
argument(const struct control *control, const char *name)
{
	return json_string_value(json_object_get(control->arguments, name));
}

static bool
read_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || port > UINT16_MAX || *text < '0' || *text > '9')
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* 192.0.2.1, 192.0.2.1:1234, ::1, [::1]:1234, or unix. */
static bool
read_address(const char *text, struct netaddr *ret_address)
{
	auto_free char *ip = strdup(text);
	const char *port = NULL;
	char *end;

	if (ip == NULL)
		return false;
	if (strcmp(text, "unix") == 0) {
		*ret_address = (struct netaddr){ .family = AF_UNIX };
		return true;
	}
	if (*ip == '[') {
		end = strchr(ip, ']');
		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if ((end = strchr(ip, ':')) != NULL && strchr(end + 1, ':') == NULL) {
		port = end + 1;
		*end = '\0';
	}
	if (netaddr_parse_ip(ret_address, *ip == '[' ? ip + 1 : ip) < 0)
		return false;
	ret_address->port = SOME_PORT;
	return port == NULL || read_port(port, &ret_address->port);
}

static int
take_address(const char *name, const char *text, struct netaddr *ret_address)
{
	if (read_address(text, ret_address))
		return 0;
	control_complain("explain: %s: \"%s\" is no address; wanted: 192.0.2.1, 192.0.2.1:1234, "
			 "2001:db8::1, [2001:db8::1]:1234, or unix",
		name, text);
	return -EINVAL;
}

/* HH:MM, read as access_times reads it. */
static int
read_time(const char *text, uint16_t *ret_minute)
{
	struct textbuf kept = TEXTBUF_INIT(64), problem = TEXTBUF_INIT(256);
	auto_free char *span = NULL;
	uint16_t end;
	int error = asprintf(&span, "%s-%s", text, text) < 0 ? -ENOMEM : 0;

	if (error == 0 && strchr(text, '-') == NULL)
		error = access_hours_normalise(span, strlen(span), &kept, &problem);
	if (error == 0 && kept.text != NULL)
		access_hours_of(kept.text, ret_minute, &end);
	else
		error = -EINVAL;
	textbuf_fini(&problem);
	textbuf_fini(&kept);
	return error;
}

static int
take_time(const char *text, uint16_t *ret_minute)
{
	time_t now = time(NULL);
	struct tm local = { .tm_hour = 0 };

	if (text == NULL) {
		(void)localtime_r(&now, &local);
		*ret_minute = (uint16_t)(local.tm_hour * 60 + local.tm_min);
		return 0;
	}
	if (read_time(text, ret_minute) == 0)
		return 0;
	control_complain("explain: at: \"%s\" is no time of the day; wanted: 00:00 to 23:59", text);
	return -EINVAL;
}

/* A user's groups as they are when it logs in. */
static int
take_user(const char *name, struct access_peer *ret_peer)
{
	gid_t groups[ACCESS_GROUPS_MAX];
	int count = ACCESS_GROUPS_MAX;
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	bool is_number = *end == '\0' && end != name && number < UINT32_MAX;
	const struct passwd *entry = is_number ? getpwuid((uid_t)number) : getpwnam(name);

	if (entry == NULL && !is_number) {
		control_complain("explain: user: there is no user \"%s\"", name);
		return -ENOENT;
	}
	*ret_peer = (struct access_peer){ .is_known = true };
	ret_peer->user = entry != NULL ? entry->pw_uid : (uint32_t)number;
	if (entry == NULL)
		return 0;
	ret_peer->has_more_groups = getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) < 0;
	if (ret_peer->has_more_groups)
		count = ACCESS_GROUPS_MAX;
	for (int i = 0; i < count; i++)
		ret_peer->groups[i] = groups[i];
	ret_peer->group_count = (uint32_t)count;
	return 0;
}

/* By which interface it comes; where nobody says, rules that name one are judged as by the gate
 * that cannot find out. */
static int
take_interface(const char *name, uint32_t *ret_way)
{
	*ret_way = ACCESS_WAY_UNKNOWN;
	if (name == NULL)
		return 0;
	*ret_way = if_nametoindex(name);
	if (*ret_way != 0)
		return 0;
	control_complain("explain: interface: this host has no \"%s\"", name);
	return -ENODEV;
}

int
explain_read_asked(const struct control *control, struct explain_asked *ret_asked)
{
	const char *via = argument(control, "via"), *user = argument(control, "user");
	int error = take_address("ADDRESS", argument(control, "address"), &ret_asked->peer);

	ret_asked->name = argument(control, "service");
	if (error == 0)
		error = take_time(argument(control, "at"), &ret_asked->minute);
	if (error == 0)
		error = take_interface(argument(control, "interface"), &ret_asked->way);
	if (error == 0 && via != NULL) {
		ret_asked->has_proxy = true;
		error = take_address("via", via, &ret_asked->proxy);
	}
	if (error == 0 && user != NULL && ret_asked->peer.family != AF_UNIX) {
		control_complain("explain: user: only a peer on a unix socket is known by its "
				 "user; "
				 "wanted: explain SERVICE unix --user USER");
		return -EINVAL;
	}
	if (error == 0 && user != NULL) {
		ret_asked->has_user = true;
		error = take_user(user, &ret_asked->unix_peer);
	}
	return error;
}
