/* SPDX-License-Identifier: ISC */
/* Write a configuration in its canonical form: what differs from the defaults, in the order of
 * config_keys.def, the table as one text. */
#include "config/config.h"

#include "config/keys.h"
#include "config/value.h"
#include "config/words.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX (8 * 1024)

/* A text between quotes as libconfig reads it. */
static void
add_quoted(struct textbuf *out, const char *text)
{
	textbuf_add(out, "\"");
	while (*text != '\0') {
		size_t length = strcspn(text, "\t\n\"\\");

		textbuf_add_bytes(out, text, length);
		text += length;
		if (*text == '\t')
			textbuf_add(out, "\\t");
		else if (*text == '\n')
			textbuf_add(out, "\\n");
		else if (*text != '\0')
			textbuf_addf(out, "\\%c", *text);
		text += *text != '\0';
	}
	textbuf_add(out, "\"");
}

/* What the table itself holds is not to be read again from where it came. */
static bool
is_printed(const struct key *key, const struct config_daemon *daemon,
	const struct config_daemon *defaults)
{
	return key_is_daemon(key) && strcmp(key->name, "services") != 0 &&
		strcmp(key->name, "services_dir") != 0 && !key_is_equal(key, daemon, defaults);
}

static void
print_daemon(const struct config *config, const struct config_daemon *defaults, struct textbuf *out)
{
	struct textbuf value = TEXTBUF_INIT(VALUE_MAX);
	size_t count;
	const struct key *keys = keys_all(&count);

	textbuf_add(out, "daemon: {\n");
	for (const struct key *key = keys; key < keys + count; key++) {
		if (!is_printed(key, &config->daemon, defaults))
			continue;
		textbuf_reset(&value);
		if (!key_write(key, &config->daemon, 0, &value))
			continue;
		textbuf_addf(out, "\t%s = ", key->name);
		if (key->kind == KEY_COUNT)
			textbuf_add(out, value.text);
		else
			add_quoted(out, value.text);
		textbuf_add(out, ";\n");
	}
	textbuf_add(out, "};\n");
	textbuf_fini(&value);
}

/* The words of a key, one for each element of a list. */
static void
print_key(const struct key *key, const struct service_keys *keys, struct textbuf *word,
	struct textbuf *line)
{
	for (size_t i = 0;; i++) {
		textbuf_reset(word);
		if (key->kind == KEY_BOOL && i == 0) {
			textbuf_add(word, key->name);
			if (*(const int64_t *)(const void *)((const char *)keys + key->offset) == 0)
				textbuf_add(word, "=no");
		} else {
			textbuf_add(word, key->name);
			textbuf_add(word, "=");
			if (!key_write(key, keys, i, word))
				return;
		}
		textbuf_add(line, " ");
		word_write(word->text, line);
		if (key->kind == KEY_BOOL)
			return;
	}
}

static void
print_handler(const struct service_config *service, struct textbuf *word, struct textbuf *line)
{
	if (service->builtin != NULL) {
		textbuf_reset(word);
		textbuf_addf(word, "builtin:%s", service->builtin);
		textbuf_add(line, " ");
		word_write(strcmp(service->builtin, service->name) == 0 ? "builtin" : word->text,
			line);
		return;
	}
	for (char **argument = service->program; argument != NULL && *argument != NULL;
		argument++) {
		textbuf_add(line, " ");
		word_write(*argument, line);
	}
}

static void
print_service(const struct service_config *service, const struct service_keys *defaults,
	struct textbuf *word, struct textbuf *line)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	textbuf_reset(line);
	word_write(service->name, line);
	textbuf_add(line, " ");
	textbuf_reset(word);
	textbuf_add(word, service->port_text);
	textbuf_add(word, "/");
	textbuf_add(word, service->protocol_text);
	word_write(word->text, line);
	for (const struct key *key = keys; key < keys + count; key++)
		if (key_is_service(key) && !key_is_equal(key, service->keys, defaults))
			print_key(key, service->keys, word, line);
	print_handler(service, word, line);
	textbuf_add(line, "\n");
}

int
config_print(const struct config *config, struct textbuf *ret_text)
{
	struct arena *arena = arena_new();
	struct textbuf line = TEXTBUF_INIT(16U << 20), word = TEXTBUF_INIT(16U << 20);
	struct config_daemon daemon;
	struct service_keys defaults;
	int error;

	if (arena == NULL)
		return -ENOMEM;
	keys_set_daemon_defaults(&daemon, arena);
	keys_set_service_defaults(&defaults, arena);
	print_daemon(config, &daemon, ret_text);
	textbuf_add(ret_text, "table =");
	if (config->service_count == 0)
		textbuf_add(ret_text, " \"\"");
	for (uint32_t i = 0; i < config->service_count; i++) {
		print_service(&config->services[i], &defaults, &word, &line);
		textbuf_add(ret_text, "\n\t");
		if (textbuf_error(&line) == 0)
			add_quoted(ret_text, line.text);
	}
	textbuf_add(ret_text, ";\n");
	error = textbuf_error(&line);
	if (error == 0)
		error = arena_error(arena);
	textbuf_fini(&line);
	textbuf_fini(&word);
	(void)arena_free(arena);
	return error < 0 ? error : textbuf_error(ret_text);
}
