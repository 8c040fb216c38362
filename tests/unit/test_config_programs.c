/* SPDX-License-Identifier: ISC */
/* LINK: @CONFIG src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/base/name.o
 * src/base/prefix.o -lconfig */
/* Programs that could not start, found when the configuration is read: their files, what those
 * need, and who may get there. What has no file of its own is in tests/config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/key_place.h"
#include "config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct fixture {
	char folder[64];
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
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	*state = fixture;
	return 0;
}

static void
forget(struct fixture *fixture)
{
	fixture->config = config_free(fixture->config);
	fixture->complaints = complaint_list_free(fixture->complaints);
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	forget(fixture);
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
write_file(const struct fixture *fixture, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	FILE *file = fopen(path_in(fixture, name, path), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
make_folder(const struct fixture *fixture, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	assert_int_equal(mkdir(path_in(fixture, name, path), 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* A program with a loader. */
static void
copy_ourselves(const struct fixture *fixture, const char *name)
{
	char path[PATH_MAX], bytes[4096];
	FILE *from = fopen("/proc/self/exe", "re");
	FILE *to = fopen(path_in(fixture, name, path), "we");
	size_t length;

	assert_non_null(from);
	assert_non_null(to);
	while ((length = fread(bytes, 1, sizeof(bytes), from)) > 0)
		assert_int_equal(fwrite(bytes, 1, length, to), length);
	assert_int_equal(fclose(from), 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

/* Check one service with those keys and that handler; in both, a % is the fixture's folder. */
static void
check(struct fixture *fixture, const char *keys_and_handler)
{
	struct config_host host = {
		.is_root = true,
		.may_bind_low_ports = true,
		.descriptors = 100000,
		.descriptors_most = 100000,
		.capabilities = UINT64_MAX,
		.host_rights = UINT64_MAX,
	};
	struct textbuf text = TEXTBUF_INIT(PATH_MAX * 4);

	forget(fixture);
	fixture->complaints = complaint_list_new();
	assert_non_null(fixture->complaints);
	textbuf_add(&text, "table = \"it 10001/tcp ");
	for (const char *at = keys_and_handler; *at != '\0'; at++)
		textbuf_addf(&text, *at == '%' ? "%s" : "%.1s", *at == '%' ? fixture->folder : at);
	textbuf_add(&text, "\";");
	fixture->config = config_load_text("text", text.text, text.length, fixture->complaints);
	assert_non_null(fixture->config);
	config_check(fixture->config, &host, fixture->complaints);
	textbuf_fini(&text);
}

static void
assert_right(struct fixture *fixture, const char *keys_and_handler)
{
	check(fixture, keys_and_handler);
	if (complaint_count(fixture->complaints) > 0)
		fail_msg("%s", complaint_message(fixture->complaints, 0));
}

static void
assert_wrong(struct fixture *fixture, const char *keys_and_handler, const char *complaint)
{
	check(fixture, keys_and_handler);
	assert_int_equal(complaint_count(fixture->complaints), 1);
	if (strstr(complaint_message(fixture->complaints, 0), complaint) == NULL)
		fail_msg("not \"%s\": %s", complaint, complaint_message(fixture->complaints, 0));
}

static void
a_script_needs_its_interpreter(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "good", "#!/bin/sh -e\necho\n", 0755);
	assert_right(fixture, "user=root %/good");
	write_file(fixture, "blank", "#! \t/bin/sh\n", 0755);
	assert_right(fixture, "user=root %/blank");
	write_file(fixture, "lost", "#!/no/such/interpreter -x\n", 0755);
	assert_wrong(fixture, "user=root %/lost",
		"its interpreter \"/no/such/interpreter\" is not there");
	write_file(fixture, "carriage", "#!/bin/sh\r\necho\r\n", 0755);
	assert_wrong(fixture, "user=root %/carriage", "its first line ends in a carriage return");
	write_file(fixture, "data", "#!/etc/passwd\n", 0755);
	assert_wrong(fixture, "user=root %/data", "its interpreter \"/etc/passwd\" cannot be run");
}

static void
a_text_without_interpreter_is_no_program(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "text", "echo hello\n", 0755);
	assert_wrong(fixture, "user=root %/text", "that begins with #!");
	write_file(fixture, "empty", "", 0755);
	assert_wrong(fixture, "user=root %/empty", "that begins with #!");
	/* What it is may be registered with binfmt_misc. */
	write_file(fixture, "other", "MZ\x01\x02", 0755);
	assert_right(fixture, "user=root %/other");
	write_file(fixture, "mode", "#!/bin/sh\n", 0644);
	assert_wrong(fixture, "user=root %/mode", "it is not executable");
}

