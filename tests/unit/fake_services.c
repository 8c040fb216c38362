/* SPDX-License-Identifier: ISC */
/* The built-ins that tests of the gate know: some real ones, and some that use the rest of
 * services/service.h. */
#include "services/service.h"
#include "tests/unit/fake_supervisor.h"

#include <errno.h>
#include <string.h>

/* lines: answers whole lines, leaves what has not ended; a line "quit" ends it. */
static void
lines_readable(struct conn *conn)
{
	size_t length;
	bool is_end;
	const char *bytes = conn_input(conn, &length, &is_end);
	const char *newline;

	while (length > 0 && (newline = memchr(bytes, '\n', length))) {
		size_t line = (size_t)(newline - bytes) + 1;

		(void)conn_write(conn, bytes, line);
		if (line == 5 && memcmp(bytes, "quit", 4) == 0)
			conn_finish(conn, ENDING_SERVED);
		conn_consume(conn, line);
		bytes = conn_input(conn, &length, NULL);
	}
	if (is_end)
		conn_finish(conn, ENDING_CLIENT_CLOSED);
}

static const struct service_ops lines_ops = { .name = "lines", .readable = lines_readable };

/* hoard: takes nothing; says how much it was shown each time, in thousands. */
static void
hoard_readable(struct conn *conn)
{
	size_t length;

	(void)conn_input(conn, &length, NULL);
	if (length == 16384)
		(void)conn_write(conn, "full", 4);
}

static const struct service_ops hoard_ops = { .name = "hoard", .readable = hoard_readable };

/* brim: writes until no more fits, then, when all is drained, "!" and the end. */
static void
brim_open(struct conn *conn)
{
	static const char chunk[1000] = { 0 };

	while (conn_write(conn, chunk, sizeof(chunk)) == 0)
		;
}

static void
brim_writable(struct conn *conn)
{
	(void)conn_write(conn, "!", 1);
	conn_finish(conn, ENDING_SERVED);
}

static const struct service_ops brim_ops = {
	.name = "brim",
	.open = brim_open,
	.writable = brim_writable,
};

/* tide: the same, then writes more than is held for a client, all in one callback. */
static void
tide_writable(struct conn *conn)
{
	static const char chunk[1000] = { 0 };

	for (int i = 0; i < 100; i++) {
		if (conn_write(conn, chunk, sizeof(chunk)) < 0) {
			conn_drop(conn, ENDING_SLOW);
			return;
		}
	}
	conn_finish(conn, ENDING_SERVED);
}

static const struct service_ops tide_ops = {
	.name = "tide",
	.open = brim_open,
	.writable = tide_writable,
};

/* orator: makes a speech and ends, whatever the client does. */
static void
orator_open(struct conn *conn)
{
	static const char speech[FAKE_SPEECH_LENGTH] = { 0 };

	(void)conn_write(conn, speech, sizeof(speech));
	conn_finish(conn, ENDING_SERVED);
}

static const struct service_ops orator_ops = { .name = "orator", .open = orator_open };

/* stubborn: exact, and takes nothing of what it is shown. */
static void
stubborn_readable(struct conn *conn)
{
	(void)conn;
}

static const struct service_ops stubborn_ops = {
	.name = "stubborn",
	.readable = stubborn_readable,
	.is_exact = true,
};

/* club: what one says all get; who leaves is missed. */
struct club {
	struct conn *members[64];
	size_t count;
};

static void
club_tell(struct club *club, const char *bytes, size_t length)
{
	for (size_t i = 0; i < club->count; i++)
		(void)conn_write(club->members[i], bytes, length);
}

static int
club_start(struct builtin *builtin, void **ret_state)
{
	(void)builtin;
	*ret_state = calloc(1, sizeof(struct club));
	return *ret_state ? 0 : -ENOMEM;
}

static void
club_stop(struct builtin *builtin)
{
	free(builtin_state(builtin));
}

static void
club_open(struct conn *conn)
{
	struct club *club = builtin_state(conn_builtin(conn));

	club->members[club->count++] = conn;
	(void)conn_write(conn, "hello\n", 6);
}

static void
club_readable(struct conn *conn)
{
	size_t length;
	bool is_end;
	const char *bytes = conn_input(conn, &length, &is_end);

	club_tell(builtin_state(conn_builtin(conn)), bytes, length);
	conn_consume(conn, length);
	if (is_end)
		conn_finish(conn, ENDING_CLIENT_CLOSED);
}

static void
club_closed(struct conn *conn, enum ending ending)
{
	struct club *club = builtin_state(conn_builtin(conn));

	(void)ending;
	for (size_t i = 0; i < club->count; i++) {
		if (club->members[i] == conn)
			club->members[i] = club->members[--club->count];
	}
	club_tell(club, "bye\n", 4);
}

static const struct service_ops club_ops = {
	.name = "club",
	.start = club_start,
	.stop = club_stop,
	.open = club_open,
	.readable = club_readable,
	.closed = club_closed,
};

/* unwilling: cannot start. */
static int
unwilling_start(struct builtin *builtin, void **ret_state)
{
	(void)builtin;
	(void)ret_state;
	return -EACCES;
}

static const struct service_ops unwilling_ops = { .name = "unwilling", .start = unwilling_start };

const struct service_ops *
service_find(const char *name)
{
	static const struct service_ops *const all[] = { &echo_ops, &discard_ops, &chargen_ops,
		&daytime_ops, &tcpmux_ops, &lines_ops, &hoard_ops, &brim_ops, &tide_ops,
		&orator_ops, &stubborn_ops, &club_ops, &unwilling_ops };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
