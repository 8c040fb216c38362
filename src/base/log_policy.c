/* SPDX-License-Identifier: ISC */
/* What is written of single services. */
#include "base/log_policy.h"

#include <string.h>

#define SUCCESS LOG_LIST_SUCCESS
#define FAILURE LOG_LIST_FAILURE

static const struct word_row {
	const char *name;
	unsigned int lists;
} word_rows[] = {
#define LOG_WORD(name, lists, help) { #name, lists },
#include "base/log_words.def"
};

unsigned int
log_policy_all(enum log_list list)
{
	unsigned int words = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(word_rows); i++)
		if ((word_rows[i].lists & list) != 0)
			words |= 1u << i;
	return words;
}

int
log_policy_word(enum log_list list, const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(word_rows); i++)
		if ((word_rows[i].lists & list) != 0 && strcmp(word_rows[i].name, name) == 0)
			return (int)i;
	return -1;
}

void
log_policy_names(enum log_list list, const char *ret_names[LOG_WORD_COUNT + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(word_rows); i++)
		if ((word_rows[i].lists & list) != 0)
			ret_names[count++] = word_rows[i].name;
	ret_names[count] = NULL;
}

static int
compare_policies(const void *left, const void *right)
{
	const struct log_policy *a = left;
	const struct log_policy *b = right;

	return strcmp(a->service, b->service);
}

size_t
log_policy_settle(struct log_policy *policies, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(policies, count, sizeof(*policies), compare_policies);
	for (size_t i = 0; i < count; i++) {
		struct log_policy *last = kept > 0 ? &policies[kept - 1] : NULL;

		if (last == NULL || strcmp(last->service, policies[i].service) != 0) {
			policies[kept++] = policies[i];
			continue;
		}
		last->level = last->level > policies[i].level ? last->level : policies[i].level;
		last->success |= policies[i].success;
		last->failure |= policies[i].failure;
	}
	return kept;
}

static int
compare_name(const void *name, const void *policy)
{
	return strcmp(name, ((const struct log_policy *)policy)->service);
}

const struct log_policy *
log_policy_find(const struct log_policy *policies, size_t count, const char *service)
{
	if (count == 0)
		return NULL;
	return bsearch(service, policies, count, sizeof(*policies), compare_name);
}

static unsigned int
list_of(const char *event)
{
	static const struct {
		const char *event;
		enum log_list list;
	} records[] = {
#define LOG_RECORD(event, list) { #event, list },
#include "base/log_words.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		if (strcmp(records[i].event, event) == 0)
			return records[i].list;
	return 0;
}

bool
log_policy_admits(const struct log_policy *policy, const char *event, int level,
	unsigned int *ret_hidden)
{
	unsigned int list = list_of(event);
	unsigned int words = list == LOG_LIST_SUCCESS ? policy->success : policy->failure;

	*ret_hidden = list != 0 ? ~words : 0;
	return level <= policy->level && (list == 0 || words != 0);
}

unsigned int
log_policy_field(const char *field)
{
	static const struct {
		const char *field;
		enum log_word word;
	} fields[] = {
#define LOG_FIELD(field, word) { #field, LOG_WORD_##word },
#include "base/log_words.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].field, field) == 0)
			return 1u << fields[i].word;
	return 0;
}