static void
a_cut_off_program_is_read_without_harm(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];

	for (off_t length = 1; length < 400; length += 13) {
		copy_ourselves(fixture, "cut");
		assert_int_equal(truncate(path_in(fixture, "cut", path), length), 0);
		check(fixture, "user=root %/cut");
	}
}

static void
inside_of_a_chroot_everything_is_looked_up_there(void **state)
{
	struct fixture *fixture = *state;

	make_folder(fixture, "jail", 0755);
	make_folder(fixture, "jail/bin", 0755);
	make_folder(fixture, "jail/home", 0755);
	write_file(fixture, "jail/bin/other", "MZ\x01\x02", 0755);
	write_file(fixture, "jail/bin/script", "#!/bin/sh\n", 0755);
	copy_ourselves(fixture, "jail/bin/dynamic");
	assert_right(fixture, "user=root chroot=%/jail cwd=/home /bin/other");
	assert_wrong(fixture, "user=root chroot=%/jail /bin/script",
		"its interpreter \"/bin/sh\" is not there");
	assert_wrong(fixture, "user=root chroot=%/jail /bin/dynamic", "is not there");
	assert_wrong(fixture, "user=root chroot=%/jail %/jail/bin/other", "No such file");
	assert_wrong(fixture, "user=root chroot=%/jail cwd=%/jail/home /bin/other", "cwd: ");
}

/* Linux before 5.6, and valgrind, have no openat2(2). */
static void
need_openat2(void)
{
	if (syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) >= 0 || errno != ENOSYS)
		return;
	print_message("there is no openat2\n");
	skip();
}

static void
a_link_inside_of_a_chroot_never_leads_out(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];

	need_openat2();
	make_folder(fixture, "jail", 0755);
	make_folder(fixture, "jail/bin", 0755);
	write_file(fixture, "jail/bin/other", "MZ\x01\x02", 0755);
	assert_int_equal(symlink("/bin/other", path_in(fixture, "jail/bin/link", path)), 0);
	assert_right(fixture, "user=root chroot=%/jail /bin/link");
	assert_int_equal(symlink("/bin/sh", path_in(fixture, "jail/bin/out", path)), 0);
	assert_wrong(fixture, "user=root chroot=%/jail /bin/out", "No such file");
	assert_int_equal(symlink("../../../bin/other", path_in(fixture, "jail/bin/up", path)), 0);
	assert_right(fixture, "user=root chroot=%/jail /bin/up");
}

static void
the_user_of_a_program_must_be_able_to_reach_it(void **state)
{
	struct fixture *fixture = *state;
	char wanted[PATH_MAX + 32], path[PATH_MAX];

	make_folder(fixture, "open", 0755);
	make_folder(fixture, "closed", 0700);
	write_file(fixture, "open/run", "#!/bin/sh\n", 0755);
	write_file(fixture, "open/mine", "#!/bin/sh\n", 0744);
	write_file(fixture, "closed/run", "#!/bin/sh\n", 0755);
	assert_right(fixture, "user=4000000:4000000 %/open/run");
	(void)snprintf(wanted, sizeof(wanted), "x is missing on %s",
		path_in(fixture, "open/mine", path));
	assert_wrong(fixture, "user=4000000:4000000 %/open/mine", wanted);
	(void)snprintf(wanted, sizeof(wanted), "x is missing on %s",
		path_in(fixture, "closed", path));
	assert_wrong(fixture, "user=4000000:4000000 %/closed/run", wanted);
	assert_wrong(fixture, "user=4000000:4000000 cwd=%/closed %/open/run", "cwd: the user");
	assert_right(fixture, "user=root cwd=%/closed %/open/mine");
	assert_right(fixture, "user=4000000:4000000 capabilities=dac_read_search %/closed/run");
	/* From the chroot on it counts, and what is above does not. */
	make_folder(fixture, "closed/jail", 0755);
	write_file(fixture, "closed/jail/run", "MZ\x01", 0755);
	assert_right(fixture, "user=4000000:4000000 chroot=%/closed/jail cwd=/ /run");
}

