/* SPDX-License-Identifier: ISC */
/* reeved: the door of the supervisor. Reads the command line, calls one thing, returns. */
#include "base/log.h"
#include "config/config.h"
#include "config/places.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLES_MAX 64
#define READY_FD_MAX 1023
#define TEXT_MAX (256U << 20)

enum option_id {
	OPTION_NONE = 256, /* beyond any letter */
#define OPTION(id, ...) OPTION_##id,
#include "reeved_options.def"
#undef OPTION
	OPTION_COUNT
};

struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: none; "[...]": optional */
	const char *help;
};

static const struct option_row option_rows[] = {
#define OPTION(id, name, letter, argument, help) { name, letter, argument, help },
#include "reeved_options.def"
#undef OPTION
};

struct command {
	struct supervisor_settings settings;
	const char *tables[TABLES_MAX + 1];
	size_t table_count;
	enum option_id action; /* what to do instead of serving */
	const char *form;      /* of --help-config */
	struct places places;
};

static int
fail(const char *text, const char *value)
{
	(void)fprintf(stderr, "reeved: %s%s; try --help\n", text, value);
	return -1;
}

static void
print_help(void)
{
	char left[64];

	(void)printf("usage: reeved [option ...]\n"
		     "The super-server: opens the ports of a table of services and serves "
		     "them.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		const char *argument = row->argument != NULL ? row->argument : "";
		char letter[8] = "    ";

		if (row->letter != 0)
			(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
			*argument != '\0' && *argument != '[' ? " " : "", argument);
		(void)printf("  %-30s %s\n", left, row->help);
	}
}

static int
read_number(const char *text, int64_t max, int64_t *ret_number)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number < 0 || number > max)
		return -1;
	*ret_number = number;
	return 0;
}

static int
read_log(const char *word, enum config_log *ret_log)
{
	static const char *const words[] = { "auto", "stderr", "journal", "syslog", "json" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret_log = (enum config_log)i;
			return 0;
		}
	return -1;
}

static int
take_table(struct command *command, const char *path)
{
	if (command->table_count == TABLES_MAX)
		return fail("too many tables: ", path);
	command->tables[command->table_count++] = path;
	command->settings.paths.tables = command->tables;
	return 0;
}

static void
louder(int *level)
{
	*level = *level < 0 ? LOG_LEVEL_DEBUG : *level;
}

/* One gate, so that everything happens in one place; and there it is shown. */
static void
explain(struct supervisor_settings *settings)
{
	settings->is_foreground = true;
	settings->log = CONFIG_LOG_STDERR;
	settings->log_level = LOG_LEVEL_EXPLAIN;
	settings->gates = settings->gates < 0 ? 1 : settings->gates;
}

static int
take_option(struct command *command, enum option_id id, const char *value)
{
	struct supervisor_settings *settings = &command->settings;

	switch (id) {
	case OPTION_CONFIG:
		settings->paths.conf = value;
		settings->paths.is_conf_required = true;
		return 0;
	case OPTION_SERVICES:
		return take_table(command, value);
	case OPTION_RUN_DIR:
		settings->run_dir = value;
		return 0;
	case OPTION_STATE_DIR:
		settings->state_dir = value;
		return 0;
	case OPTION_GATES:
		return read_number(value, 63, &settings->gates) < 0
			? fail("--gates wants a number from 0 to 63, not ", value)
			: 0;
	case OPTION_LOG:
		return read_log(value, &settings->log) < 0
			? fail("--log wants stderr, journal, syslog or json, not ", value)
			: 0;
	case OPTION_READY_FD:
		return read_number(value, READY_FD_MAX, &settings->ready_fd) < 0
			? fail("--ready-fd wants the number of a descriptor, not ", value)
			: 0;
	case OPTION_FOREGROUND:
		settings->is_foreground = true;
		return 0;
	case OPTION_ANNOUNCE:
		settings->announces = true;
		return 0;
	case OPTION_VERBOSE:
		louder(&settings->log_level);
		return 0;
	case OPTION_EXPLAIN:
		explain(settings);
		return 0;
	case OPTION_HELP_CONFIG:
		command->form = value != NULL ? value : "text";
		command->action = id;
		return 0;
	case OPTION_CHECK:
	case OPTION_CHECK_UPGRADE:
	case OPTION_PRINT_CONFIG:
	case OPTION_HELP_EVENTS:
	case OPTION_HELP:
	case OPTION_VERSION:
		command->action = id;
		return 0;
	case OPTION_NONE:
	case OPTION_COUNT:
		break;
	}
	return -1;
}

/* getopt_long's tables from ours. */
static void
make_getopt(struct option *ret_long, char *ret_short)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		bool is_optional = row->argument != NULL && row->argument[0] == '[';
		int takes = is_optional ? optional_argument : required_argument;

		ret_long[i] = (struct option){ .name = row->name,
			.has_arg = row->argument == NULL ? no_argument : takes,
			.val = OPTION_NONE + 1 + (int)i };
		if (row->letter != 0)
			*ret_short++ = row->letter;
		if (row->letter != 0 && row->argument != NULL)
			*ret_short++ = ':';
	}
	*ret_short = '\0';
}

