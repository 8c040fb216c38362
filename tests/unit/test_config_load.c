/* SPDX-License-Identifier: ISC */
/* LINK: @CONFIG src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/base/name.o
 * src/base/prefix.o -lconfig */
/* Reading configurations from files: which are read, what they become, and what is too much.
 * What single mistakes look like is in tests/config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/key_place.h"
#include "config/keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOLDER_MAX 64

struct fixture {
	char folder[FOLDER_MAX];
	struct complaint_list *complaints;
	struct config *config;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	(void)strcpy(fixture->folder, "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	fixture->complaints = complaint_list_new();
	assert_non_null(fixture->complaints);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[FOLDER_MAX + 16];

	(void)config_free(fixture->config);
	(void)complaint_list_free(fixture->complaints);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static const char *
path_in(const struct fixture *fixture, const char *name, char *room)
{
	(void)snprintf(room, PATH_MAX, "%s/%s", fixture->folder, name);
	return room;
}

static void
write_bytes(const struct fixture *fixture, const char *name, const char *bytes, size_t length)
{
	char path[PATH_MAX];
	FILE *file = fopen(path_in(fixture, name, path), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
write_text(const struct fixture *fixture, const char *name, const char *text)
{
	write_bytes(fixture, name, text, strlen(text));
}

static void
make_folder(const struct fixture *fixture, const char *name)
{
	char path[PATH_MAX];

	assert_int_equal(mkdir(path_in(fixture, name, path), 0700), 0);
}

/* Read with that reeve.conf, and the table if it is not NULL. */
static void
load(struct fixture *fixture, const char *conf, const char *table)
{
	char conf_path[PATH_MAX], table_path[PATH_MAX];
	const char *tables[] = { NULL, NULL };
	struct config_paths paths = { .tables = table != NULL ? tables : NULL };

	if (conf != NULL)
		paths.conf = path_in(fixture, conf, conf_path);
	if (table != NULL)
		tables[0] = path_in(fixture, table, table_path);
	fixture->config = config_load(&paths, fixture->complaints);
	assert_non_null(fixture->config);
}

static void
assert_no_complaint(const struct fixture *fixture)
{
	if (complaint_count(fixture->complaints) > 0)
		fail_msg("%s", complaint_message(fixture->complaints, 0));
}

static void
assert_names(const struct fixture *fixture, const char *wanted)
{
	struct textbuf names = TEXTBUF_INIT(4096);

	textbuf_add(&names, "");
	for (uint32_t i = 0; i < fixture->config->service_count; i++)
		textbuf_addf(&names, "%s ", fixture->config->services[i].name);
	assert_string_equal(names.text, wanted);
	textbuf_fini(&names);
}

static void
assert_message(const struct fixture *fixture, const char *part)
{
	for (size_t i = 0; complaint_message(fixture->complaints, i) != NULL; i++)
		if (strstr(complaint_message(fixture->complaints, i), part) != NULL)
			return;
	fail_msg("no complaint holds \"%s\"", part);
}

static void
without_any_file_there_are_no_services_and_no_complaints(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "reeve.conf", NULL);
	assert_no_complaint(fixture);
	assert_names(fixture, "");
	assert_int_equal(fixture->config->daemon.grace, 10000);
}

static void
a_named_file_that_is_missing_is_a_mistake(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];
	struct config_paths paths = { .conf = path_in(fixture, "reeve.conf", path),
		.is_conf_required = true };

	load(fixture, NULL, "services");
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "/services: cannot be read: No such file");
	(void)config_free(fixture->config);
	fixture->config = config_load(&paths, fixture->complaints);
	assert_int_equal(complaint_count(fixture->complaints), 2);
	assert_message(fixture, "/reeve.conf: cannot be read: No such file");
}

static void
tables_beside_reeve_conf_are_read_in_the_order_of_their_names(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "services", "own 1/tcp builtin:echo\n");
	make_folder(fixture, "services.d");
	write_text(fixture, "services.d/20", "second 2/tcp builtin:echo\n");
	write_text(fixture, "services.d/10", "first 3/tcp builtin:echo\n");
	write_text(fixture, "services.d/Z", "between 4/tcp builtin:echo\n");
	write_text(fixture, "services.d/.10", "hidden 5/tcp builtin:echo\n");
	write_text(fixture, "services.d/10~", "backup 6/tcp builtin:echo\n");
	make_folder(fixture, "services.d/15");
	load(fixture, "reeve.conf", NULL);
	assert_no_complaint(fixture);
	assert_names(fixture, "own first second between ");
}

