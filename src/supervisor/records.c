/* SPDX-License-Identifier: ISC */
/* Records of programs' ends, found by the cookie of their connection. */
#include "supervisor/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define BUCKETS 4096 /* a power of two */
#define PATIENCE_MS 1000
#define LEAVE_MS 10000 /* without a program, before the kernel is told to stop */
#define LOST_TOLD_MS 60000

/* So many ended programs wait at most; then the oldest is written without its bytes. */
#define WAITING_MAX 16384

/* Of a service's name. */
#define NAME_MAX_BYTES 64

/* Notices, others' too, before the gates get their turn. */
#define NOTICES_AT_ONCE 256
#define LISTEN_MAX 64 /* times as many, at most */

struct record {
	struct record *next; /* in its bucket */
	struct record *older;
	struct record *newer;
	struct sockdiag_name name;
	struct netaddr peer; /* of the log */
	struct sockdiag facts;
	bool is_told; /* the connection has ended; `facts` are its last */
	bool is_over; /* the program has ended; `event` is what there is to write */
	msec ended;
	struct event_handler_ended event;
	char service[NAME_MAX_BYTES + 1];
};

static struct record **
bucket_of(const struct records *records, uint64_t cookie)
{
	return &records->buckets[(size_t)cookie & (BUCKETS - 1)];
}

static struct record *
find(const struct records *records, uint64_t cookie)
{
	struct record *record = *bucket_of(records, cookie);

	while (record != NULL && record->name.cookie != cookie)
		record = record->next;
	return record;
}

static void
leave_waiting(struct records *records, struct record *record)
{
	struct record **from_older =
		record->older != NULL ? &record->older->newer : &records->oldest;
	struct record **from_newer =
		record->newer != NULL ? &record->newer->older : &records->newest;

	*from_older = record->newer;
	*from_newer = record->older;
	records->waiting_count--;
}

static void
release(struct supervisor *supervisor, struct record *record)
{
	struct records *records = &supervisor->records;
	struct record **place = bucket_of(records, record->name.cookie);

	if (record->is_over)
		leave_waiting(records, record);
	while (*place != record)
		place = &(*place)->next;
	*place = record->next;
	free(record);
	/* Without memory for the timer the kernel goes on telling. */
	if (--records->count == 0)
		(void)loop_set_timer(supervisor->loop, &records->leave,
			loop_now(supervisor->loop) + LEAVE_MS);
}

static void
write_record(const struct record *record)
{
	struct event_handler_ended event = record->event;

	if (record->facts.has_counters) {
		event.bytes_in = &record->facts.bytes_in;
		event.bytes_out = &record->facts.bytes_out;
		event.rtt_us = &record->facts.rtt_us;
		event.retransmits = &record->facts.retransmits;
	}
	log_handler_ended(&event);
}

/* A child of the program may hold the connection still, or the client may not have taken all:
 * then it is told how far it has come. */
static void
write_late(struct supervisor *supervisor, struct record *record)
{
	if (records_ask(supervisor, &record->name, &record->facts) == 0)
		sockdiag_settle(supervisor->records.ask_fd, &record->name, &record->facts);
	write_record(record);
	release(supervisor, record);
}

/* --- notices */

static void
take_notice(struct supervisor *supervisor, const struct sockdiag *facts)
{
	struct records *records = &supervisor->records;
	struct record *record = find(records, facts->cookie);

	if (record == NULL || record->is_told)
		return;
	record->facts = *facts;
	record->is_told = true;
	sockdiag_settle(records->ask_fd, &record->name, &record->facts);
	if (!record->is_over)
		return;
	write_record(record);
	release(supervisor, record);
}

static void
tell_lost(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;
	msec now = loop_now(supervisor->loop);

	records->lost++;
	if (records->lost > 1 && now - records->lost_told < LOST_TOLD_MS)
		return;
	records->lost_told = now;
	LOG(notices_lost, .times = (int64_t)records->lost);
}