static enum option_id
option_by_letter(int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
		if (option_rows[i].letter == letter)
			return (enum option_id)(OPTION_NONE + 1 + (int)i);
	return OPTION_NONE;
}

static int
read_command_line(struct command *command, int argc, char **argv)
{
	struct option long_options[ARRAY_SIZE(option_rows) + 1] = { { .name = NULL } };
	char letters[2 * ARRAY_SIZE(option_rows) + 1];
	int got;

	make_getopt(long_options, letters);
	while ((got = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		enum option_id id = got > OPTION_NONE ? (enum option_id)got : option_by_letter(got);

		if (got == '?' || take_option(command, id, optarg) < 0)
			return -1;
	}
	if (optind < argc)
		return fail("no arguments are wanted, but there is ", argv[optind]);
	return 0;
}

static void
set_default_places(struct command *command)
{
	struct supervisor_settings *settings = &command->settings;
	struct places *places = &command->places;

	places_find(places);
	if (settings->paths.conf == NULL)
		settings->paths.conf = places->conf;
	if (settings->run_dir == NULL && places->run_dir[0] != '\0')
		settings->run_dir = places->run_dir;
	settings->own_state_dir = places->state_dir[0] != '\0' ? places->state_dir : NULL;
}

/* Lives as long as the program. */
static const char *
absolute(const char *path)
{
	char folder[PLACES_PATH_MAX];
	char *text = NULL;

	if (path == NULL || *path == '/' || getcwd(folder, sizeof(folder)) == NULL ||
		asprintf(&text, "%s/%s", folder, path) < 0)
		return path;
	return text;
}

/* In the background the daemon's folder is the root: a reload must find the files all the same. */
static void
make_paths_absolute(struct command *command)
{
	struct supervisor_settings *settings = &command->settings;

	settings->paths.conf = absolute(settings->paths.conf);
	settings->run_dir = absolute(settings->run_dir);
	settings->state_dir = absolute(settings->state_dir);
	for (size_t i = 0; i < command->table_count; i++)
		command->tables[i] = absolute(command->tables[i]);
}

static int
show_text(struct textbuf *text, FILE *to)
{
	int status = textbuf_error(text) == 0 ? 0 : 1;

	if (text->text != NULL && fwrite(text->text, 1, text->length, to) != text->length)
		status = 1;
	if (fflush(to) != 0)
		status = 1;
	textbuf_fini(text);
	return status;
}

/* --check and --print-config: read, check, and say so; nothing is bound. */
static int
examine_config(const struct command *command)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	struct config_host host;
	struct config *config;
	int status = 1;

	if (complaints == NULL)
		return 1;
	config_host_ask(&host);
	config = config_load_checked(&command->settings.paths, &host, complaints);
	if (config == NULL) {
		complaint_list_show(complaints, &text);
		textbuf_addf(&text, "%zu complaint%s\n", complaint_count(complaints),
			PLURAL(complaint_count(complaints)));
		(void)show_text(&text, stderr);
	} else if (command->action == OPTION_PRINT_CONFIG) {
		(void)config_print(config, &text);
		status = show_text(&text, stdout);
	} else {
		(void)printf("%u service%s: no complaints\n", config->service_count,
			PLURAL(config->service_count));
		status = 0;
	}
	(void)config_free(config);
	(void)complaint_list_free(complaints);
	return status;
}

static int
help_config(const char *form)
{
	static const char *const forms[] = { "text", "mdoc", "dictionary" };
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(form, forms[i]) == 0) {
			config_help((enum config_help)i, &text);
			return show_text(&text, stdout);
		}
	(void)fail("--help-config wants text, mdoc or dictionary, not ", form);
	return 2;
}

static int
run(const struct command *command)
{
	switch (command->action) {
	case OPTION_HELP:
		print_help();
		return 0;
	case OPTION_VERSION:
		(void)printf("reeved %s\n", REEVE_VERSION);
		return 0;
	case OPTION_HELP_CONFIG:
		return help_config(command->form);
	case OPTION_HELP_EVENTS:
		log_print_manual();
		return 0;
	case OPTION_CHECK_UPGRADE:
		return upgrade_check_main(&command->settings);
	case OPTION_CHECK:
	case OPTION_PRINT_CONFIG:
		return examine_config(command);
	case OPTION_NONE:
	case OPTION_CONFIG:
	case OPTION_SERVICES:
	case OPTION_RUN_DIR:
	case OPTION_STATE_DIR:
	case OPTION_GATES:
	case OPTION_READY_FD:
	case OPTION_FOREGROUND:
	case OPTION_LOG:
	case OPTION_VERBOSE:
	case OPTION_EXPLAIN:
	case OPTION_ANNOUNCE:
	case OPTION_COUNT:
		break; /* no action of their own: serve */
	}
	return supervisor_main(&command->settings);
}

int
main(int argc, char **argv)
{
	static struct command command = { .settings = {
						  .gates = -1, .ready_fd = -1, .log_level = -1 } };

	if (read_command_line(&command, argc, argv) < 0)
		return 2;
	command.settings.argv = argv;
	set_default_places(&command);
	if (!command.settings.is_foreground)
		make_paths_absolute(&command);
	return run(&command);
}