static void
tables_that_the_caller_names_replace_those_of_reeve_conf(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "reeve.conf", "defaults: { instances = 7; };\ntable = \"x\";\n");
	write_text(fixture, "services", "own 1/tcp builtin:echo\n");
	write_text(fixture, "other", "named 2/tcp builtin:echo\n");
	load(fixture, "reeve.conf", "other");
	assert_no_complaint(fixture);
	assert_names(fixture, "named ");
	assert_int_equal(fixture->config->services[0].keys->instances, 7);
}

static void
a_table_inside_reeve_conf_replaces_the_files_beside_it(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "reeve.conf", "table = \"inside 1/tcp builtin:echo\\n\";\n");
	write_text(fixture, "services", "beside 2/tcp builtin:echo\n");
	load(fixture, "reeve.conf", NULL);
	assert_no_complaint(fixture);
	assert_names(fixture, "inside ");
}

static void
what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];

	assert_int_equal(mkfifo(path_in(fixture, "fifo", path), 0600), 0);
	load(fixture, NULL, "fifo");
	assert_message(fixture, "/fifo: cannot be read: it is no regular file");
	(void)config_free(fixture->config);
	load(fixture, NULL, ".");
	assert_message(fixture, "it is a folder");
}

static void
a_file_above_64_mib_is_refused_unread(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];

	write_text(fixture, "services", "");
	assert_int_equal(truncate(path_in(fixture, "services", path), (64 << 20) + 1), 0);
	load(fixture, NULL, "services");
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "larger than 64 MiB");
}

static void
a_line_of_10_megabytes_is_told_shortly_and_the_rest_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct textbuf text = TEXTBUF_INIT((size_t)16 << 20);
	struct textbuf shown = TEXTBUF_INIT(1 << 20);
	static char block[1 << 20];

	memset(block, 'x', sizeof(block));
	textbuf_add(&text, "a 1/tcp builtin:echo\nb 2/tcp builtin:echo ");
	for (int i = 0; i < 10; i++)
		textbuf_add_bytes(&text, block, sizeof(block));
	textbuf_add(&text, "\nc 3/tcp builtin:echo\n");
	write_bytes(fixture, "services", text.text, text.length);
	load(fixture, NULL, "services");
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "/services:2:65537: the line is 10485781 bytes long");
	complaint_list_show(fixture->complaints, &shown);
	assert_true(shown.length < 1000);
	assert_names(fixture, "a c ");
	textbuf_fini(&text);
	textbuf_fini(&shown);
}

static void
includes_begin_in_the_folder_of_the_file_that_says_them(void **state)
{
	struct fixture *fixture = *state;

	make_folder(fixture, "sub");
	make_folder(fixture, "sub/deeper");
	write_text(fixture, "reeve.conf", "@include \"sub/a.conf\"\ndefaults: { idle = 5; };\n");
	write_text(fixture, "sub/a.conf", "\t@include \"deeper/b.conf\" // there\n");
	write_text(fixture, "sub/deeper/b.conf", "daemon: { grace = 7;\n@include \"c.conf\"\n};");
	write_text(fixture, "sub/deeper/c.conf", "gates = 3");
	load(fixture, "reeve.conf", NULL);
	assert_no_complaint(fixture);
	assert_int_equal(fixture->config->daemon.grace, 7000);
	assert_int_equal(fixture->config->daemon.gates, 3);
}

static void
what_looks_like_an_include_inside_comments_and_texts_is_none(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "reeve.conf",
		"/*\n@include \"no.conf\"\n*/\n# \"\n// \" /*\n"
		"table = \"# \\\"\n@include no.conf\n\";\ndefaults: { idle = 5; }; # /*\n");
	load(fixture, "reeve.conf", NULL);
	/* It is a line of the table, and a wrong one. */
	assert_int_equal(complaint_count(fixture->complaints), 2);
	assert_message(fixture, "/reeve.conf table:2:10: \"no.conf\" is no protocol");
}

