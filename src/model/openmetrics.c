/* SPDX-License-Identifier: ISC */
/* Metrics as text: a table of families, and a way through it. */
#include "model/openmetrics.h"

#include "base/shared_measures.h"
#include "base/shared_places.h"
#include "base/shared_queue.h"
#include "base/shared_view.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Whose a family is, and so how many pieces it has. */
enum whose { BUILD, UPTIME, DAEMON, GATE, EACH, SERVICE, THE_END };
enum type { COUNTER, GAUGE, HISTOGRAM_TYPE, INFO };

struct service_row {
	uint32_t row;
	struct shared_facts facts;
};

struct family {
	const char *name; /* without reeve_ and, of a service's, without service_ */
	enum type type;
	enum whose whose;
	unsigned int item; /* its number in the enum that it is made from */
	const char *help;
	void (*add)(const struct openmetrics *source, const struct family *family,
		const struct service_row *service, struct textbuf *text); /* of a SERVICE */
};

/* ---------------------------------------------------------------- lines */

static const char *
prefix_of(const struct family *family)
{
	return family->whose == SERVICE ? "reeve_service_" : "reeve_";
}

/* The names in the memory were written by processes that strangers speak to. */
static void
add_label_value(struct textbuf *text, const char *value)
{
	size_t length = strlen(value);

	for (size_t at = 0, step; at < length; at += step) {
		uint32_t point = 0;

		step = utf8_next(value + at, length - at, &point);
		if (step == 0 || !utf8_is_printable(point)) {
			step = step > 0 ? step : 1;
			textbuf_add_bytes(text, "?", 1);
			continue;
		}
		if (point == '"' || point == '\\')
			textbuf_add_bytes(text, "\\", 1);
		textbuf_add_bytes(text, value + at, step);
	}
}

/* The name of a sample and the labels that say whose it is; the brace stays open. */
static void
begin_sample(struct textbuf *text, const struct family *family, const char *suffix,
	const struct service_row *service)
{
	textbuf_add(text, prefix_of(family));
	textbuf_add(text, family->name);
	textbuf_add(text, suffix);
	textbuf_add(text, "{service=\"");
	add_label_value(text, service->facts.name);
	textbuf_add(text, "\"");
	if (service->facts.number > 1)
		textbuf_addf(text, ",number=\"%" PRIu32 "\"", service->facts.number);
}

static void
add_sample(struct textbuf *text, const struct family *family, const struct service_row *service,
	int64_t value)
{
	begin_sample(text, family, family->type == COUNTER ? "_total" : "", service);
	textbuf_addf(text, "} %" PRId64 "\n", value);
}

/* ---------------------------------------------------------------- what services have */

/* What was never counted is zero; without a word of it, the first time could not be seen as an
 * increase. But that needs no line for each of thousands that nobody uses. */
static void
add_counter(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	enum metric metric = (enum metric)family->item;

	if (service->facts.is_used || metric == METRIC_connections)
		add_sample(text, family, service,
			(int64_t)shared_read(source->shared, service->row, metric));
}

static void
add_active(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	add_sample(text, family, service, shared_active(source->shared, service->row));
}

static void
add_queued(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	add_sample(text, family, service, shared_queue_length(source->shared, service->row));
}

static void
add_limit(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	(void)source;
	add_sample(text, family, service, service->facts.places);
}

static void
add_failing(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	if (service->facts.is_used)
		add_sample(text, family, service,
			shared_ceiling(source->shared, service->row) != SHARED_NO_CEILING);
}

static const struct verdict_metric {
	enum metric metric;
	const char *word;
} verdict_metrics[] = {
#define METRIC_OF_VERDICT(name, word, help) { METRIC_verdict_##name, word },
#include "base/metrics.def"
};

static void
add_verdicts(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdict_metrics); i++) {
		const struct verdict_metric *verdict = &verdict_metrics[i];
		uint64_t count = shared_read(source->shared, service->row, verdict->metric);

		if (count == 0)
			continue;
		begin_sample(text, family, "_total", service);
		textbuf_addf(text, ",verdict=\"%s\"} %" PRIu64 "\n", verdict->word, count);
	}
}

