/* SPDX-License-Identifier: ISC */
/* The three places where a record can go. After log_sink_open nothing here opens a descriptor or
 * a file, for the gate's sandbox is shut then. */
#include "base/log_sink.h"

#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#define GATHERED_MAX 65536 /* bytes of lines that wait for log_sink_flush */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET "/dev/log"

/* How the bytes leave. */
enum output {
	OUTPUT_NONE,
	OUTPUT_FILE,     /* a regular file, to which we append */
	OUTPUT_PIPE,     /* a pipe or terminal through a non-blocking description of our own */
	OUTPUT_BORROWED, /* one through somebody else's, perhaps blocking: ask before each write */
	OUTPUT_STREAM,   /* a connected stream socket on stderr */
	OUTPUT_DATAGRAM, /* the journal's or syslog's socket */
};

static struct {
	enum log_sink sink;
	enum output output;
	int output_fd;
	int room_fd; /* OUTPUT_BORROWED: epoll, says whether there is room; else -1 */
	const char *identifier;
	pid_t pid; /* asked before the sandbox is shut */
	int facility;
	bool is_cut;               /* OUTPUT_FILE: what it has taken last is no whole line */
	struct sockaddr_un socket; /* OUTPUT_DATAGRAM */
	bool is_heard;             /* somebody was there when it was opened */

	struct textbuf gathered; /* for the outputs that take lines */
	uint64_t lost;

	/* The second that `second_text` shows. */
	time_t second;
	char second_text[32];
} state = {
	.output_fd = -1,
	.room_fd = -1,
	.facility = LOG_DAEMON,
	.gathered.max = GATHERED_MAX,
	.second = -1,
};

/* --- never waiting */

/* One datagram. A connected socket outlives a restart of a journald whose socket systemd holds;
 * a syslogd makes its socket anew, and connect(2) is nothing that a sandboxed gate can do: then
 * the address goes with each datagram. */
static bool
send_datagram(const struct textbuf *datagram)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (send(state.output_fd, datagram->text, datagram->length, flags) >= 0)
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return false;
	return sendto(state.output_fd, datagram->text, datagram->length, flags,
		       (const struct sockaddr *)&state.socket, sizeof(state.socket)) >= 0;
}

/* How much to write at once so that several processes on one pipe do not cut each other's lines:
 * whole lines that the kernel takes as one. A longer line goes alone and takes its chance. */
static size_t
chunk_length(const char *bytes, size_t length)
{
	const char *end;

	if (length <= PIPE_BUF)
		return length;
	end = memrchr(bytes, '\n', PIPE_BUF);
	if (end == NULL)
		end = memchr(bytes + PIPE_BUF, '\n', length - PIPE_BUF);
	return end != NULL ? (size_t)(end - bytes) + 1 : length;
}

/* A disk that becomes full takes a piece of a line. Once there is room again that piece gets an end
 * of its own, and the line comes whole: others may have written behind it meanwhile. */
static ssize_t
write_to_file(const char *bytes, size_t length)
{
	const char *end;
	ssize_t taken;

	if (state.is_cut && write(state.output_fd, "\n", 1) != 1)
		return 0;
	state.is_cut = false;
	taken = write(state.output_fd, bytes, length);
	if (taken <= 0 || (size_t)taken == length)
		return taken;
	end = memrchr(bytes, '\n', (size_t)taken);
	state.is_cut = bytes[taken - 1] != '\n';
	return end != NULL ? end + 1 - bytes : 0;
}