static void
includes_more_than_ten_deep_are_a_mistake(void **state)
{
	struct fixture *fixture = *state;
	char name[32], text[64];

	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "%d.conf", i);
		(void)snprintf(text, sizeof(text), "@include \"%d.conf\"\n", i + 1);
		write_text(fixture, name, text);
	}
	load(fixture, "0.conf", NULL);
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "10.conf:1:10: files include each other more than 10 deep");
}

static void
an_include_of_a_text_is_a_mistake_and_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "@include \"/etc/passwd\"\n";

	fixture->config = config_load_text("text", text, strlen(text), fixture->complaints);
	assert_non_null(fixture->config);
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "text:1:1: nothing can be included here");
}

static void
a_text_looks_up_neither_ports_nor_folders(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] =
		"table = \"a daytime/tcp builtin:echo\\nb 2/tcp file=x builtin:qotd\";\n";

	fixture->config = config_load_text("text", text, strlen(text), fixture->complaints);
	assert_non_null(fixture->config);
	assert_int_equal(complaint_count(fixture->complaints), 2);
	assert_message(fixture, "text table:1:3: the port of \"daytime\" is not looked up here");
	assert_message(fixture, "text table:2:9: file: \"x\" is relative");
}

static void
a_service_block_that_may_belong_to_an_unread_line_is_not_called_unused(void **state)
{
	struct fixture *fixture = *state;

	write_text(fixture, "reeve.conf", "service: { a: { idle = 5; }; };\n");
	write_text(fixture, "services", "a 1/tcp \"open builtin:echo\n");
	load(fixture, "reeve.conf", NULL);
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "the quote is not closed");
}

static void
the_two_halves_of_tcp_share_a_port_that_the_kernel_picks(void **state)
{
	struct fixture *fixture = *state;
	const struct endpoint *endpoints;

	write_text(fixture, "services", "a 0/udp4,tcp builtin:echo\nb 7/tcp builtin:echo\n");
	load(fixture, NULL, "services");
	assert_no_complaint(fixture);
	endpoints = fixture->config->services[0].endpoints;
	assert_int_equal(fixture->config->services[0].endpoint_count, 3);
	assert_int_equal(endpoints[0].protocol, PROTOCOL_UDP4);
	assert_int_equal(endpoints[0].twin, 0);
	assert_int_equal(endpoints[1].protocol, PROTOCOL_TCP4);
	assert_int_equal(endpoints[1].twin, 1);
	assert_false(endpoints[1].is_optional);
	assert_int_equal(endpoints[2].protocol, PROTOCOL_TCP6);
	assert_int_equal(endpoints[2].twin, 1);
	assert_true(endpoints[2].is_optional);
	assert_int_equal(endpoints[2].address.family, AF_INET6);
	endpoints = fixture->config->services[1].endpoints;
	assert_int_equal(endpoints[1].address.port, 7);
	assert_int_equal(endpoints[1].twin, 1);
}

static void
an_address_leaves_only_the_half_that_fits(void **state)
{
	struct fixture *fixture = *state;
	const struct service_config *service;

	write_text(fixture, "services",
		"a [::1]:0/tcp builtin:echo\nb 127.0.0.1:7000-7002/udp builtin:echo\n");
	load(fixture, NULL, "services");
	assert_no_complaint(fixture);
	service = &fixture->config->services[0];
	assert_int_equal(service->endpoint_count, 1);
	assert_int_equal(service->endpoints[0].protocol, PROTOCOL_TCP6);
	assert_false(service->endpoints[0].is_optional);
	assert_int_equal(service->endpoints[0].twin, 0);
	service = &fixture->config->services[1];
	assert_int_equal(service->endpoint_count, 3);
	assert_int_equal(service->endpoints[2].protocol, PROTOCOL_UDP4);
	assert_int_equal(service->endpoints[2].address.port, 7002);
}

