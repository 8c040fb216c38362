/* SPDX-License-Identifier: ISC */
/* The words of only_from, no_access and access_times: read from what people write, kept in one
 * form, taken apart again. */
#ifndef REEVE_ACCESS_RULE_H
#define REEVE_ACCESS_RULE_H

#include "base/prefix.h"
#include "base/textbuf.h"
#include "config/config.h"

enum access_rule_kind {
	ACCESS_RULE_ALL,
	ACCESS_RULE_PREFIX,
	ACCESS_RULE_USER,
	ACCESS_RULE_GROUP,
	ACCESS_RULE_FILE,
	ACCESS_RULE_INTERFACE,
	ACCESS_RULE_HOST,
	ACCESS_RULE_DOMAIN,
};

struct access_rule {
	enum access_rule_kind kind;
	struct prefix prefix;
	const char *name; /* of a user, group, file, interface, host or domain; borrowed */
};

/* Write the rules that a word of only_from or no_access stands for, a comma between them, as they
 * are kept and printed: {1,2} is two, and a prefix always has its length. 0, or -EINVAL with the
 * mistake in words. */
int access_rule_normalise(const char *word, size_t length, struct textbuf *ret_rules,
	struct textbuf *ret_problem);

/* Take apart a rule that was kept. */
struct access_rule access_rule_of(const char *kept);

/* The same for access_times: "8:00-17:30" is kept as "08:00-17:30". The minutes of the day from
 * and to, both included; a span that ends before it begins crosses midnight. */
int access_hours_normalise(const char *word, size_t length, struct textbuf *ret_hours,
	struct textbuf *ret_problem);
void access_hours_of(const char *kept, uint16_t *ret_from, uint16_t *ret_to);

/* Has the service any rules of access, those of tcp_wrappers among them? */
bool access_rules_are_set(const struct service_config *service);

/* As which daemon tcp_wrappers' files are asked about its clients; NULL: they are not. */
const char *access_rules_wrap(const struct service_config *service);

/* The length of the first word of a list: up to a blank or a comma that is not inside of {}. */
size_t access_rule_word(const char *text);

#endif
