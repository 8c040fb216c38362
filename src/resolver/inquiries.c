/* SPDX-License-Identifier: ISC */
/* What gates ask about clients. */
#include "resolver/inquiries.h"

#include "resolver/askers.h"
#include "resolver/dns.h"
#include "resolver/wrap.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define OPEN_MAX 1024
#define ANSWERS_MAX 4096
#define FOUND_MS 60000 /* where the DNS does not say */
#define FOUND_MIN_MS 1000
#define FOUND_MAX_MS 300000
#define NONE_MS 60000
#define NO_ANSWER_MS 5000
#define WRAP_MS 1000 /* a change of the files holds after that */

struct inquiry {
	struct inquiries *inquiries;
	uint64_t asker;
	struct message_question question;
	struct client_names names; /* of the DNS, and then those that are confirmed */
	struct answer found;
	uint32_t next;    /* name to be confirmed */
	uint32_t ttl;     /* the shortest, in seconds; 0: none was told */
	bool has_unasked; /* a name could not be looked up */
	bool has_strange; /* a name has other addresses */
};

struct inquiries {
	struct resolver *resolver;
	struct dns *dns;
	struct answers *answers; /* names by address */
	uint32_t open;
	char servers[MESSAGE_SERVERS_MAX];
};

/* --- the end of one */

/* What tcp_wrappers call a client of those names. Without an answer it is not "unknown", which is
 * what a client without a name is: then a line that depends on the name refuses. */
static const char *
wrap_name(const struct answer *found)
{
	if (found->error == NAMES_NO_ANSWER)
		return NULL;
	if (found->names.count > 0)
		return found->names.names[0];
	return found->is_refused != 0 ? "paranoid" : "unknown";
}

static void
answer(const struct inquiries *inquiries, uint64_t asker, const struct message_question *question,
	const struct answer *found)
{
	msec now = loop_now(inquiries->resolver->loop);
	struct message_answer said = { .number = question->number,
		.error = found->error,
		.valid_ms = (uint32_t)(found->expires - now),
		.names = found->names };

	if ((question->asks & QUESTION_WRAP) != 0) {
		said.is_refused = wrap_judge(question->daemon, &question->address,
					  wrap_name(found)) != WRAP_ADMITS;
		if (said.valid_ms > WRAP_MS)
			said.valid_ms = WRAP_MS;
	}
	askers_answer(inquiries->resolver, asker, &said);
}

static msec
validity(const struct inquiry *inquiry, enum names_error error)
{
	msec told = (msec)inquiry->ttl * 1000;

	if (error == NAMES_NO_ANSWER)
		return NO_ANSWER_MS;
	if (error == NAMES_NONE)
		return NONE_MS;
	if (told == 0)
		return FOUND_MS;
	if (told < FOUND_MIN_MS)
		return FOUND_MIN_MS;
	return told < FOUND_MAX_MS ? told : FOUND_MAX_MS;
}

static void
end(struct inquiry *inquiry, enum names_error error)
{
	struct inquiries *inquiries = inquiry->inquiries;
	msec now = loop_now(inquiries->resolver->loop);
	struct answer *found = &inquiry->found;

	found->key = answer_key_of(&inquiry->question.address, 0, 0);
	found->error = error;
	found->is_refused = inquiry->has_strange;
	found->expires = now + validity(inquiry, error);
	answers_add(inquiries->answers, found, now);
	answer(inquiries, inquiry->asker, &inquiry->question, found);
	inquiries->open--;
	free(inquiry);
}

/* --- its steps */

static void confirm_next(struct inquiry *inquiry);

static void
name_is_known(void *owner, const struct dns_addresses *found)
{
	struct inquiry *inquiry = owner;
	bool is_its = found->addresses.count > 0;

	inquiry->has_unasked |= found->error == NAMES_NO_ANSWER;
	inquiry->has_strange |= !is_its && found->error != NAMES_NO_ANSWER;
	if (is_its) {
		struct client_names *confirmed = &inquiry->found.names;

		memcpy(confirmed->names[confirmed->count++], inquiry->names.names[inquiry->next],
			HOSTNAME_ROOM);
		if (found->ttl > 0 && (inquiry->ttl == 0 || found->ttl < inquiry->ttl))
			inquiry->ttl = found->ttl;
	}
	inquiry->next++;
	confirm_next(inquiry);
}

