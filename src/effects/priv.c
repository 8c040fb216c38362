/* SPDX-License-Identifier: ISC */
/* The supervisor's privileged calls, and the look-ups that they are made with. */
#include "effects/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define GROUPS_MAX 65536
#define UNKNOWN_FIRST 65520
#define UNKNOWN_LAST 65533

bool
priv_is_root(void)
{
	return geteuid() == 0;
}

/* A number where the database has no name: daemons of containers without /etc/passwd. */
static int
parse_id(const char *text, uint32_t *ret_id)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value >= UINT32_MAX)
		return -EINVAL;
	*ret_id = (uint32_t)value;
	return 0;
}

static int
look_up_group(const char *name, gid_t *ret_gid)
{
	const struct group *entry = getgrnam(name);
	uint32_t number;

	if (entry != NULL)
		*ret_gid = entry->gr_gid;
	else if (parse_id(name, &number) == 0)
		*ret_gid = number;
	else
		return -ESRCH;
	return 0;
}

static int
copy_entry(struct identity *who, const struct passwd *entry)
{
	who->name = strdup(entry->pw_name);
	who->home = strdup(entry->pw_dir);
	who->shell = strdup(entry->pw_shell[0] != '\0' ? entry->pw_shell : "/bin/sh");
	return who->name && who->home && who->shell ? 0 : -ENOMEM;
}

static int
take_groups(struct identity *who, char *const *names)
{
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	if (count > GROUPS_MAX)
		return -E2BIG;
	who->groups = calloc(count + 1, sizeof(gid_t));
	if (who->groups == NULL)
		return -ENOMEM;
	for (; *names != NULL; names++) {
		int error = look_up_group(*names, &who->groups[who->group_count]);

		if (error < 0)
			return error;
		who->group_count++;
	}
	return 0;
}

static int
look_up_groups(struct identity *who)
{
	int count = 0;

	if (who->name == NULL) {
		who->groups = malloc(sizeof(gid_t));
		if (who->groups == NULL)
			return -ENOMEM;
		who->groups[0] = who->gid;
		who->group_count = 1;
		return 0;
	}
	(void)getgrouplist(who->name, who->gid, NULL, &count);
	if (count < 0 || count > GROUPS_MAX)
		return -E2BIG;
	who->groups = calloc((size_t)count + 1, sizeof(gid_t));
	if (who->groups == NULL)
		return -ENOMEM;
	if (getgrouplist(who->name, who->gid, who->groups, &count) < 0)
		return -EAGAIN; /* the database changed in between */
	who->group_count = (size_t)count;
	return 0;
}

static int
look_up_user(struct identity *who, const char *name)
{
	const struct passwd *entry = getpwnam(name);
	uint32_t number = 0;

	if (entry == NULL) {
		if (parse_id(name, &number) < 0)
			return -ENOENT;
		entry = getpwuid((uid_t)number);
	}
	who->uid = entry != NULL ? entry->pw_uid : (uid_t)number;
	who->gid = entry != NULL ? entry->pw_gid : (gid_t)number;
	return entry != NULL ? copy_entry(who, entry) : 0;
}

int
priv_look_up(struct identity *ret_identity, const char *user, const char *group,
	char *const *groups)
{
	struct identity who = { .is_set = true };
	auto_free char *name = strdup(user);
	char *colon;
	int error;

	if (name == NULL)
		return -ENOMEM;
	colon = strchr(name, ':');
	if (colon != NULL) {
		*colon = '\0';
		group = colon + 1;
	}
	error = look_up_user(&who, name);
	if (error == 0 && group != NULL)
		error = look_up_group(group, &who.gid);
	if (error == 0)
		error = groups != NULL ? take_groups(&who, groups) : look_up_groups(&who);
	if (error < 0) {
		priv_identity_fini(&who);
		return error;
	}
	*ret_identity = who;
	return 0;
}

