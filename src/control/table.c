/* SPDX-License-Identifier: ISC */
/* Tables: lines that fit, or JSON. */
#include "control/table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define GAP 2       /* blanks between columns */
#define LEAST_CUT 8 /* a text is not cut below this, nor below its title */
#define NUMBER_TEXT_MAX 24

struct cell {
	json_t *value;
	char *shown;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct cell *cells;
	size_t count;
	size_t room;
	size_t most; /* places of the first column */
	int error;
};

/* How one printing lays the columns out. */
struct layout {
	const struct table *table;
	const struct output *output;
	char **texts; /* of the cells, harmless */
	size_t *natural;
	size_t *widths;
	bool *is_shown;
};

struct table *
table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = columns;
	table->column_count = count;
	table->most = SIZE_MAX;
	return table;
}

struct table *
table_free(struct table *table)
{
	if (table == NULL)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		json_decref(table->cells[i].value);
		free(table->cells[i].shown);
	}
	free(table->cells);
	free(table);
	return NULL;
}

static bool
make_room(struct table *table)
{
	size_t room = table->room > 0 ? table->room * 2 : 64;
	struct cell *cells;

	if (table->count < table->room)
		return true;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (cells == NULL)
		return false;
	table->cells = cells;
	table->room = room;
	return true;
}

void
table_add_value(struct table *table, json_t *value, const char *shown)
{
	struct cell cell = { .value = value, .shown = strdup(shown) };

	if (cell.value != NULL && cell.shown != NULL && make_room(table)) {
		table->cells[table->count++] = cell;
		return;
	}
	table->error = -ENOMEM;
	json_decref(value);
	free(cell.shown);
}

/* JSON knows no text that is not UTF-8: its bytes are written as people see them. */
static json_t *
text_value(const char *text)
{
	struct textbuf harmless = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	json_t *value = json_string(text);

	if (value != NULL)
		return value;
	textbuf_add_escaped(&harmless, text, strlen(text));
	value = json_string(harmless.text != NULL ? harmless.text : "");
	textbuf_fini(&harmless);
	return value;
}

void
table_add_text(struct table *table, const char *text)
{
	if (text == NULL)
		table_add_value(table, json_null(), "-");
	else
		table_add_value(table, text_value(text), text);
}

