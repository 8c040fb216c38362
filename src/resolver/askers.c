/* SPDX-License-Identifier: ISC */
/* Gates that ask about clients. */
#include "resolver/askers.h"

#include "resolver/inquiries.h"

#include <errno.h>
#include <sys/epoll.h>

#define QUESTIONS_AT_ONCE 32 /* of one gate before the others get their turn */

struct asker {
	struct watch watch; /* first */
	struct resolver *resolver;
	uint64_t number; /* never used twice */
	struct asker *next;
};

static void
forget(struct asker *asker)
{
	struct asker **place = &asker->resolver->first_asker;

	while (*place != asker)
		place = &(*place)->next;
	*place = asker->next;
	loop_unwatch(asker->resolver->loop, &asker->watch);
	channel_close(asker->watch.fd);
	free(asker);
}

/* --- questions */

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

static void
asker_ready(struct watch *watch, uint32_t events)
{
	struct asker *asker = CONTAINER_OF(watch, struct asker, watch);
	int got = 1;

	(void)events;
	for (int i = 0; got > 0 && i < QUESTIONS_AT_ONCE; i++)
		got = receive_one(asker);
	if (got < 0)
		forget(asker);
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

/* --- answers */

void
askers_answer(struct resolver *resolver, uint64_t number, const struct message_answer *answer)
{
	struct asker *asker = resolver->first_asker;

	while (asker && asker->number != number)
		asker = asker->next;
	if (asker)
		(void)channel_send(asker->watch.fd, MESSAGE_answer, answer, NULL, 0, NULL, 0);
}
