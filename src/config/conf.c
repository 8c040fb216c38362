/* SPDX-License-Identifier: ISC */
/* reeve.conf: from libconfig's tree to settings. libconfig checks the syntax; numbers are taken
 * as they are written, for libconfig 1.5 makes 4294967296 a 0 and no version tells 0660 from
 * 660 for sure. */
#include "config/conf.h"

#include "config/conf_text.h"
#include "config/value_kinds.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 160

/* A setting of the tree with what is known of it. */
struct node {
	config_setting_t *setting;
	struct where where;
	char label[LABEL_MAX]; /* "service.echo.instances" */
};

struct conf {
	struct reader *reader;
	const struct source_file *file;
	struct conf_text text;
	config_t tree;
};

/* Give every setting that has a name the place of it, in the order of the text. */
static void
hook_names(struct conf *conf, config_setting_t *parent, size_t *next)
{
	int count = config_setting_length(parent);

	for (int i = 0; i < count; i++) {
		config_setting_t *setting = config_setting_get_elem(parent, (unsigned int)i);
		const char *name = config_setting_name(setting);
		struct conf_name *noted = &conf->text.names[*next];

		if (name != NULL && *next < conf->text.name_count &&
			strlen(name) == noted->where.length &&
			strncmp(name, noted->text, noted->where.length) == 0) {
			config_setting_set_hook(setting, noted);
			(*next)++;
		}
		if (config_setting_is_aggregate(setting))
			hook_names(conf, setting, next);
	}
}

static const struct conf_name *
noted_name(const config_setting_t *setting)
{
	return config_setting_get_hook(setting);
}

/* The child number `index` of a block. */
static struct node
get_child(const struct conf *conf, const struct node *parent, int index)
{
	struct node child = { 0 };
	const struct conf_name *noted;
	int length;

	child.setting = config_setting_get_elem(parent->setting, (unsigned int)index);
	noted = noted_name(child.setting);
	if (noted != NULL)
		child.where = noted->where;
	else
		child.where =
			conf_text_place(&conf->text, config_setting_source_line(child.setting));
	length = snprintf(child.label, sizeof(child.label), "%s%s%s", parent->label,
		parent->label[0] != '\0' ? "." : "", config_setting_name(child.setting));
	if (length >= LABEL_MAX)
		memcpy(child.label + LABEL_MAX - sizeof("..."), "...", sizeof("..."));
	return child;
}

static bool
is_block(const struct conf *conf, const struct node *node)
{
	if (config_setting_is_group(node->setting))
		return true;
	complain(conf->reader->complaints, &node->where, node->label,
		"a block in braces is wanted");
	return false;
}

/* Texts that an administrator may write as a bare number. */
static bool
may_be_digits(enum key_kind kind)
{
	return kind == KEY_USER || kind == KEY_GROUP || kind == KEY_RLIMIT || kind == KEY_NAMES;
}

/* The value's text as key_read takes it, or NULL after a complaint. Numbers lie in `room`. */
static const char *
value_text(const struct conf *conf, const struct node *node, const struct key *key,
	const config_setting_t *value, char *room, size_t room_size)
{
	static const char *const wanted[] = {
		[KEY_STRING] = "a text in quotes",
		[KEY_TEXT] = "a text in quotes",
		[KEY_PATH] = "a path in quotes",
		[KEY_USER] = "a name in quotes",
		[KEY_GROUP] = "a name in quotes",
		[KEY_RLIMIT] = "a text in quotes",
		[KEY_LIST] = "a list of texts: [ \"...\", \"...\" ]",
		[KEY_NAMES] = "a list of names: [ \"...\", \"...\" ]",
		[KEY_RULES] = "a list of rules: [ \"...\", \"...\" ]",
		[KEY_HOURS] = "a list of spans: [ \"...\", \"...\" ]",
	};
	const struct conf_name *noted = noted_name(value);
	bool is_text_wanted = key->kind >= KEY_STRING;
	size_t length;

	switch (config_setting_type(value)) {
	case CONFIG_TYPE_STRING:
		return config_setting_get_string(value);
	case CONFIG_TYPE_BOOL:
		if (!is_text_wanted)
			return config_setting_get_bool(value) ? "true" : "false";
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
	case CONFIG_TYPE_FLOAT:
		if ((is_text_wanted && !may_be_digits(key->kind)) || noted == NULL ||
			noted->literal == NULL)
			break;
		length = noted->literal_length;
		while (length > 0 && noted->literal[length - 1] == 'L')
			length--;
		(void)snprintf(room, room_size, "%.*s", (int)length, noted->literal);
		return room;
	default:
		complain(conf->reader->complaints, &node->where, node->label,
			"one value is wanted, not several");
		return NULL;
	}
	complain(conf->reader->complaints, &node->where, node->label, "%s is wanted",
		is_text_wanted ? wanted[key->kind] : "a value that fits");
	return NULL;
}