static void
every_complaint_of_reading_and_checking_comes_in_one_run(void **state)
{
	struct fixture *fixture = *state;
	struct config_host host = { .first_free_port = 1024, .uid = 12345, .descriptors = 1000 };

	write_text(fixture, "services",
		"a 7/tpc instances=0 builtin:ehco\nb 9/tcp user=root /no/such/program\n");
	load(fixture, NULL, "services");
	config_check(fixture->config, &host, fixture->complaints);
	assert_message(fixture, "services:1:5: \"tpc\" is no protocol");
	assert_message(fixture, "services:1:9: instances: 0 is outside");
	assert_message(fixture, "services:1:21: there is no built-in \"ehco\"");
	assert_message(fixture, "services:2:3: no permission to bind port 9");
	assert_message(fixture, "services:2:9: user: needs root");
	assert_message(fixture, "services:2:19: cannot start \"/no/such/program\"");
	assert_int_equal(complaint_count(fixture->complaints), 6);
}

static bool
is_port_9(const void *owner, const struct service_config *service, const struct endpoint *endpoint)
{
	assert_string_equal(owner, "owner");
	assert_non_null(service->name);
	return endpoint->address.port == 9;
}

static void
a_socket_that_was_handed_in_needs_no_permission(void **state)
{
	struct fixture *fixture = *state;
	struct config_host host = { .first_free_port = 1024,
		.uid = 12345,
		.descriptors = 1000,
		.is_handed_in = is_port_9,
		.owner = "owner" };

	write_text(fixture, "services", "a 9/tcp builtin:echo\nb 7/tcp builtin:echo\n");
	load(fixture, NULL, "services");
	config_check(fixture->config, &host, fixture->complaints);
	assert_int_equal(complaint_count(fixture->complaints), 1);
	assert_message(fixture, "services:2:3: no permission to bind port 7");
}

static void
the_host_is_asked_without_surprise(void **state)
{
	struct config_host host;

	(void)state;
	config_host_ask(&host);
	assert_int_equal(host.is_root, geteuid() == 0);
	assert_int_equal(host.uid, geteuid());
	assert_true(host.descriptors > 0);
	assert_null(host.is_handed_in);
}

/* Lists, words and paths: whatever a value could borrow from the text. */
static const char rich_text[] =
	"daemon = { log = \"stderr\"; names_servers = [\"10.0.0.1\"]; };\n"
	"defaults = { backlog = 9; only_from = [\"10.0.0.0/8\", \"127.0.0.1\"]; };\n"
	"service = { b: { env = [\"A=1\", \"B=2\"]; banner = \"hello\"; }; };\n"
	"table = \"a 1/tcp no_access=10.1.1.1 builtin:echo\\n"
	"b 127.0.0.1:2/tcp user=nobody cwd=/tmp /bin/echo 'a b' c\\nc /run/c/unix "
	"builtin:echo\";\n";

static void
a_reader_that_keeps_no_places_reads_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct textbuf with = TEXTBUF_INIT(1 << 16), without = TEXTBUF_INIT(1 << 16);
	struct config *bare =
		config_load_bare("text", rich_text, strlen(rich_text), fixture->complaints);

	fixture->config =
		config_load_text("text", rich_text, strlen(rich_text), fixture->complaints);
	assert_no_complaint(fixture);
	assert_non_null(bare);
	assert_int_equal(bare->service_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_non_null(fixture->config->services[i].wheres);
		assert_null(bare->services[i].wheres);
	}
	assert_int_equal(bare->source_count, 0);
	assert_null(bare->sources);
	assert_null(bare->daemon_where);
	assert_null(bare->daemon_elements);
	assert_int_equal(config_print(fixture->config, &with), 0);
	assert_int_equal(config_print(bare, &without), 0);
	assert_string_equal(with.text, without.text);
	(void)config_free(bare);
	textbuf_fini(&with);
	textbuf_fini(&without);
}