/* Write some of the gathered lines; the number of bytes taken, 0 when none can be now. */
static size_t
write_some(const char *bytes, size_t length)
{
	struct epoll_event writable;
	ssize_t taken = 0;

	switch (state.output) {
	case OUTPUT_FILE:
		taken = write_to_file(bytes, length);
		break;
	case OUTPUT_PIPE:
		taken = write(state.output_fd, bytes, chunk_length(bytes, length));
		break;
	case OUTPUT_BORROWED:
		/* PIPE_BUF is what a pipe that reports room takes without blocking. */
		length = chunk_length(bytes, length);
		if (epoll_wait(state.room_fd, &writable, 1, 0) == 1)
			taken = write(state.output_fd, bytes,
				length < PIPE_BUF ? length : PIPE_BUF);
		break;
	case OUTPUT_STREAM:
		taken = send(state.output_fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case OUTPUT_NONE:
	case OUTPUT_DATAGRAM:
		break;
	}
	return taken > 0 ? (size_t)taken : 0;
}

static void
write_gathered(void)
{
	size_t done = 0;

	while (done < state.gathered.length) {
		size_t taken = write_some(state.gathered.text + done, state.gathered.length - done);
		if (taken == 0)
			break;
		done += taken;
	}
	if (done == 0)
		return;
	state.gathered.length -= done;
	memmove(state.gathered.text, state.gathered.text + done, state.gathered.length + 1);
}

/* The second's text is made once a second; gmtime_r and localtime_r read no file, for
 * log_sink_open has called tzset. */
static void
tell_second(time_t second)
{
	struct tm parts;

	if (second == state.second)
		return;
	if (state.sink == LOG_SINK_SYSLOG) {
		(void)localtime_r(&second, &parts);
		(void)strftime(state.second_text, sizeof(state.second_text), "%b %e %H:%M:%S",
			&parts);
	} else {
		(void)gmtime_r(&second, &parts);
		(void)strftime(state.second_text, sizeof(state.second_text), "%Y-%m-%dT%H:%M:%S",
			&parts);
	}
	state.second = second;
}

/* RFC 3339, in UTC, with milliseconds. */
static void
gather_time(void)
{
	char fraction[] = ".000Z";
	struct timespec now;
	long ms;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	tell_second(now.tv_sec);
	ms = now.tv_nsec / 1000000;
	fraction[1] = (char)('0' + ms / 100);
	fraction[2] = (char)('0' + ms / 10 % 10);
	fraction[3] = (char)('0' + ms % 10);
	textbuf_add(&state.gathered, state.second_text);
	textbuf_add_bytes(&state.gathered, fraction, 5);
}

static void
gather_text(enum log_level level, const struct textbuf *text)
{
	gather_time();
	textbuf_add_bytes(&state.gathered, " ", 1);
	textbuf_add(&state.gathered, log_level_word(level));
	textbuf_add_bytes(&state.gathered, " ", 1);
	textbuf_add_bytes(&state.gathered, text->text, text->length);
}

static void
gather_json(enum log_level level, const struct textbuf *members)
{
	textbuf_add(&state.gathered, "{\"time\":\"");
	gather_time();
	textbuf_addf(&state.gathered, "\",\"level\":\"%s\"", log_level_word(level));
	textbuf_add_bytes(&state.gathered, members->text, members->length);
	textbuf_addf(&state.gathered, ",\"process\":\"%s\",\"process_id\":%d}", state.identifier,
		(int)state.pid);
}

/* One that there was no room for is lost as a whole. */
static void
end_line(size_t length_before)
{
	textbuf_add_bytes(&state.gathered, "\n", 1);
	if (textbuf_error(&state.gathered) == 0)
		return;
	state.gathered.error = 0;
	state.gathered.length = length_before;
	state.lost++;
}

static void
gather_line(enum log_level level, const struct textbuf *text)
{
	size_t length_before = state.gathered.length;

	/* After a hole only its size may follow, and log_flush writes that. */
	if (state.lost > 0) {
		state.lost++;
		return;
	}
	if (state.sink == LOG_SINK_JSON)
		gather_json(level, text);
	else
		gather_text(level, text);
	end_line(length_before);
}

/* https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ by hand: sd_journal_send opens its socket at the
 * first event, which is after the sandbox is shut, and blocks while journald hangs. */
static bool
send_to_journal(enum log_level level, const struct textbuf *text, struct textbuf *packet)
{
	textbuf_addf(packet, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", (int)level,
		state.identifier);
	textbuf_add_bytes(packet, text->text, text->length);
	textbuf_add_bytes(packet, "\n", 1);
	return textbuf_error(packet) == 0 && send_datagram(packet);
}

/* RFC 3164 as local daemons speak it: no host name. */
static bool
send_to_syslog(enum log_level level, const struct textbuf *text, struct textbuf *packet)
{
	tell_second(time(NULL));
	textbuf_addf(packet, "<%d>%s %s[%d]: ", state.facility | (int)level, state.second_text,
		state.identifier, (int)state.pid);
	textbuf_add_bytes(packet, text->text, text->length);
	return textbuf_error(packet) == 0 && send_datagram(packet);
}

/* --- opening */

/* What log_sink_open makes before it touches the sink in use. */
struct opened {
	enum output output;
	int output_fd;
	int room_fd;
	bool is_heard;
	struct sockaddr_un socket;
};

/* Another user's pipe or terminal, or no /proc: to make it non-blocking would be to do so for
 * everybody who has it. epoll rather than poll, because the gate's sandbox has that anyway. */
static int
open_borrowed(struct opened *opened)
{
	struct epoll_event room = { .events = EPOLLOUT };
	auto_close int room_fd = epoll_create1(EPOLL_CLOEXEC);

	if (room_fd < 0)
		return -errno;
	opened->output_fd = STDERR_FILENO;
	if (epoll_ctl(room_fd, EPOLL_CTL_ADD, STDERR_FILENO, &room) < 0)
		return errno == EPERM ? 0 : -errno; /* a device that always has room */
	opened->output = OUTPUT_BORROWED;
	opened->room_fd = util_take_fd(&room_fd);
	return 0;
}

/* Stderr without waiting. O_NONBLOCK belongs to the open file description, which we share with
 * whoever started us (a shell would get EAGAIN from its own terminal): so open our own. */
static int
open_stderr(struct opened *opened)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	struct stat status;

	if (flags < 0 || fstat(STDERR_FILENO, &status) < 0)
		return -errno;
	opened->output_fd = STDERR_FILENO;
	if (S_ISSOCK(status.st_mode)) {
		opened->output = OUTPUT_STREAM;
		return 0;
	}
	opened->output = S_ISREG(status.st_mode) ? OUTPUT_FILE : OUTPUT_PIPE;
	/* Two descriptions of one file would write over each other. */
	if (S_ISREG(status.st_mode))
		(void)fcntl(STDERR_FILENO, F_SETFL, flags | O_APPEND);
	if (S_ISREG(status.st_mode) || (flags & O_NONBLOCK) != 0)
		return 0;
	opened->output_fd =
		open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return opened->output_fd < 0 ? open_borrowed(opened) : 0;
}