/* False: there are no more for now. */
static bool
take_notices(struct supervisor *supervisor)
{
	for (int i = 0; i < NOTICES_AT_ONCE; i++) {
		struct sockdiag facts;
		int got = sockdiag_next(supervisor->records.notices.fd, &facts);

		if (got > 0)
			take_notice(supervisor, &facts);
		else if (got == -ENOBUFS)
			tell_lost(supervisor);
		else
			return false;
	}
	return true;
}

static void
notices_ready(struct watch *watch, uint32_t events)
{
	struct supervisor *supervisor = CONTAINER_OF(watch, struct supervisor, records.notices);

	(void)events;
	(void)take_notices(supervisor);
}

/* Before it is said that the kernel has told nothing: on a busy host it may have, and we have been
 * slow to listen. */
static void
listen_once_more(struct supervisor *supervisor)
{
	for (int i = 0; i < LISTEN_MAX && supervisor->records.notices.fd >= 0; i++)
		if (!take_notices(supervisor))
			break;
}

static void
patience_is_over(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, records.patience);
	struct records *records = &supervisor->records;

	listen_once_more(supervisor);
	while (records->oldest != NULL && now - records->oldest->ended >= PATIENCE_MS)
		write_late(supervisor, records->oldest);
	if (records->oldest != NULL)
		(void)loop_set_timer(supervisor->loop, timer, records->oldest->ended + PATIENCE_MS);
}

static void
unsubscribe(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;

	if (records->notices.fd < 0)
		return;
	loop_unwatch(supervisor->loop, &records->notices);
	(void)close(util_take_fd(&records->notices.fd));
}

static void
nobody_left(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, records.leave);

	(void)now;
	if (supervisor->records.count == 0)
		unsubscribe(supervisor);
}

/* --- sockets */

/* All that lives long lives high (spawn.h). */
static void
move_high(int *netlink_fd)
{
	int high_fd = spawn_move_high(*netlink_fd);

	if (high_fd >= 0)
		*netlink_fd = high_fd;
}

static int
open_questions(struct records *records)
{
	int error = records->ask_fd >= 0 ? 0 : sockdiag_open(&records->ask_fd);

	if (error == 0)
		move_high(&records->ask_fd);
	return error;
}

static int
subscribe(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;
	struct watch *notices = &records->notices;
	int error;

	if (notices->fd >= 0)
		return 0;
	error = open_questions(records);
	if (error == 0)
		error = sockdiag_subscribe(&notices->fd);
	if (error < 0)
		return error;
	move_high(&notices->fd);
	notices->events = EPOLLIN;
	error = loop_watch(supervisor->loop, notices);
	if (error < 0) {
		notices->events = 0;
		(void)close(util_take_fd(&notices->fd));
	}
	return error;
}

/* A kernel that cannot tell is asked once; one that is short of something, again. */
static bool
is_told_by_kernel(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;
	int error = records->is_impossible ? -EPROTONOSUPPORT : subscribe(supervisor);

	if (error == -EPROTONOSUPPORT || error == -EAFNOSUPPORT || error == -ENOENT ||
		error == -EPERM || error == -EACCES)
		records->is_impossible = true;
	return error == 0;
}

int
records_ask(struct supervisor *supervisor, const struct sockdiag_name *name,
	struct sockdiag *ret_facts)
{
	int error = open_questions(&supervisor->records);

	return error < 0 ? error : sockdiag_ask(supervisor->records.ask_fd, name, ret_facts);
}

/* --- the life of a record */

void
records_init(struct supervisor *supervisor)
{
	supervisor->records = (struct records){ .notices = { .fd = -1, .ready = notices_ready },
		.ask_fd = -1,
		.patience.expired = patience_is_over,
		.leave.expired = nobody_left };
}

