/* SPDX-License-Identifier: ISC */
/* Banners on their way to clients. */
#include "gate/speech.h"

#include "base/shared_queue.h"
#include "config/banner_files.h"
#include "gate/hall.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/refusal.h"
#include "gate/service.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PATIENCE_MS 2000
#define FAREWELL_MS 2000
#define FAREWELLS_MAX 256 /* clients of a gate that are given time to read their refusal */
#define DISCARDS_MAX 16   /* reads of what a refused client says, in one turn */

/* A client that has not taken all, or that was told no and is not closed yet. */
struct speech {
	struct guest guest; /* first */
	size_t length;
	size_t sent;
	char bytes[];
};

bool
speech_has(const char *value)
{
	return value && *value != '\0';
}

/* The banner as this client is sent it; its length. */
static size_t
compose(const struct entrant *entrant, const char *value, enum verdict verdict,
	char ret_bytes[static BANNER_SENT_MAX])
{
	const struct service *service = entrant->service;
	const struct gate *gate = service->gate;
	struct banner_text text;
	struct banner_facts facts = {
		.peer = &entrant->peer,
		.service = service_name(service),
		.reason = verdict_told(verdict),
		.wait = -1,
	};

	if (!speech_has(value) || !banner_find(service->generation->banners, value, &text))
		return 0;
	if (verdict == VERDICT_wait_queue) {
		facts.wait = service->config->keys->queue_time;
		facts.position = shared_queue_position(gate->shared, service->row);
	} else if (verdict != VERDICT_ADMIT) {
		facts.wait = limits_time_to_wait(service, &entrant->peer, verdict);
	}
	return banner_write(&text, &facts, ret_bytes);
}

/* Send what is left of it: 0, -EAGAIN if the client does not take all, -errno. A packet goes as a
 * whole or not at all. */