/* As others write such numbers in labels, where they are compared as texts. */
static void
add_bound(struct textbuf *text, uint64_t bound_us)
{
	char number[40];

	(void)snprintf(number, sizeof(number), "%.10g", (double)bound_us / 1e6);
	textbuf_add(text, number);
	if (strpbrk(number, ".e") == NULL)
		textbuf_add(text, ".0");
}

static void
add_histogram(const struct openmetrics *source, const struct family *family,
	const struct service_row *service, struct textbuf *text)
{
	struct histogram_shape shape = histogram_shape((enum histogram)family->item);
	struct histogram_counts counts;
	uint64_t count = 0;

	shared_read_histogram(source->shared, service->row, (enum histogram)family->item, &counts);
	for (unsigned int i = 0; i <= shape.bounds; i++)
		count += counts.buckets[i];
	if (count == 0)
		return;
	count = 0;
	for (unsigned int i = 0; i <= shape.bounds; i++) {
		count += counts.buckets[i];
		begin_sample(text, family, "_bucket", service);
		textbuf_add(text, ",le=\"");
		if (i < shape.bounds)
			add_bound(text, shape.first_us << (i * shape.shift));
		else
			textbuf_add(text, "+Inf");
		textbuf_addf(text, "\"} %" PRIu64 "\n", count);
	}
	begin_sample(text, family, "_count", service);
	textbuf_addf(text, "} %" PRIu64 "\n", count);
	begin_sample(text, family, "_sum", service);
	textbuf_addf(text, "} %" PRIu64 ".%06u\n", counts.sum_us / 1000000,
		(unsigned int)(counts.sum_us % 1000000));
}

/* ---------------------------------------------------------------- the families */

