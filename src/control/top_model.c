/* SPDX-License-Identifier: ISC */
/* Samples, and the rows that two of them make. */
#include "control/top.h"

#include "base/shared_places.h"
#include "base/shared_view.h"
#include "base/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RATE_TEXT_MAX 16
#define NAME_PLACES 20 /* on a screen of usual width */
#define NAME_PLACES_LEAST 8
#define USUAL_COLUMNS 60

/* The counters of verdicts. */
static const struct {
	enum metric metric;
	enum verdict verdict;
	const char *name;
} verdicts[] = {
#define VERDICT(name, ...) { METRIC_verdict_##name, VERDICT_##name, #name },
#include "base/verdicts.def"
#undef VERDICT
};

static bool
is_refusal(size_t index)
{
	return strncmp(verdicts[index].name, "refuse_", 7) == 0;
}

/* ---------------------------------------------------------------- samples */

static void
take_entry(struct top_entry *entry, const struct shared *view, uint32_t row)
{
	struct shared_facts facts;

	if (!shared_row_facts(view, row, &facts))
		return;
	(void)memcpy(entry->name, facts.name, sizeof(entry->name));
	entry->number = facts.number;
	entry->places = facts.places;
	entry->active = shared_active(view, row);
	entry->is_slowed = shared_ceiling(view, row) != SHARED_NO_CEILING;
	for (int i = 0; i < METRIC_COUNT; i++)
		entry->counts[i] = shared_read(view, row, (enum metric)i);
}

int
top_sample_take(struct top_sample *ret_sample, const struct shared *view, int64_t now_us)
{
	uint32_t count = shared_rows(view);
	struct top_entry *entries = calloc((size_t)count + 1, sizeof(*entries));

	*ret_sample = (struct top_sample){ .entries = NULL };
	if (entries == NULL)
		return -ENOMEM;
	for (uint32_t row = 0; row < count; row++)
		take_entry(&entries[row], view, row);
	*ret_sample = (struct top_sample){ entries, count, now_us };
	return 0;
}

void
top_sample_fini(struct top_sample *sample)
{
	free(sample->entries);
	*sample = (struct top_sample){ .entries = NULL };
}

/* ---------------------------------------------------------------- rates */

/* A row that was another service's before has no past. */
static double
rate_of(const struct top *top, uint32_t row, enum metric metric)
{
	const struct top_entry *now = &top->now.entries[row];
	const struct top_entry *before = row < top->before.count ? &top->before.entries[row] : NULL;
	int64_t span_us = top->now.taken_us - top->before.taken_us;

	if (before == NULL || span_us <= 0 || strcmp(now->name, before->name) != 0 ||
		now->counts[metric] < before->counts[metric])
		return 0;
	return (double)(now->counts[metric] - before->counts[metric]) * 1e6 / (double)span_us;
}

static void
fill_rates(const struct top *top, uint32_t row, struct top_row *ret_row)
{
	const enum metric metrics[TOP_ORDER_COUNT] = {
		[TOP_BY_CONNECTIONS] = METRIC_connections,
		[TOP_BY_PROGRAMS] = METRIC_handlers,
		[TOP_BY_DATAGRAMS] = METRIC_received_datagrams,
		[TOP_BY_RECEIVED] = METRIC_received_bytes,
		[TOP_BY_SENT] = METRIC_sent_bytes,
		[TOP_BY_WAITS] = METRIC_waits,
	};

	*ret_row = (struct top_row){ .entry = &top->now.entries[row] };
	ret_row->rates[TOP_BY_ACTIVE] = (double)ret_row->entry->active;
	for (int i = TOP_BY_CONNECTIONS; i < TOP_ORDER_COUNT; i++)
		if (i != TOP_BY_REFUSED)
			ret_row->rates[i] = rate_of(top, row, metrics[i]);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (is_refusal(i))
			ret_row->rates[TOP_BY_REFUSED] += rate_of(top, row, verdicts[i].metric);
}

static bool
is_idle(const struct top_row *row)
{
	for (int i = TOP_BY_ACTIVE; i < TOP_ORDER_COUNT; i++)
		if (row->rates[i] > 0)
			return false;
	return true;
}

/* ---------------------------------------------------------------- rows */

struct rows {
	struct top_row *list;
	size_t count;
	size_t room;
	int error;
};

