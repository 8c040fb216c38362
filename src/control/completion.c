/* SPDX-License-Identifier: ISC */
/* Scripts for bash, zsh and fish. */
#include "control/completion.h"

#include "config/complaint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum value { VALUE_NONE, VALUE_FILE, VALUE_FOLDER };

static const struct {
	const char *word;
	char letter;
	enum value value;
	const char *help;
} common[] = {
#define OPTION(word, letter, value, help) { word, letter, VALUE_##value, help },
#include "control/control_options.def"
#undef OPTION
};

/* What may stand for a parameter of that name, in the words of each shell; of others nobody knows
 * what they are. */
static const struct filling {
	const char *name;
	const char *bash; /* a command that prints words */
	const char *zsh;  /* an action */
	const char *fish;
} fillings[] = {
	{ "service", "\"${told[@]}\" names 2>/dev/null", "_reevectl_names", "(__reevectl_names)" },
	{ "level", "printf '%s\\n' advice warning danger", "(advice warning danger)",
		"advice warning danger" },
	{ "shell", "printf '%s\\n' bash zsh fish", "(bash zsh fish)", "bash zsh fish" },
	{ "user", "compgen -u", "_users", "(__fish_complete_users)" },
	{ "interface", "command ls /sys/class/net", "_net_interfaces",
		"(command ls /sys/class/net)" },
};

static const struct filling *
filling_of(const struct control_parameter *parameter)
{
	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++)
		if (strcmp(fillings[i].name, parameter->name) == 0)
			return &fillings[i];
	return NULL;
}

static bool
is_option(const struct control_parameter *parameter)
{
	return parameter->place == CONTROL_OPTION;
}

/* Verbs one after the other, from *at on; NULL: there are no more. */
static const struct control_verb *
next_verb(unsigned *at)
{
	while (*at < CONTROL_VERB_COUNT) {
		const struct control_verb *verb = control_verb_get((enum control_id)(*at)++);

		if (verb->is_word)
			return verb;
	}
	return NULL;
}

/* Is this the first verb that has an option of that word? */
static bool
is_first_with(const struct control_verb *wanted, const struct control_parameter *option)
{
	unsigned at = 0;

	for (const struct control_verb *verb; (verb = next_verb(&at)) != wanted && verb != NULL;)
		for (const struct control_parameter *one = verb->parameters; one->name != NULL;
			one++)
			if (is_option(one) && strcmp(one->word, option->word) == 0)
				return false;
	return true;
}

/* A text in single quotes; zsh wants some letters marked besides. */
static void
add_quoted(struct textbuf *text, const char *word, const char *marked)
{
	for (; *word != '\0'; word++) {
		if (strchr(marked, *word) != NULL)
			textbuf_add(text, "\\");
		if (*word == '\'')
			textbuf_add(text, "'\\'");
		textbuf_add_bytes(text, word, 1);
	}
}

/* ---------------------------------------------------------------- bash */

/* Every option behind which a value stands, for a case of the shell. */
static void
add_bash_valued(struct textbuf *text)
{
	unsigned at = 0;

	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;)
		for (const struct control_parameter *one = verb->parameters; one->name != NULL;
			one++)
			if (is_option(one) && one->kind != CONTROL_FLAG && is_first_with(verb, one))
				textbuf_addf(text, " | --%s", one->word);
}

static void
add_bash_values(struct textbuf *text)
{
	unsigned at = 0;

	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;)
		for (const struct control_parameter *one = verb->parameters; one->name != NULL;
			one++) {
			const struct filling *filling = filling_of(one);

			if (!is_option(one) || one->kind == CONTROL_FLAG ||
				!is_first_with(verb, one))
				continue;
			textbuf_addf(text, "\t--%s)\n", one->word);
			if (filling != NULL)
				textbuf_addf(text, "\t\t_reevectl_some < <(%s)\n", filling->bash);
			textbuf_add(text, "\t\treturn\n\t\t;;\n");
		}
}

