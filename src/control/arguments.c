/* SPDX-License-Identifier: ISC */
/* The command line: options that all verbs know, then what the verb's row has. */
#include "control/arguments.h"

#include "config/value_kinds.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 64
#define GIVEN_MAX 32
#define OF_A_VERB 1000 /* and above: the place of an option in the list */

#define VALUE_NONE no_argument
#define VALUE_FILE required_argument
#define VALUE_FOLDER required_argument
static const struct option common_options[] = {
#define OPTION(word, letter, value, help) { word, VALUE_##value, NULL, letter },
#include "control/control_options.def"
#undef OPTION
};

/* Options may stand anywhere, so they are read before it is known whose they are. */
struct reading {
	struct option options[OPTIONS_MAX];
	size_t option_count;
	struct {
		const char *word;
		const char *text;
	} given[GIVEN_MAX];
	size_t given_count;
};

static void
add_option(struct reading *reading, const struct control_parameter *parameter)
{
	for (size_t i = 0; i < reading->option_count; i++)
		if (strcmp(reading->options[i].name, parameter->word) == 0)
			return;
	if (reading->option_count == OPTIONS_MAX - 1)
		return;
	reading->options[reading->option_count] = (struct option){ parameter->word,
		parameter->kind == CONTROL_FLAG ? no_argument : required_argument, NULL,
		OF_A_VERB + (int)reading->option_count };
	reading->option_count++;
}

static void
list_options(struct reading *reading)
{
	memcpy(reading->options, common_options, sizeof(common_options));
	reading->option_count = ARRAY_SIZE(common_options);
	for (unsigned id = 0; id < CONTROL_VERB_COUNT; id++) {
		const struct control_verb *verb = control_verb_get((enum control_id)id);

		for (const struct control_parameter *parameter = verb->parameters;
			verb->is_word && parameter->name != NULL; parameter++)
			if (parameter->place == CONTROL_OPTION)
				add_option(reading, parameter);
	}
}

/* -1: go on; else the exit status. */
static int
take_common(struct control *control, int option)
{
	switch (option) {
	case 'c':
		control->paths.conf = optarg;
		control->paths.is_conf_required = true;
		return -1;
	case 's':
		control->tables[0] = optarg;
		control->paths.tables = control->tables;
		return -1;
	case 'r':
		control->run_dir = optarg;
		control->is_run_dir_given = true;
		return -1;
	case 'j':
		control->output.is_json = true;
		return -1;
	case 'V':
		(void)printf("reevectl %s\n", REEVE_VERSION);
		return 0;
	case 'h':
		control_print_help();
		return 0;
	default:
		return 2;
	}
}

static void
note_given(struct reading *reading, const char *word)
{
	if (reading->given_count == GIVEN_MAX)
		return;
	reading->given[reading->given_count].word = word;
	reading->given[reading->given_count++].text = optarg;
}

static int
take_options(struct control *control, struct reading *reading, int argc, char **argv)
{
	int status = -1;
	int got;

	while (status < 0 &&
		(got = getopt_long(argc, argv, "c:s:r:jfhV", reading->options, NULL)) != -1) {
		if (got == 'f')
			note_given(reading, "follow"); /* as tail(1) has it */
		else if (got < OF_A_VERB)
			status = take_common(control, got);
		else
			note_given(reading, reading->options[got - OF_A_VERB].name);
	}
	return status;
}

/* A time as the configuration has it: 90s, 1h30m is none, 5 is none. False: it is no time. */
static bool
read_duration(const char *text, json_int_t *ret_ms)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || errno != 0 || number < 0)
		return false;
	for (const struct unit *unit = value_units(KEY_MSEC); unit->name != NULL; unit++)
		if (*unit->name != '\0' && strcmp(end, unit->name) == 0)
			return !__builtin_mul_overflow(number, unit->factor, ret_ms);
	return false;
}

