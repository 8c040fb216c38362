/* SPDX-License-Identifier: ISC */
/* Connections on their way from gate to gate. */
#include "supervisor/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define KEEPER 0 /* the gate that has such services */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define FIRST_ROOM 64

/* What we hold beside sockets and programs, and what a program has of ours. */
#define DESCRIPTORS_BESIDE 512
#define DESCRIPTORS_A_PROGRAM 2

void
kept_init(struct supervisor *supervisor)
{
	supervisor->kept_conns = (struct kept){ .memory_fd = -1 };
}

static void
forget(struct kept *kept)
{
	for (uint32_t i = 0; i < kept->count; i++)
		(void)close(kept->fds[i]);
	if (kept->memory_fd >= 0)
		(void)close(kept->memory_fd);
	free(kept->fds);
	*kept = (struct kept){ .memory_fd = -1 };
}

void
kept_fini(struct supervisor *supervisor)
{
	forget(&supervisor->kept_conns);
}

static int64_t
free_descriptors(const struct supervisor *supervisor)
{
	int64_t used =
		DESCRIPTORS_BESIDE + (int64_t)supervisor->handlers.count * DESCRIPTORS_A_PROGRAM;

	for (size_t i = 0; i < supervisor->listeners.count; i++)
		used += supervisor->listeners.slots[i].listener->fd_count;
	return used < supervisor->descriptors ? supervisor->descriptors - used : 0;
}

int
kept_offer(struct supervisor *supervisor, const struct supervised_gate *gate, uint32_t *ret_most)
{
	struct kept *kept = &supervisor->kept_conns;

	*ret_most = 0;
	if (gate->number != KEEPER)
		return -1;
	forget(kept);
	kept->memory_fd = memfd_create("reeve-kept", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	kept->most = (uint32_t)free_descriptors(supervisor);
	*ret_most = kept->most;
	return kept->memory_fd;
}

static int
add(struct kept *kept, int conn_fd)
{
	if (kept->count == kept->room) {
		uint32_t room = kept->room > 0 ? kept->room * 2 : FIRST_ROOM;
		int *wider = reallocarray(kept->fds, room, sizeof(int));

		if (wider == NULL)
			return -ENOMEM;
		kept->fds = wider;
		kept->room = room;
	}
	kept->fds[kept->count++] = conn_fd;
	return 0;
}

bool
kept_take(const struct supervised_gate *gate, struct message *message)
{
	struct kept *kept = &gate->supervisor->kept_conns;

	/* Too late, and no lie: others go on without them. */
	if (gate->is_draining)
		return true;
	if (gate->number != KEEPER || gate->has_let_go || kept->memory_fd < 0 ||
		kept->count + message->fd_count > kept->most)
		return false;
	for (uint32_t i = 0; i < message->fd_count; i++) {
		if (add(kept, message->fds[i]) < 0)
			return false;
		message->fds[i] = -1;
	}
	return true;
}

void
kept_seal(struct supervisor *supervisor)
{
	struct kept *kept = &supervisor->kept_conns;

	if (kept->memory_fd < 0)
		return;
	/* A gate that still maps it to write would have it changed under the next one. */
	if (fcntl(kept->memory_fd, F_ADD_SEALS, SEALS) < 0) {
		LOG(kept_lost, .connections = kept->count, .reason = "its memory is still written");
		forget(kept);
	} else if (lseek(kept->memory_fd, 0, SEEK_END) == 0) {
		forget(kept); /* there was nothing to keep, or it could not be written */
	}
}

void
kept_restore_memory(struct supervisor *supervisor, int memory_fd)
{
	forget(&supervisor->kept_conns);
	supervisor->kept_conns.memory_fd = memory_fd;
}

int
kept_restore_conn(struct supervisor *supervisor, int conn_fd)
{
	return supervisor->kept_conns.memory_fd < 0 ? -EPROTO
						    : add(&supervisor->kept_conns, conn_fd);
}

/* Item 0 is the memory. */
int
kept_send(struct supervised_gate *gate)
{
	struct kept *kept = &gate->supervisor->kept_conns;
	int error = 0;

	if (gate->number != KEEPER || kept->memory_fd < 0)
		return 0;
	kept->was_sent = true;
	while (error == 0 && gate->next < kept->count + 1) {
		struct message_keep body = { .count = 0 };
		int fds[CHANNEL_FDS_MAX];

		for (; body.count < CHANNEL_FDS_MAX && gate->next + body.count <= kept->count;
			body.count++) {
			uint32_t item = gate->next + body.count;

			fds[body.count] = item == 0 ? kept->memory_fd : kept->fds[item - 1];
		}
		error = channel_send(gate->channel.fd, MESSAGE_keep, &body, NULL, 0, fds,
			body.count);
		if (error == 0)
			gate->next += body.count;
	}
	return error;
}

void
kept_arrived(struct supervised_gate *gate)
{
	if (gate->number == KEEPER && gate->supervisor->kept_conns.was_sent)
		forget(&gate->supervisor->kept_conns);
}

/* Perhaps of what is in it: the next one is to live. */
void
kept_gate_died(struct supervised_gate *gate)
{
	struct kept *kept = &gate->supervisor->kept_conns;

	if (gate->number != KEEPER || !kept->was_sent)
		return;
	LOG(kept_lost, .connections = kept->count, .reason = "the gate that took them has ended");
	forget(kept);
}
