/* SPDX-License-Identifier: ISC */
/* Gates that ask about clients. */
#include "resolver/askers.h"

#include "resolver/inquiries.h"

#include <errno.h>
#include <sys/epoll.h>

#define QUESTIONS_AT_ONCE 32 /* of one gate before the others get their turn */
#define OWED_MAX 256         /* to one gate, which asks so many at once */

/* An answer that its gate had no room for. */
struct owed {
	struct owed *next;
	struct message_answer answer;
};

struct asker {
	struct watch watch; /* first */
	struct resolver *resolver;
	uint64_t number;         /* never used twice */
	struct owed *first_owed; /* in no order: each has its question's number */
	uint32_t owed_count;
	struct asker *next;
};

static void
drop_owed(struct asker *asker)
{
	struct owed *owed = asker->first_owed;

	asker->first_owed = owed->next;
	asker->owed_count--;
	free(owed);
}

static void
forget(struct asker *asker)
{
	struct asker **place = &asker->resolver->first_asker;

	while (*place != asker)
		place = &(*place)->next;
	*place = asker->next;
	loop_unwatch(asker->resolver->loop, &asker->watch);
	channel_close(asker->watch.fd);
	while (asker->first_owed)
		drop_owed(asker);
	free(asker);
}

/* --- its turn */

/* 1: there may be more, 0: not now, -errno: the channel is no use any more. */
static int
receive_one(struct asker *asker)
{
	struct resolver *resolver = asker->resolver;
	struct message_question *question = &resolver->message.body.question;
	const char *rule = NULL;
	int got = channel_receive(asker->watch.fd, CHANNEL_QUESTION, CHANNEL_SERVE,
		&resolver->message, &rule);

	if (got <= 0)
		return got;
	question->daemon[sizeof(question->daemon) - 1] = '\0';
	if (question->address.family != AF_INET && question->address.family != AF_INET6)
		got = -EPROTO;
	else
		inquiries_ask(resolver->inquiries, asker->number, question);
	channel_done(&resolver->message);
	return got;
}

static int
send_answer(const struct asker *asker, const struct message_answer *answer)
{
	return channel_send(asker->watch.fd, MESSAGE_answer, answer, NULL, 0, NULL, 0);
}

/* As much as there is room for. 0 or -errno. */
static int
send_owed(struct asker *asker)
{
	while (asker->first_owed) {
		int error = send_answer(asker, &asker->first_owed->answer);

		if (error < 0)
			return error == -EAGAIN ? 0 : error;
		drop_owed(asker);
	}
	return 0;
}

static bool
is_heard(const struct asker *asker)
{
	return asker->owed_count < OWED_MAX;
}

static void
set_interest(struct asker *asker)
{
	uint32_t events = (is_heard(asker) ? (uint32_t)EPOLLIN : 0) |
		(asker->first_owed ? (uint32_t)EPOLLOUT : 0);

	(void)loop_rewatch(asker->resolver->loop, &asker->watch, events);
}

static void
asker_ready(struct watch *watch, uint32_t events)
{
	struct asker *asker = CONTAINER_OF(watch, struct asker, watch);
	int got = send_owed(asker) < 0 ? -EPIPE : 1;

	(void)events;
	for (int i = 0; got > 0 && is_heard(asker) && i < QUESTIONS_AT_ONCE; i++)
		got = receive_one(asker);
	if (got < 0)
		forget(asker);
	else
		set_interest(asker);
}

int
askers_add(struct resolver *resolver, int asker_fd)
{
	struct asker *asker = calloc(1, sizeof(*asker));

	if (!asker) {
		channel_close(asker_fd);
		return -ENOMEM;
	}
	asker->watch = (struct watch){ .fd = asker_fd, .events = EPOLLIN, .ready = asker_ready };
	asker->resolver = resolver;
	asker->number = ++resolver->next_asker;
	asker->next = resolver->first_asker;
	resolver->first_asker = asker;
	return loop_watch(resolver->loop, &asker->watch);
}

void
askers_free(struct resolver *resolver)
{
	while (resolver->first_asker)
		forget(resolver->first_asker);
}

void
askers_answer(struct resolver *resolver, uint64_t number, const struct message_answer *answer)
{
	struct asker *asker = resolver->first_asker;
	struct owed *owed;

	while (asker && asker->number != number)
		asker = asker->next;
	/* One that is gone shows as the end of its channel. */
	if (!asker || (!asker->first_owed && send_answer(asker, answer) != -EAGAIN))
		return;
	owed = malloc(sizeof(*owed));
	if (!owed)
		return; /* the gate's patience ends */
	*owed = (struct owed){ .next = asker->first_owed, .answer = *answer };
	asker->first_owed = owed;
	asker->owed_count++;
	set_interest(asker);
}