/* NULL: the kernel does not tell, or nobody wants to know, or there is no memory. */
static struct record *
add_record(struct supervisor *supervisor, const struct sockdiag_name *name,
	const struct netaddr *peer)
{
	struct records *records = &supervisor->records;
	struct record *record;

	if (name->cookie == 0 || !log_wants(LOG_LEVEL_INFO) || !is_told_by_kernel(supervisor))
		return NULL;
	if (records->buckets == NULL)
		records->buckets = calloc(BUCKETS, sizeof(struct record *));
	/* The same connection again is a gate's lie. */
	if (records->buckets == NULL || find(records, name->cookie) != NULL)
		return NULL;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	record->name = *name;
	record->peer = *peer;
	record->next = *bucket_of(records, name->cookie);
	*bucket_of(records, name->cookie) = record;
	records->count++;
	return record;
}

struct record *
records_begin(struct supervisor *supervisor, const struct start *start)
{
	return add_record(supervisor, &start->socket, &start->peer);
}

void
records_save(const struct record *record, struct saved_record *ret_row)
{
	*ret_row = (struct saved_record){ .local = record->name.local,
		.peer = record->name.peer,
		.cookie = record->name.cookie,
		.is_told = record->is_told,
		.has_counters = record->facts.has_counters,
		.bytes_in = record->facts.bytes_in,
		.bytes_out = record->facts.bytes_out,
		.rtt_us = record->facts.rtt_us,
		.retransmits = record->facts.retransmits };
}

/* One that ended while nobody listened is found by being asked for when the program has ended. */
struct record *
records_restore(struct supervisor *supervisor, const struct netaddr *peer,
	const struct saved_record *row)
{
	const struct sockdiag_name name = {
		.local = row->local, .peer = row->peer, .cookie = row->cookie
	};
	struct record *record = add_record(supervisor, &name, peer);

	if (record == NULL)
		return NULL;
	record->is_told = row->is_told;
	record->facts = (struct sockdiag){ .has_counters = row->has_counters,
		.bytes_in = row->bytes_in,
		.bytes_out = row->bytes_out,
		.rtt_us = row->rtt_us,
		.retransmits = row->retransmits };
	return record;
}

void
records_cancel(struct supervisor *supervisor, struct record *record)
{
	if (record != NULL)
		release(supervisor, record);
}

static void
wait_for_notice(struct supervisor *supervisor, struct record *record)
{
	struct records *records = &supervisor->records;

	record->ended = loop_now(supervisor->loop);
	record->is_over = true;
	record->older = records->newest;
	if (record->older != NULL)
		record->older->newer = record;
	else
		records->oldest = record;
	records->newest = record;
	records->waiting_count++;
	if (records->patience.place == 0 &&
		loop_set_timer(supervisor->loop, &records->patience, record->ended + PATIENCE_MS) <
			0)
		write_late(supervisor, record);
	else if (records->waiting_count > WAITING_MAX)
		write_late(supervisor, records->oldest);
}

void
records_end(struct supervisor *supervisor, struct record *record,
	const struct event_handler_ended *event)
{
	if (record == NULL) {
		log_handler_ended(event);
		return;
	}
	/* Until it is written the service may be gone. */
	(void)snprintf(record->service, sizeof(record->service), "%s", event->service);
	record->event = *event;
	record->event.service = record->service;
	record->event.peer = &record->peer;
	if (record->is_told) {
		write_record(record);
		release(supervisor, record);
	} else {
		wait_for_notice(supervisor, record);
	}
}

void
records_flush(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;

	listen_once_more(supervisor);
	while (records->oldest != NULL)
		write_late(supervisor, records->oldest);
}

void
records_fini(struct supervisor *supervisor)
{
	struct records *records = &supervisor->records;

	for (size_t i = 0; records->buckets != NULL && i < BUCKETS; i++)
		while (records->buckets[i] != NULL) {
			struct record *next = records->buckets[i]->next;

			free(records->buckets[i]);
			records->buckets[i] = next;
		}
	free(records->buckets);
	records->buckets = NULL;
	if (records->notices.fd >= 0)
		(void)close(util_take_fd(&records->notices.fd));
	if (records->ask_fd >= 0)
		(void)close(util_take_fd(&records->ask_fd));
}
