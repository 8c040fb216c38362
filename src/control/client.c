/* SPDX-License-Identifier: ISC */
/* Connect to the daemon, call, and say what went wrong. */
#include "control/client.h"

#include "control/show.h"
#include "effects/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REPLY_MAX (64U << 20)
#define CALL_MAX (1U << 20)
#define READ_AT_ONCE 65536

struct client {
	int conn_fd;
	int passed_fd;
	const struct control *control;
	const struct control_verb *verb;
	struct varlink_input input;
};

static void
explain_connect(const char *run_dir, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -ENOTDIR:
		control_complain("reeved is not running: no %s/%s (does it have another run "
				 "folder? "
				 "then say --run-dir)",
			run_dir, CONTROL_SOCKET);
		break;
	case -EACCES:
	case -EPERM:
		control_complain("%s/%s: permission denied; root, the daemon's own user and "
				 "members "
				 "of the group %s may connect",
			run_dir, CONTROL_SOCKET, CONTROL_GROUP);
		break;
	default:
		control_complain("%s/%s: %s", run_dir, CONTROL_SOCKET, strerror(-error));
		break;
	}
}

struct client *
client_open(const struct control *control)
{
	struct client *client = calloc(1, sizeof(*client));
	int error = client == NULL ? -ENOMEM : 0;

	if (error == 0) {
		client->control = control;
		client->conn_fd = client->passed_fd = -1;
		client->input = VARLINK_INPUT_INIT(REPLY_MAX);
		error = local_connect(&client->conn_fd, control->run_dir, CONTROL_SOCKET);
	}
	if (error == 0)
		return client;
	explain_connect(control->run_dir, error);
	return client_free(client);
}

void
client_set_patience(struct client *client, unsigned ms)
{
	const struct timeval span = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)setsockopt(client->conn_fd, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof(span));
	(void)setsockopt(client->conn_fd, SOL_SOCKET, SO_SNDTIMEO, &span, sizeof(span));
}

bool
client_is_allowed(const struct control *control)
{
	auto_close int conn_fd = -1;

	return local_connect(&conn_fd, control->run_dir, CONTROL_SOCKET) != -EACCES;
}

struct client *
client_free(struct client *client)
{
	if (client == NULL)
		return NULL;
	if (client->conn_fd >= 0)
		(void)close(client->conn_fd);
	if (client->passed_fd >= 0)
		(void)close(client->passed_fd);
	varlink_input_fini(&client->input);
	free(client);
	return NULL;
}

int
client_call(struct client *client, const struct control_verb *verb, json_t *parameters)
{
	struct textbuf call = TEXTBUF_INIT(CALL_MAX);
	auto_free char *method = NULL;
	int error = asprintf(&method, "%s.%s", CONTROL_INTERFACE, verb->method) < 0 ? -ENOMEM : 0;

	client->verb = verb;
	if (error == 0)
		error = varlink_write_call(&call, method, parameters,
			verb->replies == CONTROL_MANY);
	for (size_t sent = 0; error == 0 && sent < call.length;) {
		ssize_t length =
			local_send(client->conn_fd, call.text + sent, call.length - sent, -1);

		if (length < 0)
			error = (int)length;
		else
			sent += (size_t)length;
	}
	textbuf_fini(&call);
	if (error < 0)
		control_complain("%s: %s", verb->word,
			error == -EPIPE ? "the daemon has closed the connection"
					: strerror(-error));
	return error < 0 ? -1 : 0;
}

/* --- errors of the daemon */

static const char *
member_text(const struct varlink_message *reply, const char *name)
{
	const char *text = json_string_value(json_object_get(reply->parameters, name));

	return text != NULL ? text : "?";
}

static const char *
word_of_parameter(const struct control_verb *verb, const char *name)
{
	for (const struct control_parameter *parameter = verb->parameters; parameter->name != NULL;
		parameter++)
		if (strcmp(parameter->name, name) == 0)
			return parameter->word;
	return name;
}

static void
explain_service(const struct varlink_message *reply)
{
	const char *nearest = json_string_value(json_object_get(reply->parameters, "nearest"));

	if (nearest != NULL)
		control_complain("\"%s\" is no service; did you mean \"%s\"?",
			member_text(reply, "service"), nearest);
	else
		control_complain("\"%s\" is no service; reevectl list names those there are",
			member_text(reply, "service"));
}