static void
a_group_of_the_program_opens_the_way_too(void **state)
{
	struct fixture *fixture = *state;
	char keys[256];
	gid_t group = getegid();

	write_file(fixture, "run", "#!/bin/sh\n", 0710);
	(void)snprintf(keys, sizeof(keys), "user=4000000:%u %%/run", (unsigned int)group);
	assert_right(fixture, keys);
	(void)snprintf(keys, sizeof(keys), "user=4000000:4000000 groups=%u %%/run",
		(unsigned int)group);
	assert_right(fixture, keys);
	assert_wrong(fixture, "user=4000000:4000000 groups= %/run", "x is missing");
}

static void
a_default_that_clashes_is_for_other_services(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] =
		"defaults = { first_byte = 5; idle = 7; stdio = \"pipe\"; per = \"peer\"; };"
		"table = \"a 1/tcp /a\\nb 2/udp wait /b\\nc 3/udp stdio=socket /c\\n"
		"d /d/unix stdio=socket /d\\ne /e/unix /e\\nf 6/tcp,udp first_byte=0 /f\";";
	const struct service_config *services;

	fixture->complaints = complaint_list_new();
	fixture->config = config_load_text("text", text, strlen(text), fixture->complaints);
	assert_non_null(fixture->config);
	assert_int_equal(complaint_count(fixture->complaints), 0);
	services = fixture->config->services;
	assert_int_equal(services[0].keys->first_byte, 5000);
	assert_int_equal(services[0].keys->stdio, CONFIG_STDIO_PIPE);
	assert_int_equal(services[0].keys->per, CONFIG_PER_DATAGRAM);
	assert_int_equal(services[1].keys->first_byte, 0);
	assert_int_equal(services[1].keys->idle, -1);
	assert_int_equal(services[1].keys->stdio, CONFIG_STDIO_SOCKET);
	assert_int_equal(services[2].keys->idle, 7000);
	assert_int_equal(services[2].keys->per, CONFIG_PER_PEER);
	assert_int_equal(services[3].keys->idle, -1);
	/* Over pipes bytes can be counted; that stdio is a default itself does not matter. */
	assert_int_equal(services[4].keys->idle, 7000);
	assert_int_equal(services[5].keys->stdio, CONFIG_STDIO_SOCKET);
	for (const struct key_where *set = key_place_next(&services[1], 0); set != NULL;
		set = key_place_next(&services[1], set->place + 1))
		assert_true(set->where.line > 0);
}

static void
every_key_of_programs_is_refused_on_the_line_of_a_built_in(void **state)
{
	struct fixture *fixture = *state;
	size_t count, refused = 0;
	const struct key *keys = keys_all(&count);
	char line[160], wanted[64];

	for (const struct key *key = keys; key < keys + count; key++) {
		const char *value = key->default_text;

		if (key->reader != KEY_READER_PROGRAM)
			continue;
		if (value == NULL)
			value = key->kind == KEY_RLIMIT ? "1M" : "/a=b";
		(void)snprintf(line, sizeof(line), "%s=%s builtin:echo", key->name, value);
		(void)snprintf(wanted, sizeof(wanted), " %s: is a key for programs", key->name);
		assert_wrong(fixture, line, wanted);
		refused++;
	}
	assert_true(refused > 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_script_needs_its_interpreter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_text_without_interpreter_is_no_program, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_cut_off_program_is_read_without_harm, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(inside_of_a_chroot_everything_is_looked_up_there,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_inside_of_a_chroot_never_leads_out, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(the_user_of_a_program_must_be_able_to_reach_it,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_group_of_the_program_opens_the_way_too, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_default_that_clashes_is_for_other_services,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_key_of_programs_is_refused_on_the_line_of_a_built_in, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
