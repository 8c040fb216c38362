/* SPDX-License-Identifier: ISC */
/* LINK: @CONFIG src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/base/name.o
 * src/base/prefix.o -lconfig */
/* Configurations and what they must give, file by file in tests/config:
 *
 *   bad/NAME.conf or NAME.services    -> bad/NAME.expected, the exact complaints
 *   good/NAME.conf or NAME.services   -> good/NAME.canonical, the exact print, which has to be
 *                                        read back and printed to the same bytes
 *
 * A .services file is a case of its own unless there is a .conf of its name. The host they are
 * checked against is a plain user who may bind every port; the words "host: root", "host: root
 * in a user namespace" or "host: low ports" in the first line change that. UPDATE=1 writes what is
 * expected anew. Runs in the tree's top folder. */
#include "config/config.h"
#include "config/meaning.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 22)
#define NOBODY_WE_ARE 54321

static void
must(bool is_so, const char *what)
{
	if (!is_so) {
		(void)printf("Bail out! %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

static void
read_file(const char *name, struct textbuf *text)
{
	FILE *file = fopen(name, "re");
	char bytes[4096];
	size_t count;

	if (file == NULL)
		return;
	while ((count = fread(bytes, 1, sizeof(bytes), file)) > 0)
		textbuf_add_bytes(text, bytes, count);
	(void)fclose(file);
}

static void
write_file(const char *name, const struct textbuf *text)
{
	FILE *file = fopen(name, "we");

	must(file != NULL, name);
	must(fwrite(text->text, 1, text->length, file) == text->length, name);
	must(fclose(file) == 0, name);
}

/* Paths below this folder are written without it, wherever the tree stands. */
static void
add_without_folder(struct textbuf *out, const char *text)
{
	char folder[PATH_MAX];
	const char *found;

	must(getcwd(folder, sizeof(folder) - 1) != NULL, "getcwd");
	(void)strcat(folder, "/");
	while ((found = strstr(text, folder)) != NULL) {
		textbuf_add_bytes(out, text, (size_t)(found - text));
		text = found + strlen(folder);
	}
	textbuf_add(out, text);
}

static struct config_host
host_of(const char *name)
{
	struct config_host host = { .may_bind_low_ports = true,
		.first_free_port = 1024,
		.uid = NOBODY_WE_ARE,
		.descriptors = 100000,
		.descriptors_most = 1000000 };
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	char first[128] = "";

	read_file(name, &text);
	if (text.text != NULL)
		(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(text.text, "\r\n"),
			text.text);
	textbuf_fini(&text);
	for (size_t i = 0; i < CONFIG_RLIMITS; i++)
		host.limits[i] = (struct config_limit){ CONFIG_UNLIMITED, CONFIG_UNLIMITED };
	host.limits[CONFIG_RLIMIT_NOFILE] = (struct config_limit){ 1024, 100000 };
	host.limits[CONFIG_RLIMIT_NICE] = (struct config_limit){ 0, 0 };
	host.limits[CONFIG_RLIMIT_RTPRIO] = (struct config_limit){ 0, 0 };
	host.is_root = strstr(first, "host: root") != NULL;
	if (host.is_root)
		host.capabilities = UINT64_MAX;
	if (host.is_root && strstr(first, "in a user namespace") == NULL)
		host.host_rights = UINT64_MAX;
	if (strstr(first, "host: low ports") != NULL)
		host.may_bind_low_ports = false;
	return host;
}

static struct config *
load(const char *name, struct complaint_list *complaints)
{
	const char *const tables[] = { name, NULL };
	bool is_conf = strcmp(strrchr(name, '.'), ".conf") == 0;
	struct config_paths paths = {
		.conf = is_conf ? name : NULL,
		.tables = is_conf ? NULL : tables,
		.is_conf_required = true,
	};
	struct config_host host = host_of(name);
	struct config *config = config_load(&paths, complaints);

	must(config != NULL, name);
	config_check(config, &host, complaints);
	return config;
}

/* Compare with the file of what is expected, or write it. */
static bool
is_expected(const char *name, const char *ending, const char *text)
{
	struct textbuf got = TEXTBUF_INIT(TEXT_MAX), wanted = TEXTBUF_INIT(TEXT_MAX);
	char file[NAME_MAX];
	bool is_same;

	(void)snprintf(file, sizeof(file), "%.*s%s", (int)(strrchr(name, '.') - name), name,
		ending);
	add_without_folder(&got, text);
	if (getenv("UPDATE") != NULL)
		write_file(file, &got);
	read_file(file, &wanted);
	is_same = wanted.text != NULL && strcmp(wanted.text, got.text) == 0;
	if (!is_same)
		(void)printf("# wanted:\n%s\n# got:\n%s\n",
			wanted.text != NULL ? wanted.text : "(no such file)", got.text);
	textbuf_fini(&got);
	textbuf_fini(&wanted);
	return is_same;
}

static bool
bad_is_as_expected(const char *name)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf shown = TEXTBUF_INIT(TEXT_MAX);
	struct config *config;
	bool is_right;

	must(complaints != NULL, name);
	config = load(name, complaints);
	/* A list is shown after its config has gone, too. */
	(void)config_free(config);
	textbuf_add(&shown, "");
	complaint_list_show(complaints, &shown);
	is_right = complaint_count(complaints) > 0 && is_expected(name, ".expected", shown.text);
	(void)complaint_list_free(complaints);
	textbuf_fini(&shown);
	return is_right;
}

/* Read a canonical text back and print it again. */
static bool
comes_back(const struct textbuf *printed, struct complaint_list *complaints)
{
	struct textbuf again = TEXTBUF_INIT(TEXT_MAX);
	struct config *config =
		config_load_text("printed", printed->text, printed->length, complaints);
	bool is_same;

	must(config != NULL, "config_load_text");
	must(config_print(config, &again) == 0, "config_print");
	is_same = complaint_count(complaints) == 0 && strcmp(printed->text, again.text) == 0;
	(void)config_free(config);
	textbuf_fini(&again);
	return is_same;
}

static bool
good_is_as_expected(const char *name)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf printed = TEXTBUF_INIT(TEXT_MAX), shown = TEXTBUF_INIT(TEXT_MAX);
	struct config *config;
	bool is_right;

	must(complaints != NULL, name);
	config = load(name, complaints);
	must(config_print(config, &printed) == 0, "config_print");
	is_right = complaint_count(complaints) == 0 &&
		is_expected(name, ".canonical", printed.text) && comes_back(&printed, complaints);
	complaint_list_show(complaints, &shown);
	if (shown.text != NULL)
		(void)printf("# complaints:\n%s", shown.text);
	(void)config_free(config);
	(void)complaint_list_free(complaints);
	textbuf_fini(&printed);
	textbuf_fini(&shown);
	return is_right;
}

static bool
ends_in(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);

	return length > ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static int
is_case(const struct dirent *entry)
{
	char conf[NAME_MAX + 8];

	if (ends_in(entry->d_name, ".conf"))
		return strncmp(entry->d_name, "part-", 5) != 0;
	if (!ends_in(entry->d_name, ".services"))
		return 0;
	(void)snprintf(conf, sizeof(conf), "%.*s.conf",
		(int)(strlen(entry->d_name) - strlen(".services")), entry->d_name);
	return access(conf, F_OK) < 0;
}

static unsigned int
run_folder(const char *folder, bool (*is_as_expected)(const char *name), unsigned int *number)
{
	char top[PATH_MAX];
	struct dirent **cases;
	unsigned int failed = 0;
	int count;

	must(getcwd(top, sizeof(top)) != NULL, "getcwd");
	must(chdir(folder) == 0, folder);
	count = scandir(".", &cases, is_case, alphasort);
	must(count > 0, folder);
	for (int i = 0; i < count; i++) {
		bool is_right = is_as_expected(cases[i]->d_name);

		(void)printf("%sok %u - %s/%s\n", is_right ? "" : "not ", ++*number, folder,
			cases[i]->d_name);
		failed += !is_right;
		free(cases[i]);
	}
	free(cases);
	must(chdir(top) == 0, top);
	return failed;
}

int
main(void)
{
	unsigned int number = 0, failed;

	failed = run_folder("tests/config/bad", bad_is_as_expected, &number);
	failed += run_folder("tests/config/good", good_is_as_expected, &number);
	(void)printf("1..%u\n", number);
	return failed > 0;
}
