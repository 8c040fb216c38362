/* SPDX-License-Identifier: ISC */
/* The reference of all keys, for people and for fuzzers, out of config_keys.def. */
#include "config/config.h"

#include "config/builtins.h"
#include "config/keys.h"
#include "config/value.h"

#include <string.h>

struct chapter {
	enum key_scope scope;
	bool is_for_programs;
	const char *text_title;
	const char *mdoc_title;
};

static const struct chapter chapters[] = {
	{ KEY_DAEMON, false, "In the daemon block of reeve.conf", "The daemon" },
	{ KEY_SERVICE, false, "On a line of the table, in a service block, in defaults",
		"Every service" },
	{ KEY_SERVICE, true, "In the same places, of services that are programs", "Programs" },
	{ KEY_OPTION, false, "In the same places, options of built-ins", "Options of built-ins" },
};

/* Words of the syntax that are no keys. */
static const char *const syntax_words[] = {
	"daemon: {",
	"defaults: {",
	"service: {",
	"table = ",
	"@include ",
	"};",
	"builtin",
	"builtin:",
	"/bin/true",
	"127.0.0.1:",
	"[::1]:",
	"7000-7010",
	"/run/x.sock/",
	"0/tcp",
	"unlimited",
	":unlimited",
	"[ ];",
	"root,daemon",
	"net_raw",
	"CAP_CHOWN",
};

/* "auto, stderr, journal, syslog; default: auto; for programs; a restart applies it" */
static void
add_facts(const struct key *key, struct textbuf *out)
{
	key_describe_values(key, out);
	if (key->default_text != NULL)
		textbuf_addf(out, "; default: %s", key->default_text);
	if (key->scope != KEY_DAEMON && key->reader != KEY_READER_ANY &&
		key->reader != KEY_READER_PROGRAM)
		textbuf_addf(out, "; for %s", key_reader_name(key->reader));
	if (key->reload == KEY_RESTART)
		textbuf_add(out, "; the next start applies it");
}

static void
add_text(const struct key *key, struct textbuf *out)
{
	textbuf_addf(out, "  %s\n      %s\n      [", key->name, key->help);
	add_facts(key, out);
	textbuf_add(out, "]\n");
}

/* Each sentence on a line of its own, as mdoc wants it. */
static void
add_sentences(const char *text, struct textbuf *out)
{
	const char *stop;

	while ((stop = strstr(text, ". ")) != NULL) {
		textbuf_add_bytes(out, text, (size_t)(stop - text) + 1);
		textbuf_add(out, "\n");
		text = stop + 2;
	}
	textbuf_addf(out, "%s\n", text);
}

static void
add_mdoc(const struct key *key, struct textbuf *out)
{
	textbuf_addf(out, ".It Cm %s\n", key->name);
	add_sentences(key->help, out);
	textbuf_add(out, ".br\nValue: ");
	add_facts(key, out);
	textbuf_add(out, ".\n");
}

static void
add_chapter(const struct chapter *chapter, enum config_help form, struct textbuf *out)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	if (form == CONFIG_HELP_MDOC)
		textbuf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", chapter->mdoc_title);
	else
		textbuf_addf(out, "%s%s:\n\n", chapter == chapters ? "" : "\n",
			chapter->text_title);
	for (const struct key *key = keys; key < keys + count; key++) {
		if (key->scope != chapter->scope ||
			(key->reader == KEY_READER_PROGRAM) != chapter->is_for_programs)
			continue;
		if (form == CONFIG_HELP_MDOC)
			add_mdoc(key, out);
		else
			add_text(key, out);
	}
	if (form == CONFIG_HELP_MDOC)
		textbuf_add(out, ".El\n");
}

/* A line of libFuzzer's and AFL's dictionaries. */
static void
add_word(const char *word, const char *behind, struct textbuf *out)
{
	textbuf_addf(out, "\"%s%s\"\n", word, behind);
}

static void
add_choices(const char *words, struct textbuf *out)
{
	while (words != NULL && *words != '\0') {
		size_t length = strcspn(words, "|");

		textbuf_addf(out, "\"%.*s\"\n", (int)length, words);
		words += length + (words[length] == '|');
	}
}

static void
add_dictionary(struct textbuf *out)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	for (size_t i = 0; i < ARRAY_SIZE(syntax_words); i++)
		add_word(syntax_words[i], "", out);
	for (int i = 0; i < PROTOCOL_COUNT; i++)
		add_word(protocol_word((enum protocol)i), "", out);
	for (const char *const *name = builtins_names(); *name != NULL; name++)
		add_word(*name, "", out);
	for (const struct key *key = keys; key < keys + count; key++) {
		add_word(key->name, "=", out);
		if (key->default_text != NULL)
			add_word(key->default_text, "", out);
		add_choices(key->words, out);
	}
}

void
config_help(enum config_help form, struct textbuf *ret_text)
{
	if (form == CONFIG_HELP_DICTIONARY) {
		add_dictionary(ret_text);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(chapters); i++)
		add_chapter(&chapters[i], form, ret_text);
}
