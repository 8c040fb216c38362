/* SPDX-License-Identifier: ISC */
/* order: the counter where everybody gets what was ordered. For each message it answers
 * "vous m'avez demandé : <message> bien reçu 5 / 5"; after the answer to "fin" it ends.
 *
 * It is a program like any other: the client is on descriptors 0 and 1, and reeve starts one for
 * each client. TCP keeps no borders between messages. What one read returns counts as one here,
 * which holds for clients that wait for each answer. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024
#define BEFORE "vous m'avez demandé : " /* this file is UTF-8, and so is the answer */
#define AFTER " bien reçu 5 / 5"

/* A socket may take less than it was given; the rest is ours to offer again. */
static int
write_all(int out_fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(out_fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* One message, without the line end that people with nc send and programs do not. 1: there is
 * one, be it empty; 0: the client has no more to say; or -errno. */
static int
read_message(int in_fd, char *message, size_t *ret_length)
{
	ssize_t length;

	do
		length = read(in_fd, message, MESSAGE_MAX);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if (length == 0)
		return 0;
	if (message[length - 1] == '\n') {
		length--;
		if (length > 0 && message[length - 1] == '\r')
			length--;
	}
	*ret_length = (size_t)length;
	return 1;
}

/* In one write, so that a client that reads once gets all of it. The message may hold any byte,
 * so it is copied by its length. */
static int
answer(int out_fd, const char *message, size_t length)
{
	char text[sizeof(BEFORE) + MESSAGE_MAX + sizeof(AFTER)];
	char *end = text;

	end = mempcpy(end, BEFORE, strlen(BEFORE));
	end = mempcpy(end, message, length);
	end = mempcpy(end, AFTER, strlen(AFTER));
	return write_all(out_fd, text, (size_t)(end - text));
}

static bool
is_last(const char *message, size_t length)
{
	return length == strlen("fin") && memcmp(message, "fin", length) == 0;
}

int
main(void)
{
	char message[MESSAGE_MAX];
	size_t length = 0;
	int result;

	while ((result = read_message(STDIN_FILENO, message, &length)) > 0) {
		result = answer(STDOUT_FILENO, message, length);
		if (result < 0 || is_last(message, length))
			break;
	}
	if (result < 0) {
		(void)fprintf(stderr, "order: %s\n", strerror(-result)); /* into the log */
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
