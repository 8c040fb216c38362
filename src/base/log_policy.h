/* SPDX-License-Identifier: ISC */
/* What is written of single services: which events, and which fields of the record of a connection.
 * Most services have no such wishes; they are not in the table, and with an empty table nothing is
 * looked up. */
#ifndef REEVE_LOG_POLICY_H
#define REEVE_LOG_POLICY_H

#include "base/util.h"

#define LOG_POLICY_NAME_MAX 64

enum log_word {
#define LOG_WORD(name, lists, help) LOG_WORD_##name,
#include "base/log_words.def"
	LOG_WORD_COUNT
};

/* The lists, as bits. */
enum log_list { LOG_LIST_SUCCESS = 1, LOG_LIST_FAILURE = 2 };

/* Of one service. A list is the words that it names, as bits; empty: no such record. */
struct log_policy {
	char service[LOG_POLICY_NAME_MAX];
	int level; /* the last that is written; 0: none */
	unsigned int success;
	unsigned int failure;
};

/* Every word that the list knows; the word of that name in the list, or -1. */
unsigned int log_policy_all(enum log_list list);
int log_policy_word(enum log_list list, const char *name);

/* The names of its words, ended by a NULL. */
void log_policy_names(enum log_list list, const char *ret_names[LOG_WORD_COUNT + 1]);

/* Sort, and make one of those of the same name: what any of them wants is written. The number that
 * is left. */
size_t log_policy_settle(struct log_policy *policies, size_t count);

const struct log_policy *log_policy_find(const struct log_policy *policies, size_t count,
	const char *service);

/* Is an event of that name written? *ret_hidden: the words whose fields are left out. */
bool log_policy_admits(const struct log_policy *policy, const char *event, int level,
	unsigned int *ret_hidden);

/* The word that a field belongs to, as a bit; 0: none, it is always written. */
unsigned int log_policy_field(const char *field);

#endif