static int
send_rest(int conn_fd, const char *bytes, size_t length, size_t *sent)
{
	while (*sent < length) {
		ssize_t taken =
			send(conn_fd, bytes + *sent, length - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (taken < 0 && errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		if (taken > 0)
			*sent += (size_t)taken;
	}
	return 0;
}

static void
speech_end(struct speech *speech)
{
	struct entrant entrant = hall_leave(&speech->guest);

	if (speech->guest.stage->is_refused)
		entrant.service->gate->farewell_count--;
	entrance_turn_away(&entrant);
	service_return(entrant.service);
	free(speech);
}

/* What is read stays in the kernel's hands: only that it is not there any more matters, for
 * closing over unread bytes is a reset, which could overtake the banner. False: the client has
 * ended as well. */
static bool
discard_input(int conn_fd)
{
	char bytes[4096];
	ssize_t got = 1;

	for (int i = 0; i < DISCARDS_MAX && got > 0; i++)
		got = recv(conn_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
farewell_ready(struct guest *guest)
{
	if (!discard_input(guest->watch.fd))
		speech_end(CONTAINER_OF(guest, struct speech, guest));
}

static void
farewell_over(struct guest *guest, enum hall_end why)
{
	(void)why;
	speech_end(CONTAINER_OF(guest, struct speech, guest));
}

static const struct hall_stage farewell = {
	.ready = farewell_ready,
	.events = EPOLLIN,
	.over = farewell_over,
	.is_refused = true,
};

/* All is said. */
static void
go_on(struct speech *speech)
{
	struct entrant entrant;

	if (speech->guest.stage->is_refused) {
		if (shutdown(speech->guest.watch.fd, SHUT_WR) < 0 ||
			!discard_input(speech->guest.watch.fd) ||
			hall_change(&speech->guest, &farewell, FAREWELL_MS) < 0)
			speech_end(speech);
		return;
	}
	entrant = hall_leave(&speech->guest);
	free(speech);
	(void)entrance_go(&entrant);
	service_return(entrant.service);
}

static void
speech_ready(struct guest *guest)
{
	struct speech *speech = CONTAINER_OF(guest, struct speech, guest);
	int result = send_rest(guest->watch.fd, speech->bytes, speech->length, &speech->sent);

	if (result == 0)
		go_on(speech);
	else if (result != -EAGAIN)
		speech_end(speech);
}

static void
speech_over(struct guest *guest, enum hall_end why)
{
	struct speech *speech = CONTAINER_OF(guest, struct speech, guest);
	struct entrant entrant;

	if (why != HALL_LATE || guest->stage->is_refused) {
		speech_end(speech);
		return;
	}
	entrant = hall_leave(guest);
	refusal_refuse(&entrant, VERDICT_refuse_deaf);
	service_return(entrant.service);
	free(speech);
}

/* Keep the rest for when the client takes more. -errno: it cannot be kept. */
static int
keep(const struct entrant *entrant, const char *bytes, size_t length, bool is_last)
{
	static const struct hall_stage stages[] = {
		[false] = { .ready = speech_ready, .events = EPOLLOUT, .over = speech_over },
		[true] = { .ready = speech_ready,
			.events = EPOLLOUT,
			.over = speech_over,
			.is_refused = true },
	};
	struct speech *speech = malloc(sizeof(*speech) + length);
	int error = -ENOMEM;

	if (speech) {
		speech->sent = 0;
		speech->length = length;
		memcpy(speech->bytes, bytes, length);
		error = hall_enter(&speech->guest, entrant, &stages[is_last], PATIENCE_MS);
	}
	if (error < 0)
		free(speech);
	else if (is_last)
		entrant->service->gate->farewell_count++;
	return error;
}

enum passage
speech_say_rest(struct entrant *entrant, const char *rest, size_t length)
{
	size_t sent = 0;
	int result = send_rest(entrant->conn_fd, rest, length, &sent);

	if (result == 0)
		return PASSAGE_ON;
	if (result == -EAGAIN && keep(entrant, rest + sent, length - sent, false) == 0)
		return PASSAGE_WAITS;
	entrance_turn_away(entrant);
	return PASSAGE_REFUSED;
}

enum passage
speech_say(struct entrant *entrant, const char *value, enum verdict verdict)
{
	char bytes[BANNER_SENT_MAX];

	if (!speech_has(value))
		return PASSAGE_ON;
	return speech_say_rest(entrant, bytes, compose(entrant, value, verdict, bytes));
}

char *
speech_try(const struct entrant *entrant, const char *value, enum verdict verdict,
	size_t *ret_length)
{
	char bytes[BANNER_SENT_MAX];
	size_t length = compose(entrant, value, verdict, bytes);
	size_t sent = 0;
	char *rest = NULL;

	/* That the client is gone the loop will tell. */
	if (send_rest(entrant->conn_fd, bytes, length, &sent) == -EAGAIN)
		rest = malloc(length - sent);
	*ret_length = rest ? length - sent : 0;
	if (rest)
		memcpy(rest, bytes + sent, *ret_length);
	return rest;
}

bool
speech_try_rest(const struct entrant *entrant, const char *rest, size_t length)
{
	size_t sent = 0;

	return send_rest(entrant->conn_fd, rest, length, &sent) == 0;
}

void
speech_dismiss(struct entrant *entrant, enum verdict verdict)
{
	const struct gate *gate = entrant->service->gate;
	char bytes[BANNER_SENT_MAX];
	size_t length =
		compose(entrant, entrant->service->config->keys->banner_fail, verdict, bytes);
	size_t sent = 0;
	int result = send_rest(entrant->conn_fd, bytes, length, &sent);

	entrance_give_back(entrant);
	/* Whoever finds no room to linger has all the same been told, if it was quick. */
	if ((result == 0 || result == -EAGAIN) && gate->farewell_count < FAREWELLS_MAX &&
		keep(entrant, bytes + sent, length - sent, true) == 0)
		return;
	entrance_turn_away(entrant);
}