static void
add_bash_verb(struct textbuf *text, const struct control_verb *verb)
{
	unsigned place = 0;

	textbuf_addf(text, "\t%s)\n", verb->word);
	for (const struct control_parameter *one = verb->parameters; one->name != NULL; one++) {
		const struct filling *filling = filling_of(one);

		if (is_option(one))
			textbuf_addf(text, "\t\toptions+=' --%s'\n", one->word);
		else if (filling != NULL)
			textbuf_addf(text,
				"\t\t((count == %u)) && has_operand=1 && _reevectl_some < <(%s)\n",
				place, filling->bash);
		place += !is_option(one);
	}
	textbuf_add(text, "\t\t;;\n");
}

/* What was typed: the verb, how many operands it has, and which files are meant. */
static const char bash_begin[] =
	"# bash completion for reevectl(8), made by: reevectl completion bash\n\n"
	"# Those of the lines that begin with the word, none of which the shell would "
	"take\n"
	"# for more than a word.\n"
	"_reevectl_some() {\n"
	"\tlocal one\n"
	"\twhile IFS= read -r one; do\n"
	"\t\t[[ $one == \"$word\"* && $one != *[!A-Za-z0-9._+-]* ]] && "
	"COMPREPLY+=(\"$one\")\n"
	"\tdone\n"
	"}\n\n"
	"_reevectl() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal verb='' count=0 options='' verbs='' has_operand='' at\n"
	"\tlocal -a told=(\"${COMP_WORDS[0]}\")\n\n"
	"\tCOMPREPLY=()\n"
	"\t# The verb, how many operands it has already, and which files are meant. "
	"readline\n"
	"\t# takes --config= for two words.\n"
	"\tfor ((at = 1; at < COMP_CWORD; at++)); do\n"
	"\t\tcase ${COMP_WORDS[at]} in\n"
	"\t\t-c | --config | -s | --services | -r | --run-dir";

static const char bash_look[] =
	")\n"
	"\t\t\t[[ ${COMP_WORDS[at]} == -[csr] || ${COMP_WORDS[at]} == --config ||\n"
	"\t\t\t\t${COMP_WORDS[at]} == --services || ${COMP_WORDS[at]} == --run-dir ]] &&\n"
	"\t\t\t\ttold+=(\"${COMP_WORDS[at]}\")\n"
	"\t\t\t[[ ${COMP_WORDS[at + 1]} == '=' ]] && ((at++))\n"
	"\t\t\t((${#told[@]} % 2 == 0)) && told+=(\"${COMP_WORDS[at + 1]}\")\n"
	"\t\t\t((at++))\n"
	"\t\t\t;;\n"
	"\t\t-*) ;;\n"
	"\t\t*)\n"
	"\t\t\t[[ -n $verb ]] && ((count++))\n"
	"\t\t\tverb=${verb:-${COMP_WORDS[at]}}\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [[ $word == '=' ]]; then\n"
	"\t\tword=\n"
	"\telif [[ $before == '=' ]]; then\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tcase $before in\n"
	"\t-c | --config | -s | --services)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
	"\t\treturn\n\t\t;;\n"
	"\t-r | --run-dir)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n"
	"\t\treturn\n\t\t;;\n";

static void
add_bash(struct textbuf *text)
{
	unsigned at = 0;

	textbuf_add(text, bash_begin);
	add_bash_valued(text);
	textbuf_add(text, bash_look);
	add_bash_values(text);
	textbuf_add(text, "\tesac\n\tcase $verb in\n\t'')\n\t\thas_operand=1\n\t\tverbs='");
	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;)
		textbuf_addf(text, "%s%s", at > 1 ? " " : "", verb->word);
	textbuf_add(text, "'\n\t\t;;\n");
	at = 0;
	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;)
		if (verb->parameters->name != NULL)
			add_bash_verb(text, verb);
	textbuf_add(text, "\tesac\n\t[[ $word == -* || -z $has_operand ]] && verbs=\"$options");
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		textbuf_addf(text, " --%s", common[i].word);
	textbuf_add(text,
		"\"\n\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"$verbs\" -- "
		"\"$word\")\n}\n"
		"complete -F _reevectl reevectl\n");
}