static void
explain_error(const struct control_verb *verb, const struct varlink_message *reply)
{
	const char *error = reply->error;

	if (strcmp(error, VARLINK_ERROR("PermissionDenied")) == 0)
		control_complain("%s: permission denied; root and the daemon's own user may, "
				 "you may only look",
			verb->word);
	else if (strcmp(error, VARLINK_ERROR("InvalidParameter")) == 0)
		control_complain("%s: %s: the daemon does not take this value", verb->word,
			word_of_parameter(verb, member_text(reply, "parameter")));
	else if (strcmp(error, VARLINK_ERROR("MethodNotFound")) == 0 ||
		strcmp(error, VARLINK_ERROR("InterfaceNotFound")) == 0)
		control_complain("%s: the daemon is of another version and cannot do this",
			verb->word);
	else if (strcmp(error, CONTROL_ERROR("NoSuchService")) == 0)
		explain_service(reply);
	else if (strcmp(error, CONTROL_ERROR("NoSuchConnection")) == 0)
		control_complain("%s: there is no connection %lld, or no more", verb->word,
			show_number(reply->parameters, "id"));
	else if (strcmp(error, CONTROL_ERROR("Stopping")) == 0)
		control_complain("%s: the daemon is on its way out", verb->word);
	else if (strcmp(error, CONTROL_ERROR("TooLong")) == 0)
		control_complain("%s: the answer would be too long; ask for less", verb->word);
	else if (strcmp(error, CONTROL_ERROR("Failed")) == 0)
		control_complain("%s: %s", verb->word, member_text(reply, "reason"));
	else
		control_complain("%s: the daemon says %s", verb->word, error);
}

/* --- replies */

static const char *
receive_message(struct client *client, size_t *ret_length)
{
	char bytes[READ_AT_ONCE];
	const char *text;
	ssize_t got;

	while ((text = varlink_input_next(&client->input, ret_length)) == NULL) {
		got = local_receive(client->conn_fd, bytes, sizeof(bytes), &client->passed_fd);
		if (got > 0)
			got = varlink_input_add(&client->input, bytes, (size_t)got) < 0 ? -ENOMEM
											: got;
		if (got == 0 || got == -ECONNRESET)
			control_complain("%s: the daemon has closed the connection without an "
					 "answer",
				client->verb->word);
		else if (got < 0)
			control_complain("%s: %s", client->verb->word, strerror((int)-got));
		if (got <= 0)
			return NULL;
	}
	return text;
}

int
client_next(struct client *client, struct varlink_message *ret_reply, int *ret_fd)
{
	size_t length = 0;
	const char *text = receive_message(client, &length);
	const char *wrong = NULL;

	if (text == NULL)
		return -1;
	if (varlink_read_reply(ret_reply, text, length, &wrong) < 0) {
		control_complain("%s: what answers is no reeved: %s", client->verb->word, wrong);
		return -1;
	}
	if (ret_reply->error != NULL) {
		if (client->control->output.is_json)
			(void)show_json(ret_reply->message);
		if (!show_mistakes(ret_reply))
			explain_error(client->verb, ret_reply);
		varlink_message_fini(ret_reply);
		return -1;
	}
	if (ret_fd != NULL)
		*ret_fd = util_take_fd(&client->passed_fd);
	return 1;
}

/* What comes in pieces is one table to people: the rows of the last reply behind those before. */
static void
join_rows(const char *name, json_t **rows, const json_t *reply)
{
	json_t *more = json_object_get(reply, name);

	if (*rows == NULL)
		*rows = json_incref(more);
	else if (json_array_extend(*rows, more) == 0)
		(void)json_object_set((json_t *)(uintptr_t)reply, name, *rows);
}

static const char *
name_of_rows(enum control_id id)
{
	if (id == CONTROL_VERB_connections)
		return "connections";
	return id == CONTROL_VERB_bans ? "bans" : NULL;
}

int
client_run(const struct control *control, const struct control_verb *verb, json_t *parameters,
	int (*show)(const struct control *control, const json_t *reply))
{
	struct client *client = client_open(control);
	json_t *rows = NULL;
	bool continues = true;
	int status = 1;

	if (client == NULL) {
		json_decref(parameters);
		return 1;
	}
	if (client_call(client, verb, parameters) < 0)
		continues = false;
	while (continues) {
		struct varlink_message reply;

		if (client_next(client, &reply, NULL) < 0) {
			status = 1;
			break;
		}
		continues = reply.continues;
		if (control->output.is_json)
			status = show_json(reply.parameters);
		else {
			if (name_of_rows(verb->id) != NULL)
				join_rows(name_of_rows(verb->id), &rows, reply.parameters);
			if (rows == NULL || !continues)
				status = show(control, reply.parameters);
		}
		if (fflush(stdout) != 0) {
			status = 1;
			continues = false;
		}
		varlink_message_fini(&reply);
	}
	json_decref(rows);
	(void)client_free(client);
	return status;
}