static const struct family families[] = {
	{ "build", INFO, BUILD, 0, "The release of the daemon.", NULL },
	{ "uptime_seconds", GAUGE, UPTIME, 0, "Time since the daemon was started.", NULL },
#define PROCESS(name, kind, whose, help) { #name, kind, whose, PROCESS_##name, help, NULL },
#include "base/metrics.def"
	{ "active_connections", GAUGE, SERVICE, 0, "Connections that the service holds now.",
		add_active },
	{ "queued_connections", GAUGE, SERVICE, 0,
		"Clients that were accepted and wait for a place now (queue).", add_queued },
	{ "connections_limit", GAUGE, SERVICE, 0, "Connections that it may hold (instances).",
		add_limit },
	{ "failing", GAUGE, SERVICE, 0,
		"1 while the service is slowed because its programs fail one after another.",
		add_failing },
#define METRIC(name, kind, help) { #name, kind, SERVICE, METRIC_##name, help, add_counter },
#define METRIC_OF_VERDICT(name, word, help)
#include "base/metrics.def"
	{ "refusals", COUNTER, SERVICE, 0,
		"Clients and datagrams that were refused or had to wait, by verdict.",
		add_verdicts },
#define HISTOGRAM(name, first_us, shift, bounds, help) \
	{ #name, HISTOGRAM_TYPE, SERVICE, HISTOGRAM_##name, help, add_histogram },
#include "base/metrics.def"
	{ NULL, GAUGE, THE_END, 0, NULL, NULL },
};

/* ---------------------------------------------------------------- heads, and what has one line */

static const char *
unit_of(const char *name)
{
	const char *last = strrchr(name, '_');

	if (last == NULL || (strcmp(last, "_seconds") != 0 && strcmp(last, "_bytes") != 0))
		return NULL;
	return last + 1;
}

/* The older format has no infos and no units, and calls a counter by its sample's name. */
static void
add_head(const struct openmetrics *source, const struct family *family, struct textbuf *text)
{
	static const char *const types[] = {
		[COUNTER] = "counter",
		[GAUGE] = "gauge",
		[HISTOGRAM_TYPE] = "histogram",
		[INFO] = "info",
	};
	const char *prefix = prefix_of(family);
	const char *type = types[family->type];
	const char *suffix = "";

	if (source->form == OPENMETRICS_PLAIN && family->type == COUNTER)
		suffix = "_total";
	if (source->form == OPENMETRICS_PLAIN && family->type == INFO) {
		suffix = "_info";
		type = types[GAUGE];
	}
	textbuf_addf(text, "# TYPE %s%s%s %s\n", prefix, family->name, suffix, type);
	if (source->form == OPENMETRICS_1_0 && unit_of(family->name) != NULL)
		textbuf_addf(text, "# UNIT %s%s %s\n", prefix, family->name, unit_of(family->name));
	textbuf_addf(text, "# HELP %s%s%s %s\n", prefix, family->name, suffix, family->help);
}

static void
add_told(const struct openmetrics *source, const struct family *family, uint32_t writer,
	struct textbuf *text)
{
	textbuf_addf(text, "reeve_%s%s", family->name, family->type == COUNTER ? "_total" : "");
	if (family->whose == GATE)
		textbuf_addf(text, "{gate=\"%" PRIu32 "\"}", writer - 1);
	else if (family->whose == EACH && writer == SHARED_SUPERVISOR)
		textbuf_add(text, "{process=\"supervisor\"}");
	else if (family->whose == EACH)
		textbuf_addf(text, "{process=\"gate-%" PRIu32 "\"}", writer - 1);
	textbuf_addf(text, " %" PRIu64 "\n",
		shared_told(source->shared, writer, (enum process_metric)family->item));
}

static void
add_build(const struct openmetrics *source, struct textbuf *text)
{
	char release[SHARED_RELEASE_MAX];

	shared_release_of(source->shared, release);
	textbuf_add(text, "reeve_build_info{version=\"");
	add_label_value(text, release);
	textbuf_add(text, "\"} 1\n");
}

static void
add_uptime(const struct openmetrics *source, struct textbuf *text)
{
	uint64_t started =
		shared_told(source->shared, SHARED_SUPERVISOR, PROCESS_start_time_seconds);
	uint64_t now = source->now > 0 ? (uint64_t)source->now : 0;

	textbuf_addf(text, "reeve_uptime_seconds %" PRIu64 "\n", now > started ? now - started : 0);
}

/* The head, and all that is not a service's. */
static void
begin_family(const struct openmetrics *source, const struct family *family, struct textbuf *text)
{
	uint32_t writers = shared_writers(source->shared);

	if (family->whose != THE_END)
		add_head(source, family, text);
	switch (family->whose) {
	case BUILD:
		add_build(source, text);
		break;
	case UPTIME:
		add_uptime(source, text);
		break;
	case DAEMON:
		add_told(source, family, SHARED_SUPERVISOR, text);
		break;
	case GATE:
		for (uint32_t writer = SHARED_SUPERVISOR + 1; writer < writers; writer++)
			add_told(source, family, writer, text);
		break;
	case EACH:
		for (uint32_t writer = SHARED_SUPERVISOR; writer < writers; writer++)
			add_told(source, family, writer, text);
		break;
	case SERVICE:
		break;
	case THE_END:
		if (source->form == OPENMETRICS_1_0)
			textbuf_add(text, "# EOF\n");
		break;
	}
}

/* ---------------------------------------------------------------- the way */

/* The next row from `row` on that is a service's of the configuration. */
static bool
find_service(const struct shared *shared, uint32_t row, struct service_row *ret_service)
{
	for (; row < shared_rows(shared); row++)
		if (shared_row_facts(shared, row, &ret_service->facts) &&
			ret_service->facts.number > 0) {
			ret_service->row = row;
			return true;
		}
	return false;
}

/* A place is a family and the row that comes next, 0 standing for the head. */
bool
openmetrics_add(const struct openmetrics *source, uint64_t *place, struct textbuf *text)
{
	uint64_t index = *place >> 32;
	uint32_t step = (uint32_t)*place;
	uint64_t next_family = (index + 1) << 32;
	const struct family *family;
	struct service_row service;

	if (index >= ARRAY_SIZE(families))
		return false;
	family = &families[index];
	if (step == 0) {
		begin_family(source, family, text);
		*place = family->whose == SERVICE ? *place + 1 : next_family;
	} else if (find_service(source->shared, step - 1, &service)) {
		family->add(source, family, &service, text);
		*place = index << 32 | (service.row + 2);
	} else {
		*place = next_family;
	}
	return true;
}

const char *
openmetrics_content_type(enum openmetrics_form form)
{
	return form == OPENMETRICS_1_0
		? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		: "text/plain; version=0.0.4; charset=utf-8";
}