static void
a_reader_that_keeps_no_places_still_tells_those_of_mistakes(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "daemon = { gates = 1; gate = 2; };\n"
				   "defaults = { backlog = 0; };\n"
				   "service = { z: { idle = 5; }; };\n"
				   "table = \"a 1/tcp idle=1 idle=2 builtin:echo\\nb 2/tpc x\";\n";
	struct complaint_list *bare = complaint_list_new();
	struct textbuf with = TEXTBUF_INIT(1 << 16), without = TEXTBUF_INIT(1 << 16);

	fixture->config = config_load_text("text", text, strlen(text), fixture->complaints);
	assert_non_null(bare);
	(void)config_free(config_load_bare("text", text, strlen(text), bare));
	assert_true(complaint_count(bare) >= 5);
	complaint_list_show(fixture->complaints, &with);
	complaint_list_show(bare, &without);
	assert_string_equal(with.text, without.text);
	(void)complaint_list_free(bare);
	textbuf_fini(&with);
	textbuf_fini(&without);
}

/* 10,000 services with all that can be slow: a conflict to find on each port, a file and a user
 * to look at for each. The bound is far above what it takes (tens of milliseconds), and far below
 * what anything quadratic would. */
static void
ten_thousand_services_are_no_work(void **state)
{
	struct fixture *fixture = *state;
	struct config_host host = {
		.is_root = true, .may_bind_low_ports = true, .descriptors = 1000000
	};
	struct textbuf table = TEXTBUF_INIT((size_t)1 << 24), text = TEXTBUF_INIT((size_t)1 << 24);
	struct config *again;
	clock_t begin;

	for (int i = 0; i < 10000; i++)
		textbuf_addf(&table, "s%d 127.%d.%d.1:7/tcp,udp user=nobody env=I=%d /bin/true\n",
			i, i / 200, i % 200, i);
	write_bytes(fixture, "services", table.text, table.length);
	begin = clock();
	load(fixture, NULL, "services");
	for (uint32_t i = 0; i < fixture->config->service_count; i++)
		fixture->config->services[i].endpoint_count = 1; /* programs serve no udp */
	config_check(fixture->config, &host, fixture->complaints);
	assert_no_complaint(fixture);
	assert_int_equal(config_print(fixture->config, &text), 0);
	again = config_load_text("text", text.text, text.length, fixture->complaints);
	assert_non_null(again);
	assert_no_complaint(fixture);
	assert_int_equal(again->service_count, 10000);
	assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
	(void)config_free(again);
	textbuf_fini(&table);
	textbuf_fini(&text);
}

static void
the_reference_names_every_key_in_every_form(void **state)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	(void)state;
	for (enum config_help form = CONFIG_HELP_TEXT; form <= CONFIG_HELP_DICTIONARY; form++) {
		struct textbuf text = TEXTBUF_INIT(1 << 20);

		config_help(form, &text);
		assert_int_equal(textbuf_error(&text), 0);
		for (size_t i = 0; i < count; i++)
			assert_non_null(strstr(text.text, keys[i].name));
		textbuf_fini(&text);
	}
}

static void
assert_place(const struct service_config *service, size_t place, const char *file, uint32_t line,
	uint32_t column)
{
	const struct key_where *set = key_place_find(service, place);
	const char *slash;

	assert_non_null(set);
	slash = strrchr(set->where.source->name, '/');
	assert_string_equal(slash + 1, file);
	assert_int_equal(set->where.line, line);
	assert_int_equal(set->where.column, column);
}

static void
services_that_take_the_same_from_elsewhere_share_its_places(void **state)
{
	struct fixture *fixture = *state;
	const struct service_config *services;

	write_text(fixture, "reeve.conf",
		"defaults: {\n\tbacklog = 9;\n\tno_access = "
		"[\"10.1.1.1\",\n\t\t\"10.1.1.2\"];\n};\n"
		"service: {\n\td: { queue = 3; };\n};\n");
	write_text(fixture, "services",
		"a 1/tcp builtin:echo\nb 2/tcp builtin:echo\n"
		"c 3/tcp queue=4 instances=5 builtin:echo\nd 4/tcp builtin:echo\n"
		"e 5/tcp backlog=8 builtin:echo\nf 6/tcp builtin:echo\n");
	load(fixture, "reeve.conf", "services");
	assert_no_complaint(fixture);
	services = fixture->config->services;
	assert_int_equal(services[0].wheres->own.count, 0);
	assert_int_equal(services[0].wheres->common.count, 2);
	for (size_t i = 1; i < 6; i++)
		if (i == 3 || i == 4)
			assert_ptr_not_equal(services[i].wheres->common.list,
				services[0].wheres->common.list);
		else
			assert_ptr_equal(services[i].wheres->common.list,
				services[0].wheres->common.list);
	assert_place(&services[5], KEY_PLACE_backlog, "reeve.conf", 2, 2);
	assert_int_equal(key_place_element(&services[5], KEY_PLACE_no_access, 1)->line, 4);
	assert_place(&services[2], KEY_PLACE_backlog, "reeve.conf", 2, 2);
	assert_place(&services[2], KEY_PLACE_queue, "services", 3, 9);
	assert_place(&services[2], KEY_PLACE_instances, "services", 3, 17);
	assert_place(&services[3], KEY_PLACE_backlog, "reeve.conf", 2, 2);
	assert_place(&services[3], KEY_PLACE_queue, "reeve.conf", 7, 7);
	assert_place(&services[4], KEY_PLACE_backlog, "services", 5, 9);
	assert_false(key_place_is_set(&services[4], KEY_PLACE_queue));
	assert_ptr_equal(key_place_where(&services[4], KEY_PLACE_queue), &services[4].wheres->name);
}

