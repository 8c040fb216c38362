/* SPDX-License-Identifier: ISC */
/* A reader of configurations as short as the tests of the gate need (fake_supervisor.h). */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 16

static const struct service_keys defaults = {
	.instances = 1000,
	.idle = 600000,
	.source_prefix4 = 32,
	.source_prefix6 = 64,
	.reply_budget = 1024,
	.reply_budget_rate = 256,
	.options = { .chat_rooms = 16,
		.chat_history = 5,
		.chat_line = 1024,
		.chat_rate = 1000,
		.chat_burst = 10000,
		.chat_udp_silence = 300000 },
};

static bool
read_protocol(struct endpoint *endpoint, const char *text)
{
	char word[32];
	size_t length = strcspn(text, "*");

	(void)snprintf(word, sizeof(word), "%.*s", (int)length, text);
	for (int i = 0; i < PROTOCOL_COUNT; i++) {
		if (strcmp(protocol_word((enum protocol)i), word) != 0)
			continue;
		endpoint->protocol = (enum protocol)i;
		endpoint->address.family = (uint16_t)protocol_family(endpoint->protocol);
		return true;
	}
	return false;
}

static bool
read_key(struct service_keys *keys, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(word, "instances") == 0)
		keys->instances = atoll(value);
	else if (strcmp(word, "idle") == 0)
		keys->idle = atoll(value);
	else if (strcmp(word, "reply_budget") == 0)
		keys->reply_budget = atoll(value);
	else if (strcmp(word, "reply_budget_rate") == 0)
		keys->reply_budget_rate = atoll(value);
	else if (strcmp(word, "tcpmux") == 0)
		keys->tcpmux = atoll(value);
	else if (strcmp(word, "per") == 0)
		keys->per = atoll(value);
	else if (strcmp(word, "stdio") == 0)
		keys->stdio = atoll(value);
	else if (strcmp(word, "first_byte") == 0)
		keys->first_byte = atoll(value);
	else if (strcmp(word, "sensor") == 0)
		keys->sensor = atoll(value);
	else if (strcmp(word, "ban_time") == 0)
		keys->ban_time = atoll(value);
	else if (strcmp(word, "queue") == 0)
		keys->queue = atoll(value);
	else if (strcmp(word, "queue_time") == 0)
		keys->queue_time = atoll(value);
	else
		return false;
	return true;
}

static bool
read_line(struct service_config *service, char *line)
{
	char *words[WORDS_MAX];
	struct service_keys *keys;
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " ", &rest); word && count < WORDS_MAX;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (count < 3)
		return false;
	keys = malloc(sizeof(*keys));
	if (!keys)
		abort();
	*keys = defaults;
	keys->options.chat_room = strdup("lobby");
	service->keys = keys;
	service->name = strdup(words[0]);
	service->port_text = strdup("0");
	service->protocol_text = strdup(words[2]);
	service->endpoints = calloc(1, sizeof(*service->endpoints));
	service->endpoint_count = 1;
	if (strcmp(words[1], "program") != 0)
		service->builtin = strdup(words[1]);
	for (size_t i = 3; i < count; i++)
		if (!read_key(keys, words[i]))
			return false;
	return read_protocol(&service->endpoints[0], words[2]);
}

struct config *
config_load_bare(const char *name, const char *text, size_t length,
	struct complaint_list *complaints)
{
	struct config *config = calloc(1, sizeof(*config));
	auto_free char *copy = strndup(text, length);
	char *rest = NULL;

	(void)name;
	(void)complaints;
	if (!config || !copy)
		abort();
	config->services = calloc(length + 1, sizeof(*config->services));
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!read_line(&config->services[config->service_count++], line))
			return config_free(config);
	return config;
}

struct config *
config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (uint32_t i = 0; i < config->service_count; i++) {
		struct service_config *service = &config->services[i];

		free(service->name);
		free(service->port_text);
		free(service->protocol_text);
		free(service->builtin);
		free(service->endpoints);
		free(service->keys->options.chat_room);
		free((void *)(uintptr_t)service->keys);
	}
	free(config->services);
	free(config);
	return NULL;
}