/* A syslogd may begin after us: its address goes with each datagram then. */
static int
open_datagrams(struct opened *opened, enum log_sink sink, const char *path)
{
	struct sockaddr_un *address = &opened->socket;
	auto_close int datagram_fd = -1;

	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path));
	datagram_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (datagram_fd < 0)
		return -errno;
	opened->is_heard =
		connect(datagram_fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	if (!opened->is_heard && (sink != LOG_SINK_SYSLOG || errno == EACCES))
		return -errno;
	opened->output = OUTPUT_DATAGRAM;
	opened->output_fd = util_take_fd(&datagram_fd);
	return 0;
}

static int
open_file(struct opened *opened, const char *path)
{
	opened->output = OUTPUT_FILE;
	opened->output_fd = log_file_open(path);
	return opened->output_fd < 0 ? opened->output_fd : 0;
}

/* Put the new output in the old one's place, which is left with the lines that it did not take. */
static void
change_output(const struct opened *opened)
{
	for (size_t i = 0; i < state.gathered.length; i++)
		state.lost += state.gathered.text[i] == '\n';
	textbuf_reset(&state.gathered);
	if (state.output_fd > STDERR_FILENO)
		(void)close(state.output_fd);
	if (state.room_fd >= 0)
		(void)close(state.room_fd);
	state.output = opened->output;
	state.output_fd = opened->output_fd;
	state.room_fd = opened->room_fd;
	state.socket = opened->socket;
	state.is_heard = opened->is_heard;
	state.second = -1; /* each sink writes it its own way */
}

int
log_sink_open(enum log_sink sink, const char *identifier, const char *path)
{
	struct opened opened = { .output_fd = -1, .room_fd = -1 };
	int error = 0;

	if (state.output == OUTPUT_NONE || sink != state.sink || path != NULL) {
		switch (sink) {
		case LOG_SINK_STDERR:
			error = open_stderr(&opened);
			break;
		case LOG_SINK_JSON:
			error = path != NULL ? open_file(&opened, path) : open_stderr(&opened);
			break;
		case LOG_SINK_JOURNAL:
			error = open_datagrams(&opened, sink, path != NULL ? path : JOURNAL_SOCKET);
			break;
		case LOG_SINK_SYSLOG:
			error = open_datagrams(&opened, sink, path != NULL ? path : SYSLOG_SOCKET);
			break;
		}
		if (error < 0)
			return error;
		change_output(&opened);
	}
	tzset();
	state.pid = getpid();
	state.sink = sink;
	state.identifier = identifier;
	return 0;
}

bool
log_sink_wants_fields(void)
{
	return state.sink == LOG_SINK_JOURNAL;
}

bool
log_sink_wants_json(void)
{
	return state.sink == LOG_SINK_JSON;
}

void
log_sink_take(enum log_level level, const struct textbuf *text, struct textbuf *fields)
{
	switch (state.sink) {
	case LOG_SINK_STDERR:
	case LOG_SINK_JSON:
		gather_line(level, text);
		break;
	case LOG_SINK_JOURNAL:
		if (!send_to_journal(level, text, fields))
			state.lost++;
		break;
	case LOG_SINK_SYSLOG:
		if (!send_to_syslog(level, text, fields))
			state.lost++;
		break;
	}
}

void
log_sink_take_explanation(const struct textbuf *line)
{
	size_t length_before = state.gathered.length;

	textbuf_addf(&state.gathered, "%s[%d] ", state.identifier, (int)state.pid);
	textbuf_add_bytes(&state.gathered, line->text, line->length);
	end_line(length_before);
}

void
log_sink_lose(uint64_t records)
{
	state.lost += records;
}

uint64_t
log_sink_flush(void)
{
	uint64_t lost = state.lost;

	write_gathered();
	if (state.gathered.length > 0)
		return 0;
	state.lost = 0;
	return lost;
}

int
log_fd(void)
{
	return state.sink == LOG_SINK_STDERR || state.sink == LOG_SINK_JSON ? state.output_fd : -1;
}

int
log_replace_fd(int file_fd)
{
	if (log_fd() < 0)
		return -EINVAL;
	write_gathered();
	if (dup3(file_fd, state.output_fd, O_CLOEXEC) < 0)
		return -errno;
	state.output = OUTPUT_FILE;
	state.is_cut = false; /* it begins anew, in another file */
	return 0;
}

bool
log_is_heard(void)
{
	return state.output != OUTPUT_DATAGRAM || state.is_heard;
}

void
log_set_facility(int facility)
{
	state.facility = facility;
}