static void
apply_value(struct conf *conf, const struct node *node, const struct key *key,
	const config_setting_t *value, const struct target *target)
{
	char room[64];
	struct setting setting = { .key = key, .label = node->label, .where = node->where };
	unsigned line = config_setting_source_line(value);

	/* An element of a list on a line of its own. */
	if (value != node->setting && line != config_setting_source_line(node->setting))
		setting.where = conf_text_place(&conf->text, line);
	setting.text = value_text(conf, node, key, value, room, sizeof(room));
	if (setting.text != NULL)
		setting_apply(conf->reader, &setting, target);
}

static void
apply_node(struct conf *conf, const struct node *node, const struct key *key,
	const struct target *target)
{
	bool is_list = value_is_list(key->kind);
	int count;

	if (!is_list || !config_setting_is_aggregate(node->setting) ||
		config_setting_is_group(node->setting)) {
		apply_value(conf, node, key, node->setting, target);
		return;
	}
	count = config_setting_length(node->setting);
	if (count == 0 && value_is_joined(key->kind))
		setting_apply(conf->reader,
			&(struct setting){ .key = key,
				.text = "",
				.label = node->label,
				.where = node->where },
			target);
	for (int i = 0; i < count; i++)
		apply_value(conf, node, key,
			config_setting_get_elem(node->setting, (unsigned int)i), target);
}

/* Every key of a block: the daemon's, or those of services. */
static void
read_block(struct conf *conf, const struct node *block, enum key_scope scope,
	const struct target *target)
{
	int count = config_setting_length(block->setting);

	for (int i = 0; i < count; i++) {
		struct node node = get_child(conf, block, i);
		const struct key *key = keys_find(config_setting_name(node.setting));

		if (key == NULL || key_is_daemon(key) != (scope == KEY_DAEMON))
			setting_complain_unknown(conf->reader, config_setting_name(node.setting),
				node.label, &node.where, scope);
		else
			apply_node(conf, &node, key, target);
	}
}

static void
read_service_block(struct conf *conf, const struct node *node)
{
	struct reader *reader = conf->reader;
	const char *name = config_setting_name(node->setting);
	struct target target;
	struct block *block;

	if (!is_block(conf, node))
		return;
	block = arena_take(reader->arena, sizeof(*block));
	if (block == NULL)
		return;
	block->name = arena_copy(reader->arena, name, strlen(name));
	block->where = node->where;
	if (block->name == NULL ||
		map_add(reader->blocks_by_name, block->name, strlen(name), block) < 0) {
		conf->text.error = -ENOMEM;
		return;
	}
	*reader->blocks_end = block;
	reader->blocks_end = &block->next;
	target = layer_target(&block->layer);
	read_block(conf, node, KEY_SERVICE, &target);
}

static void
read_daemon(struct conf *conf, const struct node *node)
{
	const struct target target = { .object = &conf->reader->config->daemon,
		.wheres = conf->reader->config->daemon_where,
		.elements = conf->reader->config->daemon_elements };

	if (is_block(conf, node))
		read_block(conf, node, KEY_DAEMON, &target);
}