int
priv_unknown_identity(struct identity *ret_identity)
{
	/* Below 65,534, which is nobody; above what people, packages and containers are given. */
	for (uid_t id = UNKNOWN_FIRST; id <= UNKNOWN_LAST; id++)
		if (getpwuid(id) == NULL && getgrgid(id) == NULL) {
			*ret_identity = (struct identity){ .uid = id, .gid = id, .is_set = true };
			return 0;
		}
	return -ENOENT;
}

void
priv_identity_fini(struct identity *identity)
{
	free(identity->groups);
	free(identity->name);
	free(identity->home);
	free(identity->shell);
	*identity = (struct identity){ .is_set = false };
}

int
priv_look_up_group(const char *name, gid_t *ret_gid)
{
	return look_up_group(name, ret_gid);
}

int
priv_own_socket_file(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat file;
	char link[sizeof("/proc/self/fd/") + 12];
	auto_close int file_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	/* The folder may be somebody else's, who could have put anything in our socket's place:
	 * what is changed is the very inode that was looked at. */
	if (file_fd < 0 || fstat(file_fd, &file) < 0)
		return -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST;
	if (fchownat(file_fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if ((file.st_mode & 07777) == mode)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file_fd);
	return chmod(link, mode) < 0 ? -errno : 0;
}

int
priv_give_pipe(int pipe_fd, uid_t maker, uid_t uid)
{
	struct stat pipe_status;
	struct statfs home;

	if (fstat(pipe_fd, &pipe_status) < 0 || fstatfs(pipe_fd, &home) < 0)
		return -errno;
	if (home.f_type != PIPEFS_MAGIC || pipe_status.st_uid != maker || maker == uid)
		return 0;
	return fchown(pipe_fd, uid, (gid_t)-1) < 0 ? -errno : 0;
}

int
priv_raise_descriptors(int64_t wanted, int64_t *ret_now, struct rlimit *ret_before)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*ret_before = limit;
	if (wanted > 0 && (rlim_t)wanted > limit.rlim_max)
		limit.rlim_max = (rlim_t)wanted; /* root may */
	limit.rlim_cur = wanted > 0 ? (rlim_t)wanted : limit.rlim_max;
	if (limit.rlim_cur == RLIM_INFINITY)
		limit.rlim_cur = 1 << 20;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	*ret_now = (int64_t)limit.rlim_cur;
	return 0;
}

/* Descriptors 0 to 2 must be taken, else a socket would get such a number and be mistaken for
 * standard output by whoever prints. */
static int
fill_standard_descriptors(void)
{
	for (;;) {
		int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null_fd < 0)
			return -errno;
		if (null_fd > STDERR_FILENO) {
			(void)close(null_fd);
			return 0;
		}
		(void)fcntl(null_fd, F_SETFD, 0);
	}
}

static void
mark_inherited_descriptors(void)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int inherited_fd = STDERR_FILENO + 1; inherited_fd < 1024; inherited_fd++)
		(void)fcntl(inherited_fd, F_SETFD, FD_CLOEXEC);
}

/* Past the C library, which keeps two signals for itself and refuses to touch them: a starter may
 * have ignored those too, and programs would inherit it. KILL and STOP refuse, rightly. */
static void
restore_signals(void)
{
	const unsigned long standard[16] = { 0 }; /* the kernel's sigaction: SIG_DFL, no flags */

	for (int signo = 1; signo < NSIG; signo++)
		(void)syscall(SYS_rt_sigaction, signo, standard, NULL, (NSIG - 1) / 8);
}

int
priv_clean_start(void)
{
	sigset_t all;
	int error = fill_standard_descriptors();

	if (error < 0)
		return error;
	mark_inherited_descriptors();
	restore_signals();
	/* Everything blocked: what we want is read as data, and a handler born with all signals
	 * blocked opens its mask last. */
	if (sigfillset(&all) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -errno;
	(void)umask(022);
	return 0;
}

int
priv_kill_gate(pid_t pid)
{
	return kill(pid, SIGKILL) < 0 ? -errno : 0;
}
