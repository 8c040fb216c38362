/* SPDX-License-Identifier: ISC */
/* Questions about clients, and who waits for the answers. */
#include "gate/asking.h"

#include "base/log.h"
#include "config/access_rule.h"
#include "gate/hall.h"
#include "gate/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define QUESTIONS_MAX 256 /* open at once */
/* As long as fewer are open, also for nobody who waits: whose address may be forged leaves the
 * others to clients who are there. */
#define QUESTIONS_FOR_LATER_MAX (QUESTIONS_MAX / 2)
#define QUESTIONS_OF_SOURCE_MAX 4
#define WAITING_FOR_ONE_MAX 64 /* clients of one address */
#define ANSWERS_MAX 1024
#define QUESTION_MS 20000 /* longer than a resolver takes that lives */

struct question {
	struct timer patience;
	struct question *next;
	struct asking *asking;
	struct answer_key key;
	struct message_question message;
	struct inquirer *first;
	uint32_t waiting;
	bool is_sent;
};

/* A client that waits. */
struct inquirer {
	struct guest guest; /* first */
	struct question *question;
	struct inquirer *next;
	struct inquirer **from;
};

struct asking {
	struct gate *gate;
	struct watch channel; /* fd -1: there is no resolver now */
	struct answers *answers;
	struct question *first;
	uint32_t count;
	uint64_t next_number;
	struct message message;
};

/* --- the channel */

static void
send_question(struct question *question)
{
	struct asking *asking = question->asking;

	if (question->is_sent || asking->channel.fd < 0)
		return;
	/* One that is behind has no answer for this one soon. */
	question->is_sent = channel_send(asking->channel.fd, MESSAGE_question, &question->message,
				    NULL, 0, NULL, 0) == 0;
}

static void
drop_channel(struct asking *asking)
{
	if (asking->channel.fd < 0)
		return;
	loop_unwatch(asking->gate->loop, &asking->channel);
	channel_close(util_take_fd(&asking->channel.fd));
	for (struct question *question = asking->first; question; question = question->next)
		question->is_sent = false;
}

/* --- answers */

static struct inquirer *
first_inquirer(const struct question *question)
{
	return question->first;
}

static void
forget_inquirer(struct inquirer *inquirer)
{
	*inquirer->from = inquirer->next;
	if (inquirer->next)
		inquirer->next->from = inquirer->from;
	inquirer->question->waiting--;
}

/* Whoever waits is judged now: by the answer, or for want of one. */
static void
release(struct inquirer *inquirer, const struct answer *answer)
{
	struct entrant entrant = hall_leave(&inquirer->guest);
	struct service *service = entrant.service;

	forget_inquirer(inquirer);
	free(inquirer);
	entrant.answer = answer;
	(void)entrance_go(&entrant);
	service_return(service);
}

static void
end_question(struct question *question, const struct answer *answer)
{
	struct asking *asking = question->asking;
	struct question **place = &asking->first;

	while (*place != question)
		place = &(*place)->next;
	*place = question->next;
	asking->count--;
	loop_stop_timer(asking->gate->loop, &question->patience);
	for (struct inquirer *inquirer; (inquirer = first_inquirer(question)) != NULL;)
		release(inquirer, answer);
	free(question);
}

static void
patience_ended(struct timer *timer, msec now)
{
	(void)now;
	end_question(CONTAINER_OF(timer, struct question, patience), NULL);
}

static void
take_answer(struct asking *asking, const struct message_answer *said)
{
	msec now = loop_now(asking->gate->loop);
	struct question *question = asking->first;
	struct answer answer;

	while (question && question->message.number != said->number)
		question = question->next;
	if (!question)
		return; /* it came too late */
	answer = (struct answer){ .key = question->key,
		.error = said->error,
		.is_refused = said->is_refused,
		.expires = now + said->valid_ms,
		.names = said->names };
	/* The resolver reads from the network, and is believed no more than that. */
	if (answer.names.count > CLIENT_NAMES_MAX)
		answer.names.count = 0;
	for (uint32_t i = 0; i < CLIENT_NAMES_MAX; i++)
		answer.names.names[i][HOSTNAME_ROOM - 1] = '\0';
	answers_add(asking->answers, &answer, now);
	end_question(question, &answer);
}

static void
channel_ready(struct watch *watch, uint32_t events)
{
	struct asking *asking = CONTAINER_OF(watch, struct asking, channel);
	const char *rule = NULL;
	int got;

	(void)events;
	got = channel_receive(watch->fd, CHANNEL_ANSWER, CHANNEL_SERVE, &asking->message, &rule);
	if (got == 1) {
		take_answer(asking, &asking->message.body.answer);
		channel_done(&asking->message);
	} else if (got < 0) {
		drop_channel(asking);
	}
}

/* --- questions */

static struct asking *
need_asking(struct gate *gate)
{
	struct siphash_key secret;
	struct asking *asking = gate->asking;

	if (asking)
		return asking;
	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return NULL;
	asking = calloc(1, sizeof(*asking));
	if (!asking)
		return NULL;
	asking->gate = gate;
	asking->channel = (struct watch){ .fd = -1, .events = EPOLLIN, .ready = channel_ready };
	asking->answers = answers_new(ANSWERS_MAX, &secret);
	if (!asking->answers) {
		free(asking);
		return NULL;
	}
	gate->asking = asking;
	return asking;
}