static void
read_defaults(struct conf *conf, const struct node *node)
{
	struct target target = layer_target(&conf->reader->defaults);

	if (is_block(conf, node))
		read_block(conf, node, KEY_SERVICE, &target);
}

static void
read_services(struct conf *conf, const struct node *node)
{
	int count;

	if (!is_block(conf, node))
		return;
	count = config_setting_length(node->setting);
	for (int i = 0; i < count; i++) {
		struct node child = get_child(conf, node, i);

		read_service_block(conf, &child);
	}
}

static void
read_table(struct conf *conf, const struct node *node)
{
	const char *text = config_setting_get_string(node->setting);
	char name[LABEL_MAX];

	if (text == NULL) {
		complain(conf->reader->complaints, &node->where, node->label,
			"the lines of a table are wanted, as one text in quotes");
		return;
	}
	(void)snprintf(name, sizeof(name), "%s table", conf->file->source.name);
	conf->reader->table_text =
		source_copy(&conf->reader->sources, name, text, strlen(text), SOURCE_BYTES_MAX);
	if (conf->reader->table_text == NULL)
		conf->text.error = -ENOMEM;
	else
		conf->reader->table_text->source.folder = conf->file->source.folder;
}

static const struct {
	const char *name;
	void (*read)(struct conf *conf, const struct node *node);
} sections[] = {
	{ "daemon", read_daemon },
	{ "defaults", read_defaults },
	{ "service", read_services },
	{ "table", read_table },
};

static void
read_section(struct conf *conf, const struct node *node)
{
	const char *names[ARRAY_SIZE(sections) + 1], *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (strcmp(sections[i].name, node->label) == 0) {
			sections[i].read(conf, node);
			return;
		}
		names[i] = sections[i].name;
	}
	names[ARRAY_SIZE(sections)] = NULL;
	nearest = complaint_nearest(node->label, names);
	if (nearest != NULL)
		complain(conf->reader->complaints, &node->where, node->label,
			"there is no such block; did you mean \"%s\"?", nearest);
	else
		complain(conf->reader->complaints, &node->where, node->label,
			"there is no such block; wanted: daemon, defaults, service, table");
}

static void
read_tree(struct conf *conf)
{
	struct node root = { .setting = config_root_setting(&conf->tree) };
	size_t next = 0;
	int count = config_setting_length(root.setting);

	if (conf->text.name_count > 0)
		hook_names(conf, root.setting, &next);
	for (int i = 0; i < count; i++) {
		struct node node = get_child(conf, &root, i);

		read_section(conf, &node);
	}
}

/* What libconfig says about the syntax, at the line where it noticed. */
static void
complain_of_syntax(struct conf *conf)
{
	const char *problem = config_error_text(&conf->tree);
	int line = config_error_line(&conf->tree);
	struct where where = conf_text_place(&conf->text, line > 0 ? (uint32_t)line : 1);

	if (problem != NULL && strcmp(problem, "duplicate setting name") == 0) {
		for (size_t i = 0; i < conf->text.name_count; i++)
			if (conf->text.names[i].where.source == where.source &&
				conf->text.names[i].where.line == where.line)
				where = conf->text.names[i].where;
		complain(conf->reader->complaints, &where, NULL, "the name is there twice");
		return;
	}
	complain(conf->reader->complaints, &where, NULL,
		"%s here, or at the end of what stands before",
		problem != NULL ? problem : "syntax error");
}

int
conf_read(struct reader *reader, const struct source_file *file)
{
	struct conf conf = { .reader = reader, .file = file };
	int error;

	conf_text_make(&conf.text, &reader->sources, file);
	if (conf.text.error == 0 && !conf.text.is_broken) {
		config_init(&conf.tree);
		/* A second fence: whatever libconfig would take for an include is not there. */
		config_set_include_dir(&conf.tree, "/dev/null");
		if (config_read_string(&conf.tree, conf.text.whole.text) == CONFIG_TRUE)
			read_tree(&conf);
		else
			complain_of_syntax(&conf);
		config_destroy(&conf.tree);
	}
	error = conf.text.error;
	conf_text_fini(&conf.text);
	return error;
}
