/* SPDX-License-Identifier: ISC */
/* The trial's side of an upgrade: would we be able to go on in the place of the reeved that asks?
 * Its state is standard input; the first line that is written is the answer. */
#include "supervisor/gates.h"
#include "supervisor/legacy.h"
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define COMPLAINTS_MAX (1U << 20)
#define STATE_FD STDIN_FILENO

static int
check_state(void)
{
	struct saved_mistake mistake;

	if (legacy_examine(STATE_FD, &mistake) == 0)
		return 0;
	(void)printf("reeved " REEVE_VERSION " cannot read the running one's state: line %zu: %s\n",
		mistake.line, mistake.what);
	return -EPROTO;
}

/* Its ports are open. One that it has not opened yet is looked at when it is: then, if that fails,
 * the configuration that serves now goes on serving. */
static int
check_config(const struct supervisor_settings *settings)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(COMPLAINTS_MAX);
	struct config_host host;
	struct config *config = NULL;
	int error = 0;

	config_host_ask(&host);
	host.may_bind_low_ports = true;
	if (complaints != NULL)
		config = config_load_checked(&settings->paths, &host, complaints);
	if (config == NULL) {
		complaint_list_show(complaints, &text);
		(void)printf("%s", text.text != NULL ? text.text : strerror(ENOMEM));
		error = -EINVAL;
	}
	textbuf_fini(&text);
	(void)config_free(config);
	(void)complaint_list_free(complaints);
	return error;
}

/* Run it as a gate is run, but for its channel: what it says of itself is its answer. */
static int
ask_version(int program_fd, char *answer, size_t room)
{
	char name[] = "reeve-gate";
	char option[] = "--version";
	char *argv[] = { name, option, NULL };
	auto_close int answer_fd = memfd_create("reeve-version", MFD_CLOEXEC);
	auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int stdio[3] = { null_fd, answer_fd, null_fd };
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environ };
	const struct spawn_plan plan = { .path_fd = program_fd, .argv = argv };
	struct spawn_result result;
	ssize_t length;
	int status;

	if (answer_fd < 0 || null_fd < 0)
		return -errno;
	if (spawn_run(&plan, &start, &result) < 0 || waitpid(result.pid, &status, 0) < 0 ||
		!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -ENOEXEC;
	length = pread(answer_fd, answer, room - 1, 0);
	answer[length > 0 ? length : 0] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return 0;
}

/* Supervisor and gate are of one build, or no gate would ever serve. */
static int
check_gate(void)
{
	char answer[128] = "";
	auto_close int program_fd = gates_open_program();

	if (program_fd < 0)
		(void)printf("there is no reeve-gate beside reeved " REEVE_VERSION ": %s\n",
			strerror(-program_fd));
	else if (ask_version(program_fd, answer, sizeof(answer)) < 0)
		(void)printf("the reeve-gate beside reeved " REEVE_VERSION " cannot be run\n");
	else if (strcmp(answer, "reeve-gate " REEVE_VERSION) != 0)
		(void)printf("the reeve-gate beside reeved " REEVE_VERSION " says it is \"%s\"\n",
			answer);
	else
		return 0;
	return -ENOEXEC;
}

int
upgrade_check_main(const struct supervisor_settings *settings)
{
	int error = priv_clean_start();

	if (error == 0)
		error = check_state();
	if (error == 0)
		error = check_config(settings);
	if (error == 0)
		error = check_gate();
	if (error == 0)
		(void)printf("reeved %s\n", REEVE_VERSION);
	return fflush(stdout) == 0 && error == 0 ? 0 : 1;
}
