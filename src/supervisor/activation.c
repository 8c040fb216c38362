/* SPDX-License-Identifier: ISC */
/* Sockets handed over as systemd does. */
#include "supervisor/activation.h"

#include "base/textbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FIRST_SOCKET 3
#define TEXT_MAX (1U << 20)

/* What one start needs. */
struct activation {
	int *fds; /* copies: fds[i] becomes descriptor i */
	size_t fd_count;
	char *text; /* of the variables */
	char *variables[ACTIVATION_VARIABLES];
	char *pid_text; /* in one of them: for the child to write */
};

/* Above all places that the child fills, so that none is overwritten before it was copied. */
static int
copy_all(struct activation *activation, const int *stdio, const struct start *start)
{
	size_t count = FIRST_SOCKET + start->socket_count;

	activation->fds = calloc(count, sizeof(int));
	if (activation->fds == NULL)
		return -ENOMEM;
	while (activation->fd_count < count) {
		size_t i = activation->fd_count;
		int from_fd = i < FIRST_SOCKET ? stdio[i] : start->sockets[i - FIRST_SOCKET];
		int copy_fd = fcntl(from_fd, F_DUPFD_CLOEXEC, (int)count);

		if (copy_fd < 0)
			return -errno;
		activation->fds[activation->fd_count++] = copy_fd;
	}
	return 0;
}

/* A colon parts the names. */
static void
add_name(struct textbuf *text, const char *name)
{
	for (; *name != '\0'; name++)
		textbuf_add_bytes(text, *name == ':' ? "_" : name, 1);
}

/* Each variable ends with a NUL, one behind the other. */
static int
write_variables(struct activation *activation, const struct start *start)
{
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	const char *name =
		start->served->outfit->keys->wait != 0 ? start->served->name : "connection";
	size_t pid_begin, names_begin;
	int error;

	textbuf_addf(&text, "LISTEN_FDS=%zu%c", start->socket_count, '\0');
	pid_begin = text.length;
	textbuf_addf(&text, "LISTEN_PID=%*s%c", SPAWN_PID_TEXT_MAX, "", '\0');
	names_begin = text.length;
	textbuf_add(&text, "LISTEN_FDNAMES=");
	for (size_t i = 0; i < start->socket_count; i++) {
		textbuf_add(&text, i > 0 ? ":" : "");
		add_name(&text, name);
	}
	error = textbuf_error(&text);
	activation->text = textbuf_take(&text);
	if (error < 0)
		return error;
	activation->variables[0] = activation->text;
	activation->variables[1] = activation->text + pid_begin;
	activation->variables[2] = activation->text + names_begin;
	activation->pid_text = activation->variables[1] + strlen("LISTEN_PID=");
	return 0;
}

static int
init(struct activation *activation, const struct supervisor *supervisor, const struct start *start,
	int error_fd)
{
	const int stdio[FIRST_SOCKET] = { supervisor->null_fd, supervisor->null_fd, error_fd };
	int error = copy_all(activation, stdio, start);

	return error < 0 ? error : write_variables(activation, start);
}

static void
fini(struct activation *activation)
{
	for (size_t i = 0; i < activation->fd_count; i++)
		(void)close(activation->fds[i]);
	free(activation->fds);
	free(activation->text);
}

int
activation_run(const struct supervisor *supervisor, const struct start *start, int error_fd,
	struct spawn_result *ret_result)
{
	struct activation activation = { .fds = NULL };
	struct variables room;
	struct start full = *start;
	int error;

	full.listen_variables = activation.variables;
	if (full.sockets == NULL) {
		full.sockets = &start->in_fd;
		full.socket_count = 1;
	}
	ret_result->failed_step = SPAWN_STEP_STDIO;
	error = init(&activation, supervisor, &full, error_fd);
	if (error == 0) {
		const struct spawn_start spawn = { .fds = activation.fds,
			.fd_count = activation.fd_count,
			.envp = variables_make(&full, &room),
			.pid_text = activation.pid_text };

		error = spawn_run(&full.served->plan, &spawn, ret_result);
	}
	fini(&activation);
	return error;
}