static void
add_row(struct rows *rows, const struct top_row *row)
{
	if (rows->count == rows->room) {
		size_t room = rows->room > 0 ? rows->room * 2 : 64;
		struct top_row *list = reallocarray(rows->list, room, sizeof(*list));

		if (list == NULL) {
			rows->error = -ENOMEM;
			return;
		}
		rows->list = list;
		rows->room = room;
	}
	rows->list[rows->count++] = *row;
}

/* What was refused or had to wait, by each verdict that there was. */
static void
add_verdicts(struct rows *rows, const struct top *top, uint32_t row)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		const struct top_entry *entry = &top->now.entries[row];
		struct top_row made = { .entry = entry,
			.verdict = verdict_word(verdicts[i].verdict),
			.total = entry->counts[verdicts[i].metric] };

		made.rates[TOP_BY_REFUSED] = rate_of(top, row, verdicts[i].metric);
		if (made.total > 0 && (!top->is_idle_hidden || made.rates[TOP_BY_REFUSED] > 0))
			add_row(rows, &made);
	}
}

static void
gather(struct rows *rows, const struct top *top, struct top_frame *frame)
{
	for (uint32_t row = 0; row < top->now.count; row++) {
		struct top_row made;

		if (top->now.entries[row].name[0] == '\0')
			continue;
		fill_rates(top, row, &made);
		frame->services++;
		for (int i = 0; i < TOP_ORDER_COUNT; i++)
			frame->rates[i] += made.rates[i];
		if (strcasestr(made.entry->name, top->filter) == NULL)
			continue;
		if (top->view == TOP_REFUSALS)
			add_verdicts(rows, top, row);
		else if (!top->is_idle_hidden || !is_idle(&made))
			add_row(rows, &made);
	}
}

static int
compare_names(const struct top_row *a, const struct top_row *b)
{
	int result = strcmp(a->entry->name, b->entry->name);

	if (result == 0)
		result = (a->entry->number > b->entry->number) -
			(a->entry->number < b->entry->number);
	if (result == 0 && a->verdict != NULL && b->verdict != NULL)
		result = strcmp(a->verdict, b->verdict);
	return result;
}

/* The busiest first; of the same, by name, so that nothing jumps about. */
static int
compare_rows(const void *one, const void *other, void *argument)
{
	const struct top_row *a = one, *b = other;
	const struct top *top = argument;
	double left = a->rates[top->order], right = b->rates[top->order];
	int result =
		top->order == TOP_BY_NAME ? compare_names(a, b) : (right > left) - (right < left);

	if (top->is_reversed)
		result = -result;
	return result != 0 ? result : compare_names(a, b);
}

/* ---------------------------------------------------------------- frames */

static const struct table_column service_columns[] = {
	{ .title = "SERVICE", .key = "service" },
	{ .title = "ACTIVE", .key = "active", .rank = 1, .is_right = true },
	{ .title = "CONN/s", .key = "connections_per_second", .rank = 2, .is_right = true },
	{ .title = "PROG/s", .key = "programs_per_second", .rank = 4, .is_right = true },
	{ .title = "DGRAM/s", .key = "datagrams_per_second", .rank = 5, .is_right = true },
	{ .title = "IN/s", .key = "received_bytes_per_second", .rank = 7, .is_right = true },
	{ .title = "OUT/s", .key = "sent_bytes_per_second", .rank = 8, .is_right = true },
	{ .title = "REFUSED/s", .key = "refused_per_second", .rank = 3, .is_right = true },
	{ .title = "WAITS/s", .key = "waits_per_second", .rank = 6, .is_right = true },
	{ .title = "PLACES", .key = "places", .rank = 9, .is_right = true },
	{ .title = "STATE", .key = "state", .rank = 3 },
};

static const struct table_column refusal_columns[] = {
	{ .title = "SERVICE", .key = "service" },
	{ .title = "VERDICT", .key = "verdict" },
	{ .title = "/s", .key = "per_second", .is_right = true },
	{ .title = "TOTAL", .key = "total", .rank = 1, .is_right = true },
};

enum top_order
top_order_of(const struct top *top)
{
	if (top->view == TOP_REFUSALS && top->order != TOP_BY_NAME)
		return TOP_BY_REFUSED;
	if (top->view == TOP_SOURCES && top->order != TOP_BY_NAME &&
		top->order != TOP_BY_RECEIVED && top->order != TOP_BY_SENT &&
		top->order != TOP_BY_REFUSED)
		return TOP_BY_ACTIVE;
	return top->order;
}

