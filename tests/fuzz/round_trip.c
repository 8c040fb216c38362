/* SPDX-License-Identifier: ISC */
/* Read, print, read, print: the second print is the first. */
#include "tests/fuzz/round_trip.h"

#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define PRINT_MAX ((size_t)64 << 20)

const char *__lsan_default_suppressions(void);

/* libconfig forgets the string that it was reading when it meets a syntax error. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yyparse\nleak:libconfig_yylex\n";
}

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static void
show(const struct complaint_list *complaints)
{
	struct textbuf shown = TEXTBUF_INIT(PRINT_MAX);

	complaint_list_show(complaints, &shown);
	must(textbuf_error(&shown) == 0 && shown.length > 0);
	must(complaint_message(complaints, 0) != NULL);
	textbuf_fini(&shown);
}

static void
print(const struct config *config, struct textbuf *text)
{
	must(config != NULL);
	must(config_print(config, text) == 0);
}

void
round_trip_conf(const char *text, size_t length)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf first = TEXTBUF_INIT(PRINT_MAX), second = TEXTBUF_INIT(PRINT_MAX);
	struct config *config, *again;

	must(complaints != NULL);
	config = config_load_text("fuzzed", text, length, complaints);
	must(config != NULL);
	if (complaint_count(complaints) > 0) {
		show(complaints);
	} else {
		print(config, &first);
		again = config_load_text("printed", first.text, first.length, complaints);
		print(again, &second);
		if (complaint_count(complaints) > 0 || strcmp(first.text, second.text) != 0) {
			complaint_list_show(complaints, &second);
			(void)fprintf(stderr, "%s\n%s\n", first.text, second.text);
			abort();
		}
		(void)config_free(again);
	}
	(void)config_free(config);
	(void)complaint_list_free(complaints);
	textbuf_fini(&first);
	textbuf_fini(&second);
}