/* One after another: few clients have more than one name. If one cannot be looked up it is not
 * known whether the client has it, which is worth no more than no answer. */
static void
confirm_next(struct inquiry *inquiry)
{
	if (inquiry->next < inquiry->names.count && inquiry->inquiries->dns)
		dns_find_addresses(inquiry->inquiries->dns, inquiry->names.names[inquiry->next],
			&inquiry->question.address, name_is_known, inquiry);
	else if (inquiry->has_unasked || inquiry->next < inquiry->names.count)
		end(inquiry, NAMES_NO_ANSWER);
	else
		end(inquiry, inquiry->found.names.count > 0 ? NAMES_FINE : NAMES_NONE);
}

static void
names_are_known(void *owner, enum names_error error, const struct client_names *found)
{
	struct inquiry *inquiry = owner;

	if (error != NAMES_FINE) {
		end(inquiry, error);
		return;
	}
	inquiry->names = *found;
	confirm_next(inquiry);
}

/* --- the beginning */

/* What is under way ends, and asks for no more. */
static void
drop_dns(struct inquiries *inquiries)
{
	struct dns *dns = inquiries->dns;

	inquiries->dns = NULL;
	(void)dns_free(dns);
}

static struct dns *
need_dns(struct inquiries *inquiries)
{
	inquiries->dns = inquiries->dns
		? dns_follow(inquiries->dns)
		: dns_new(inquiries->resolver->loop, inquiries->servers, DNS_NAMES_WHOLE);
	return inquiries->dns;
}

static void
begin(struct inquiries *inquiries, uint64_t asker, const struct message_question *question)
{
	struct answer none = { .error = NAMES_NO_ANSWER,
		.expires = loop_now(inquiries->resolver->loop) + FOUND_MIN_MS };
	struct dns *dns = need_dns(inquiries);
	struct inquiry *inquiry =
		dns && inquiries->open < OPEN_MAX ? calloc(1, sizeof(*inquiry)) : NULL;

	if (!inquiry) {
		answer(inquiries, asker, question, &none);
		return;
	}
	inquiry->inquiries = inquiries;
	inquiry->asker = asker;
	inquiry->question = *question;
	inquiries->open++;
	dns_find_names(dns, &question->address, names_are_known, inquiry);
}

void
inquiries_ask(struct inquiries *inquiries, uint64_t asker, const struct message_question *question)
{
	msec now = loop_now(inquiries->resolver->loop);
	struct answer_key key = answer_key_of(&question->address, 0, 0);
	const struct answer *known = answers_find(inquiries->answers, &key, now);
	bool wants_names = (question->asks & QUESTION_NAMES) != 0;
	struct message_answer said = { .number = question->number, .valid_ms = WRAP_MS };
	enum wrap_answer wrap;

	if (known) {
		answer(inquiries, asker, question, known);
		return;
	}
	/* Most rules are for addresses, and then nobody need wait for a name. */
	if (!wants_names) {
		wrap = wrap_judge(question->daemon, &question->address, NULL);
		if (wrap != WRAP_WANTS_NAME) {
			said.is_refused = wrap == WRAP_REFUSES;
			askers_answer(inquiries->resolver, asker, &said);
			return;
		}
	}
	begin(inquiries, asker, question);
}

/* --- the whole */

struct inquiries *
inquiries_new(struct resolver *resolver)
{
	struct inquiries *inquiries = calloc(1, sizeof(*inquiries));
	struct siphash_key secret;

	if (!inquiries || getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return inquiries_free(inquiries);
	inquiries->resolver = resolver;
	inquiries->answers = answers_new(ANSWERS_MAX, &secret);
	return inquiries->answers ? inquiries : inquiries_free(inquiries);
}

struct inquiries *
inquiries_free(struct inquiries *inquiries)
{
	if (!inquiries)
		return NULL;
	drop_dns(inquiries);
	(void)answers_free(inquiries->answers);
	free(inquiries);
	return NULL;
}

int
inquiries_begin(struct inquiries *inquiries)
{
	const char *servers = inquiries->resolver->settings.servers;

	/* Clients that wait need not notice a reload that leaves the servers. */
	if (inquiries->dns && strcmp(servers, inquiries->servers) == 0)
		return 0;
	memcpy(inquiries->servers, servers, sizeof(inquiries->servers));
	drop_dns(inquiries);
	return need_dns(inquiries) ? 0 : -EINVAL;
}