static bool
read_number(const char *text, json_int_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

static json_t *
read_value(const struct control_parameter *parameter, const char *text)
{
	json_int_t number;

	switch (parameter->kind) {
	case CONTROL_STRING:
		return json_string(text);
	case CONTROL_INT:
		return read_number(text, &number) ? json_integer(number) : NULL;
	case CONTROL_DURATION:
		return read_duration(text, &number) ? json_integer(number) : NULL;
	case CONTROL_FLAG:
		break;
	}
	return json_true();
}

static const char *
wanted(enum control_kind kind)
{
	switch (kind) {
	case CONTROL_INT:
		return "a number";
	case CONTROL_DURATION:
		return "a time like 90s, 10min or 1h";
	case CONTROL_STRING:
	case CONTROL_FLAG:
		break;
	}
	return "text in UTF-8";
}

static int
take_value(struct control *control, const struct control_parameter *parameter, const char *text)
{
	json_t *value = read_value(parameter, text);

	if (value == NULL) {
		control_complain("%s: \"%s\" is not %s", parameter->word, text,
			wanted(parameter->kind));
		return 2;
	}
	return json_object_set_new(control->arguments, parameter->name, value) < 0 ? 1 : -1;
}

static int
complain_usage(const struct control *control, const char *word, const char *problem)
{
	struct textbuf text = TEXTBUF_INIT(1024);

	arguments_usage(control->verb, &text);
	control_complain("%s: %s: %s", control->verb->word, word, problem);
	(void)fprintf(stderr, "usage: reevectl %s%s\n", control->verb->word,
		text.text != NULL ? text.text : "");
	textbuf_fini(&text);
	return 2;
}

static int
take_given(struct control *control, const char *word, const char *text)
{
	const struct control_parameter *parameter = control->verb->parameters;

	while (parameter->name != NULL &&
		(parameter->place != CONTROL_OPTION || strcmp(parameter->word, word) != 0))
		parameter++;
	if (parameter->name == NULL)
		return complain_usage(control, word, "this verb has no such option");
	return take_value(control, parameter, text);
}

static int
take_operands(struct control *control, char **operands)
{
	int status = -1;

	for (const struct control_parameter *parameter = control->verb->parameters;
		status < 0 && parameter->name != NULL; parameter++) {
		if (parameter->place == CONTROL_OPERAND && *operands != NULL)
			status = take_value(control, parameter, *operands++);
		else if (parameter->presence == CONTROL_NEEDED &&
			json_object_get(control->arguments, parameter->name) == NULL)
			status = complain_usage(control, parameter->word, "is lacking");
	}
	if (status < 0 && *operands != NULL)
		status = complain_usage(control, *operands, "is too much");
	return status;
}

static int
complain_verb(const char *word)
{
	const char *words[CONTROL_VERB_COUNT + 1] = { NULL };
	size_t count = 0;
	const char *nearest;

	for (unsigned id = 0; id < CONTROL_VERB_COUNT; id++) {
		const struct control_verb *verb = control_verb_get((enum control_id)id);

		if (verb->is_word)
			words[count++] = verb->word;
	}
	nearest = complaint_nearest(word, words);
	if (nearest != NULL)
		control_complain("\"%s\" is no verb; did you mean \"%s\"?", word, nearest);
	else
		control_complain("\"%s\" is no verb; try reevectl help", word);
	return 2;
}

/* A user without a daemon of their own means the system's. */
static void
look_elsewhere(struct control *control)
{
	char path[PATH_MAX];

	if (control->is_run_dir_given || geteuid() == 0 ||
		snprintf(path, sizeof(path), "%s/%s", control->run_dir, CONTROL_SOCKET) >=
			(int)sizeof(path) ||
		access(path, F_OK) == 0 || access("/run/reeve", F_OK) < 0)
		return;
	control->run_dir = "/run/reeve";
}

int
arguments_read(struct control *control, int argc, char **argv)
{
	struct reading reading = { .given_count = 0 };
	int status;

	list_options(&reading);
	status = take_options(control, &reading, argc, argv);
	if (status >= 0)
		return status;
	look_elsewhere(control);
	output_init(&control->output, stdout, control->output.is_json);
	if (optind == argc) {
		control_print_help();
		return 2;
	}
	control->verb = control_verb_by_word(argv[optind]);
	control->arguments = json_object();
	if (control->verb == NULL || control->arguments == NULL)
		return control->verb == NULL ? complain_verb(argv[optind]) : 1;
	for (size_t i = 0; status < 0 && i < reading.given_count; i++)
		status = take_given(control, reading.given[i].word, reading.given[i].text);
	return status < 0 ? take_operands(control, argv + optind + 1) : status;
}

void
arguments_usage(const struct control_verb *verb, struct textbuf *text)
{
	for (const struct control_parameter *parameter = verb->parameters; parameter->name != NULL;
		parameter++) {
		bool is_needed = parameter->presence == CONTROL_NEEDED;

		textbuf_addf(text, " %s%s%s%s%s", is_needed ? "" : "[",
			parameter->place == CONTROL_OPTION ? "--" : "", parameter->word,
			parameter->place == CONTROL_OPERAND || parameter->kind == CONTROL_FLAG ? ""
				: parameter->kind == CONTROL_DURATION ? " TIME"
				: parameter->kind == CONTROL_INT      ? " NUMBER"
								      : " WORD",
			is_needed ? "" : "]");
	}
}