static struct answer_key
key_of(const struct service *service, const struct netaddr *peer, uint32_t asks)
{
	return answer_key_of(peer, asks, asks & QUESTION_WRAP ? service->row + 1 : 0);
}

const struct answer *
asking_find(const struct service *service, const struct netaddr *peer, uint32_t asks)
{
	const struct asking *asking = service->gate->asking;
	struct answer_key key = key_of(service, peer, asks);

	return asking ? answers_find(asking->answers, &key, loop_now(service->gate->loop)) : NULL;
}

/* Those of one source are few: of one address with IPv4, of one network with IPv6. */
static bool
is_of_source(const struct question *question, const struct answer_key *key)
{
	size_t length = question->message.address.family == AF_INET ? 16 : 8;

	return memcmp(question->key.address, key->address, length) == 0;
}

static struct question *
find_question(struct asking *asking, const struct answer_key *key, uint32_t most, bool *ret_may_ask)
{
	uint32_t of_source = 0;

	for (struct question *question = asking->first; question; question = question->next) {
		if (answer_key_equal(&question->key, key))
			return question;
		of_source += is_of_source(question, key);
	}
	*ret_may_ask = asking->count < most && of_source < QUESTIONS_OF_SOURCE_MAX;
	return NULL;
}

/* One that is open already is put once. NULL: `most` are open, or there is no memory. */
static struct question *
put_question(struct service *service, const struct netaddr *peer, uint32_t asks, uint32_t most)
{
	struct gate *gate = service->gate;
	struct asking *asking = need_asking(gate);
	struct answer_key key = key_of(service, peer, asks);
	const char *daemon = access_rules_wrap(service->config);
	bool may_ask = false;
	struct question *question;

	if (!asking)
		return NULL;
	question = find_question(asking, &key, most, &may_ask);
	if (question || !may_ask)
		return question;
	question = calloc(1, sizeof(*question));
	if (!question)
		return NULL;
	question->asking = asking;
	question->key = key;
	question->message = (struct message_question){
		.number = ++asking->next_number, .asks = asks, .address = *peer
	};
	if (asks & QUESTION_WRAP && daemon)
		(void)snprintf(question->message.daemon, sizeof(question->message.daemon), "%s",
			daemon);
	question->patience.expired = patience_ended;
	if (loop_set_timer(gate->loop, &question->patience, loop_now(gate->loop) + QUESTION_MS) <
		0) {
		free(question);
		return NULL;
	}
	question->next = asking->first;
	asking->first = question;
	asking->count++;
	send_question(question);
	return question;
}

void
asking_begin_for_later(struct service *service, const struct netaddr *peer, uint32_t asks)
{
	(void)put_question(service, peer, asks, QUESTIONS_FOR_LATER_MAX);
}

static void
inquirer_over(struct guest *guest, enum hall_end why)
{
	struct inquirer *inquirer = CONTAINER_OF(guest, struct inquirer, guest);
	struct entrant entrant;

	if (why == HALL_LATE) {
		release(inquirer, NULL);
		return;
	}
	entrant = hall_leave(guest);
	forget_inquirer(inquirer);
	free(inquirer);
	entrance_turn_away(&entrant);
	service_return(entrant.service);
}

bool
asking_begin(const struct entrant *entrant, uint32_t asks)
{
	static const struct hall_stage stage = { .over = inquirer_over };
	struct service *service = entrant->service;
	struct question *question = put_question(service, &entrant->peer, asks, QUESTIONS_MAX);
	struct inquirer *inquirer = NULL;

	if (question && question->waiting < WAITING_FOR_ONE_MAX)
		inquirer = calloc(1, sizeof(*inquirer));
	if (!inquirer)
		return false;
	if (hall_enter(&inquirer->guest, entrant, &stage, service->config->keys->names_timeout) <
		0) {
		free(inquirer);
		return false;
	}
	inquirer->question = question;
	inquirer->next = question->first;
	inquirer->from = &question->first;
	if (inquirer->next)
		inquirer->next->from = &inquirer->next;
	question->first = inquirer;
	question->waiting++;
	return true;
}

/* --- the whole */

int
asking_take_channel(struct gate *gate, int channel_fd)
{
	struct asking *asking = need_asking(gate);
	int error;

	if (!asking) {
		channel_close(channel_fd);
		return -ENOMEM;
	}
	drop_channel(asking);
	asking->channel.fd = channel_fd;
	asking->channel.events = EPOLLIN;
	error = loop_watch(gate->loop, &asking->channel);
	if (error < 0) {
		channel_close(util_take_fd(&asking->channel.fd));
		return error;
	}
	for (struct question *question = asking->first; question; question = question->next)
		send_question(question);
	return 0;
}

void
asking_fini(struct gate *gate)
{
	struct asking *asking = gate->asking;

	if (!asking)
		return;
	while (asking->first)
		end_question(asking->first, NULL);
	drop_channel(asking);
	(void)answers_free(asking->answers);
	free(asking);
	gate->asking = NULL;
}