/* ---------------------------------------------------------------- zsh */

static void
add_zsh_parameters(struct textbuf *text, const struct control_verb *verb)
{
	unsigned place = 0;

	for (const struct control_parameter *one = verb->parameters; one->name != NULL; one++) {
		const struct filling *filling = filling_of(one);

		place += !is_option(one);
		if (!is_option(one) && filling == NULL)
			continue; /* its name alone would keep zsh from completing options */
		textbuf_add(text, " \\\n\t\t\t\t'");
		if (is_option(one)) {
			textbuf_addf(text, "--%s[", one->word);
			add_quoted(text, one->help, "[]:\\");
			textbuf_add(text, "]");
		} else
			textbuf_addf(text, "%u", place);
		if (one->kind != CONTROL_FLAG)
			textbuf_addf(text, ":%s:%s", one->name,
				filling != NULL ? filling->zsh : " ");
		textbuf_add(text, "'");
	}
}

static void
add_zsh_common(struct textbuf *text)
{
	static const char *const actions[] = { [VALUE_FILE] = ":file:_files",
		[VALUE_FOLDER] = ":folder:_files -/",
		[VALUE_NONE] = "" };

	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		textbuf_addf(text, "\t\t'(-%c --%s)'{-%c,--%s%s}'[", common[i].letter,
			common[i].word, common[i].letter, common[i].word,
			common[i].value != VALUE_NONE ? "=" : "");
		add_quoted(text, common[i].help, "[]:\\");
		textbuf_addf(text, "]%s' \\\n", actions[common[i].value]);
	}
}

static void
add_zsh(struct textbuf *text)
{
	unsigned at = 0;

	textbuf_add(text,
		"#compdef reevectl\n"
		"# zsh completion for reevectl(8), made by: reevectl completion zsh\n\n"
		"_reevectl_names() {\n"
		"\tlocal -a names\n"
		"\tnames=(${(f)\"$(_call_program services ${(q)reevectl_told} names "
		"2>/dev/null)\"})\n"
		"\tcompadd -a names\n"
		"}\n\n"
		"_reevectl() {\n"
		"\tlocal context state state_descr line option\n"
		"\tlocal -a verbs reevectl_told\n"
		"\ttypeset -A opt_args\n\n"
		"\treevectl_told=(${words[1]})\n"
		"\t_arguments -C -s \\\n");
	add_zsh_common(text);
	textbuf_add(text,
		"\t\t'1:verb:->verb' '*::argument:->argument'\n"
		"\tfor option in -c --config -s --services -r --run-dir; do\n"
		"\t\t[[ -z ${opt_args[$option]} ]] || reevectl_told+=($option "
		"${(Q)opt_args[$option]})\n"
		"\tdone\n"
		"\tcase $state in\n"
		"\tverb)\n"
		"\t\tverbs=(\n");
	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;) {
		textbuf_addf(text, "\t\t\t'%s:", verb->word);
		add_quoted(text, verb->help, ":\\");
		textbuf_add(text, "'\n");
	}
	textbuf_add(text,
		"\t\t)\n"
		"\t\t_describe verb verbs\n"
		"\t\t;;\n"
		"\targument)\n"
		"\t\tcase $words[1] in\n");
	at = 0;
	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;) {
		if (verb->parameters->name == NULL)
			continue;
		textbuf_addf(text, "\t\t%s)\n\t\t\t_arguments", verb->word);
		add_zsh_parameters(text, verb);
		textbuf_add(text, "\n\t\t\t;;\n");
	}
	textbuf_add(text, "\t\tesac\n\t\t;;\n\tesac\n}\n\n_reevectl \"$@\"\n");
}

/* ---------------------------------------------------------------- fish */