/* Whatever keys come from where: each is met once, in the order of the keys. */
static void
the_places_of_a_service_are_gone_through_in_the_order_of_its_keys(void **state)
{
	static const size_t wanted[] = { KEY_PLACE_instances, KEY_PLACE_backlog, KEY_PLACE_queue,
		KEY_PLACE_idle };
	struct fixture *fixture = *state;
	const struct key_where *set;
	size_t met = 0;

	write_text(fixture, "reeve.conf", "defaults: { instances = 3; queue = 9; };\n");
	write_text(fixture, "services", "a 1/tcp idle=8 backlog=5 builtin:echo\n");
	load(fixture, "reeve.conf", "services");
	assert_no_complaint(fixture);
	for (set = key_place_next(fixture->config->services, 0); set != NULL;
		set = key_place_next(fixture->config->services, set->place + 1)) {
		assert_in_range(met, 0, ARRAY_SIZE(wanted) - 1);
		assert_int_equal(set->place, wanted[met++]);
	}
	assert_int_equal(met, ARRAY_SIZE(wanted));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(without_any_file_there_are_no_services_and_no_complaints),
		CLAIM(a_named_file_that_is_missing_is_a_mistake),
		CLAIM(tables_beside_reeve_conf_are_read_in_the_order_of_their_names),
		CLAIM(tables_that_the_caller_names_replace_those_of_reeve_conf),
		CLAIM(a_table_inside_reeve_conf_replaces_the_files_beside_it),
		CLAIM(what_is_no_regular_file_is_refused_without_waiting),
		CLAIM(a_file_above_64_mib_is_refused_unread),
		CLAIM(a_line_of_10_megabytes_is_told_shortly_and_the_rest_is_read),
		CLAIM(includes_begin_in_the_folder_of_the_file_that_says_them),
		CLAIM(what_looks_like_an_include_inside_comments_and_texts_is_none),
		CLAIM(includes_more_than_ten_deep_are_a_mistake),
		CLAIM(an_include_of_a_text_is_a_mistake_and_opens_nothing),
		CLAIM(a_text_looks_up_neither_ports_nor_folders),
		CLAIM(a_service_block_that_may_belong_to_an_unread_line_is_not_called_unused),
		CLAIM(the_two_halves_of_tcp_share_a_port_that_the_kernel_picks),
		CLAIM(an_address_leaves_only_the_half_that_fits),
		CLAIM(every_complaint_of_reading_and_checking_comes_in_one_run),
		CLAIM(a_socket_that_was_handed_in_needs_no_permission),
		cmocka_unit_test(the_host_is_asked_without_surprise),
		CLAIM(services_that_take_the_same_from_elsewhere_share_its_places),
		CLAIM(the_places_of_a_service_are_gone_through_in_the_order_of_its_keys),
		CLAIM(a_reader_that_keeps_no_places_reads_the_same),
		CLAIM(a_reader_that_keeps_no_places_still_tells_those_of_mistakes),
		CLAIM(ten_thousand_services_are_no_work),
		cmocka_unit_test(the_reference_names_every_key_in_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