void
table_add_number(struct table *table, int64_t number)
{
	char text[NUMBER_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%" PRId64, number);
	table_add_value(table, json_integer(number), text);
}

void
table_narrow(struct table *table, size_t most)
{
	table->most = most;
}

json_t *
table_json(const struct table *table)
{
	json_t *rows = table->error == 0 ? json_array() : NULL;

	for (size_t at = 0; rows != NULL && at < table->count; at += table->column_count) {
		json_t *row = json_object();
		int error = row != NULL ? 0 : -1;

		for (size_t i = 0; i < table->column_count && at + i < table->count; i++)
			error |= json_object_set(row, table->columns[i].key,
				table->cells[at + i].value);
		if (json_array_append_new(rows, row) < 0 || error < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

/* ---------------------------------------------------------------- layout */

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t
total(const struct layout *layout)
{
	size_t sum = 0;

	for (size_t i = 0; i < layout->table->column_count; i++)
		if (layout->is_shown[i])
			sum += layout->widths[i] + (sum > 0 ? GAP : 0);
	return sum;
}

/* Cut the texts of one rank until the line fits or they are as short as they may be. */
static void
cut_rank(struct layout *layout, uint32_t rank, size_t columns)
{
	for (size_t i = layout->table->column_count; i-- > 0;) {
		const struct table_column *column = &layout->table->columns[i];
		size_t least = larger(strlen(column->title), LEAST_CUT);
		size_t sum = total(layout);

		if (!layout->is_shown[i] || column->rank != rank || column->is_right ||
			sum <= columns || layout->widths[i] <= least)
			continue;
		layout->widths[i] = layout->widths[i] - least > sum - columns
			? layout->widths[i] - (sum - columns)
			: least;
	}
}

static bool
fits(struct layout *layout, uint32_t highest, size_t columns)
{
	memcpy(layout->widths, layout->natural,
		layout->table->column_count * sizeof(*layout->widths));
	for (uint32_t rank = highest; rank > 0; rank--)
		cut_rank(layout, rank, columns);
	return total(layout) <= columns;
}

/* The one to be left out next; column_count: none may be. */
static size_t
least_important(const struct layout *layout)
{
	const struct table *table = layout->table;
	size_t found = table->column_count;

	for (size_t i = 0; i < table->column_count; i++)
		if (layout->is_shown[i] && table->columns[i].rank > 0 &&
			(found == table->column_count ||
				table->columns[i].rank >= table->columns[found].rank))
			found = i;
	return found;
}

static void
fit(struct layout *layout)
{
	size_t columns = layout->output->columns > 0 ? layout->output->columns : SIZE_MAX;
	uint32_t highest = 0;

	for (size_t i = 0; i < layout->table->column_count; i++)
		if (layout->table->columns[i].rank > highest)
			highest = layout->table->columns[i].rank;
	while (!fits(layout, highest, columns)) {
		size_t next = least_important(layout);

		if (next == layout->table->column_count) {
			cut_rank(layout, 0, columns);
			return;
		}
		layout->is_shown[next] = false;
	}
}

/* What no cutting makes fit is broken off at the terminal's edge. */
static void
add_cell(const struct layout *layout, struct textbuf *buf, size_t column, const char *text,
	enum tone tone, size_t *used)
{
	size_t columns = layout->output->columns > 0 ? layout->output->columns : SIZE_MAX;
	size_t gap = *used > 0 ? GAP : 0, width = layout->widths[column];
	struct textbuf cut = TEXTBUF_INIT(OUTPUT_TEXT_MAX);

	if (*used + gap >= columns)
		return;
	if (width > columns - *used - gap)
		width = columns - *used - gap;
	output_add_cut(layout->output, &cut, text, width, layout->table->columns[column].is_right);
	if (textbuf_error(&cut) == 0) {
		textbuf_addf(buf, "%*s", (int)gap, "");
		output_add_tone(layout->output, buf, tone, cut.text != NULL ? cut.text : "");
	}
	textbuf_fini(&cut);
	*used += gap + width;
}

/* No blanks at the ends of lines. */
static void
end_line(struct textbuf *buf)
{
	while (buf->length > 0 && buf->text[buf->length - 1] == ' ')
		buf->text[--buf->length] = '\0';
	textbuf_add(buf, "\n");
}

static void
write_lines(const struct layout *layout, struct textbuf *buf)
{
	const struct table *table = layout->table;
	size_t used = 0;

	for (size_t i = 0; i < table->column_count; i++)
		if (layout->is_shown[i])
			add_cell(layout, buf, i, table->columns[i].title, TONE_TITLE, &used);
	end_line(buf);
	for (size_t at = 0; at + table->column_count <= table->count; at += table->column_count) {
		used = 0;
		for (size_t i = 0; i < table->column_count; i++)
			if (layout->is_shown[i])
				add_cell(layout, buf, i, layout->texts[at + i], TONE_PLAIN, &used);
		end_line(buf);
	}
}

static int
measure(struct layout *layout)
{
	const struct table *table = layout->table;

	for (size_t i = 0; i < table->column_count; i++) {
		layout->is_shown[i] = true;
		layout->natural[i] = output_width(table->columns[i].title);
	}
	for (size_t i = 0; i < table->count; i++) {
		struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
		size_t *natural = &layout->natural[i % table->column_count];

		textbuf_add(&text, "");
		output_add_harmless(layout->output, &text, table->cells[i].shown);
		layout->texts[i] = textbuf_take(&text);
		if (layout->texts[i] == NULL)
			return -ENOMEM;
		*natural = larger(*natural, output_width(layout->texts[i]));
	}
	if (layout->output->columns > 0 && layout->natural[0] > table->most)
		layout->natural[0] = table->most;
	return 0;
}

static int
print_lines(const struct table *table, const struct output *output)
{
	auto_free size_t *natural = calloc(table->column_count, sizeof(*natural));
	auto_free size_t *widths = calloc(table->column_count, sizeof(*widths));
	auto_free bool *is_shown = calloc(table->column_count, sizeof(*is_shown));
	auto_free char **texts = calloc(table->count + 1, sizeof(*texts));
	struct layout layout = { table, output, texts, natural, widths, is_shown };
	struct textbuf buf = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	int error = -ENOMEM;

	if (natural != NULL && widths != NULL && is_shown != NULL && texts != NULL)
		error = measure(&layout);
	if (error == 0) {
		fit(&layout);
		write_lines(&layout, &buf);
		error = output_print(output, &buf);
	}
	for (size_t i = 0; texts != NULL && i < table->count; i++)
		free(texts[i]);
	return error;
}

int
table_print(const struct table *table, const struct output *output, const char *empty)
{
	struct textbuf buf = TEXTBUF_INIT(OUTPUT_TEXT_MAX);

	if (table->error < 0)
		return table->error;
	if (output->is_json)
		return output_print_json(output, table_json(table));
	if (table->count > 0 || empty == NULL)
		return print_lines(table, output);
	textbuf_addf(&buf, "%s\n", empty);
	return output_print(output, &buf);
}