static void
add_fish_parameters(struct textbuf *text, const struct control_verb *verb)
{
	for (const struct control_parameter *one = verb->parameters; one->name != NULL; one++) {
		const struct filling *filling = filling_of(one);

		if (!is_option(one) && filling == NULL)
			continue;
		textbuf_addf(text, "complete -c reevectl -n '__fish_seen_subcommand_from %s'",
			verb->word);
		if (is_option(one))
			textbuf_addf(text, " -l %s%s", one->word,
				one->kind == CONTROL_FLAG ? "" : " -x");
		if (filling != NULL)
			textbuf_addf(text, " -a '%s'", filling->fish);
		textbuf_add(text, " -d '");
		add_quoted(text, one->help, "");
		textbuf_add(text, "'\n");
	}
}

static void
add_fish(struct textbuf *text)
{
	static const char *const values[] = { [VALUE_FILE] = " -r -F",
		[VALUE_FOLDER] = " -x -a '(__fish_complete_directories)'",
		[VALUE_NONE] = "" };
	unsigned at = 0;

	textbuf_add(text,
		"# fish completion for reevectl(8), made by: reevectl completion fish\n\n"
		"function __reevectl_names\n"
		"\tset -l words (commandline -opc)\n"
		"\tset -l told $words[1]\n"
		"\tfor at in (seq 2 (count $words))\n"
		"\t\tcontains -- $words[$at] -c --config -s --services -r --run-dir\n"
		"\t\tand set told $told $words[$at] $words[(math $at + 1)]\n"
		"\tend\n"
		"\t$told names 2>/dev/null\n"
		"end\n\n"
		"complete -c reevectl -f\n");
	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		textbuf_addf(text, "complete -c reevectl -s %c -l %s%s -d '", common[i].letter,
			common[i].word, values[common[i].value]);
		add_quoted(text, common[i].help, "");
		textbuf_add(text, "'\n");
	}
	for (const struct control_verb *verb; (verb = next_verb(&at)) != NULL;) {
		textbuf_addf(text, "complete -c reevectl -n __fish_use_subcommand -a %s -d '",
			verb->word);
		add_quoted(text, verb->help, "");
		textbuf_add(text, "'\n");
		add_fish_parameters(text, verb);
	}
}

/* ---------------------------------------------------------------- the verbs */

static int
finish(const struct control *control, const char *verb, struct textbuf *text)
{
	int error = output_print(&control->output, text);

	if (error == 0)
		return 0;
	control_complain("%s: %s", verb, strerror(-error));
	return 1;
}

int
verb_completion(const struct control *control)
{
	static const struct {
		const char *name;
		void (*add)(struct textbuf *text);
	} shells[] = { { "bash", add_bash }, { "zsh", add_zsh }, { "fish", add_fish } };
	const char *name = json_string_value(json_object_get(control->arguments, "shell"));
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);

	for (size_t i = 0; name != NULL && i < ARRAY_SIZE(shells); i++)
		if (strcmp(shells[i].name, name) == 0) {
			shells[i].add(&text);
			return finish(control, "completion", &text);
		}
	control_complain("completion: \"%s\" is no shell that is known; wanted: bash, zsh or fish",
		name != NULL ? name : "");
	return 2;
}

/* Of what can be read, mistakes or not: nobody wants to be told of them at the tabulator. */
int
verb_names(const struct control *control)
{
	struct complaint_list *complaints = complaint_list_new();
	struct config *config =
		complaints != NULL ? config_load(&control->paths, complaints) : NULL;
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	json_t *names = control->output.is_json ? json_array() : NULL;

	for (uint32_t i = 0; config != NULL && i < config->service_count; i++) {
		const char *name = config->services[i].name;

		if (names != NULL)
			(void)json_array_append_new(names, json_string(name));
		output_add_harmless(&control->output, &text, name);
		textbuf_add(&text, "\n");
	}
	(void)config_free(config);
	(void)complaint_list_free(complaints);
	if (names == NULL)
		return finish(control, "names", &text);
	textbuf_fini(&text);
	return output_print_json(&control->output, names) < 0;
}