const char *
top_order_title(enum top_order order)
{
	return service_columns[order].title;
}

/* "0", "3.5", "120", "3.1k": seven places, so that columns stay where they are. */
void
top_add_rate(struct table *table, double rate)
{
	static const char units[] = "\0kMGT";
	char text[RATE_TEXT_MAX];
	double shown = rate;
	size_t unit = 0;

	for (; shown >= 9999.5 && unit + 2 < sizeof(units); unit++)
		shown /= 1000;
	(void)snprintf(text, sizeof(text), "%*.*f%.1s", unit > 0 ? 6 : 7,
		shown > 0 && (shown < 9.95 || (unit > 0 && shown < 99.5)) ? 1 : 0, shown,
		&units[unit]);
	table_add_value(table, json_real(rate), text);
}

static enum tone
add_state(struct table *table, const struct top_row *row)
{
	const struct top_entry *entry = row->entry;
	const char *state = "";
	enum tone tone = TONE_PLAIN;

	if (entry->is_slowed) {
		state = "failing";
		tone = TONE_BAD;
	} else if (entry->places > 0 && entry->active >= entry->places) {
		state = "full";
		tone = TONE_WARN;
	} else if (entry->number == 0) {
		state = "leaving";
		tone = TONE_FAINT;
	} else if (row->rates[TOP_BY_REFUSED] > 0) {
		state = "refusing";
		tone = TONE_WARN;
	}
	table_add_text(table, state);
	return tone;
}

/* Of several services of one name all but the first have a number. */
static void
add_name(struct table *table, const struct top_entry *entry)
{
	char name[SHARED_NAME_MAX + 16];

	(void)snprintf(name, sizeof(name), entry->number > 1 ? "%s#%u" : "%s", entry->name,
		(unsigned)entry->number);
	table_add_text(table, name);
}

static enum tone
add_service(struct table *table, const struct top_row *row)
{
	add_name(table, row->entry);
	table_add_number(table, row->entry->active);
	for (int i = TOP_BY_CONNECTIONS; i < TOP_ORDER_COUNT; i++)
		top_add_rate(table, row->rates[i]);
	table_add_number(table, row->entry->places);
	return add_state(table, row);
}

static enum tone
add_refusal(struct table *table, const struct top_row *row)
{
	add_name(table, row->entry);
	table_add_text(table, row->verdict);
	top_add_rate(table, row->rates[TOP_BY_REFUSED]);
	table_add_number(table, (int64_t)row->total);
	return row->rates[TOP_BY_REFUSED] > 0 ? TONE_WARN : TONE_PLAIN;
}

int
top_frame_make(struct top_frame *ret_frame, const struct top *top)
{
	bool is_of_services = top->view == TOP_SERVICES;
	struct rows rows = { .count = 0 };
	struct top by = *top;

	by.order = top_order_of(top);
	if (top->view == TOP_SOURCES) {
		*ret_frame = (struct top_frame){ .rows = 0 };
		gather(&rows, top, ret_frame); /* for the sums */
		free(rows.list);
		return top_sources_frame(ret_frame, top);
	}
	*ret_frame = (struct top_frame){ .table = is_of_services
			? table_new(service_columns, ARRAY_SIZE(service_columns))
			: table_new(refusal_columns, ARRAY_SIZE(refusal_columns)) };
	gather(&rows, top, ret_frame);
	if (rows.count > 0)
		qsort_r(rows.list, rows.count, sizeof(*rows.list), compare_rows, &by);
	ret_frame->tones = calloc(rows.count + 1, sizeof(*ret_frame->tones));
	if (ret_frame->table == NULL || ret_frame->tones == NULL || rows.error < 0) {
		free(rows.list);
		return -ENOMEM;
	}
	ret_frame->rows = rows.count;
	table_narrow(ret_frame->table,
		top->columns < USUAL_COLUMNS ? NAME_PLACES_LEAST : NAME_PLACES);
	for (size_t i = 0; i < rows.count; i++)
		ret_frame->tones[i] = is_of_services ? add_service(ret_frame->table, &rows.list[i])
						     : add_refusal(ret_frame->table, &rows.list[i]);
	free(rows.list);
	return 0;
}

void
top_frame_fini(struct top_frame *frame)
{
	frame->table = table_free(frame->table);
	free(frame->tones);
	frame->tones = NULL;
}
