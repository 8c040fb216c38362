/* SPDX-License-Identifier: ISC */
/* Proxies' headers, read to their last byte and no further. */
#include "gate/preface.h"

#include "base/log.h"
#include "gate/admission.h"
#include "gate/service.h"
#include "model/proxies.h"
#include "model/proxy.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

struct preface {
	struct watch watch; /* first */
	struct timer patience;
	struct preface *next; /* of all in the gate */
	struct preface **from;
	struct entrant entrant; /* the proxy itself */
	size_t length;          /* of the header, so far */
	char header[PROXY_V2_MAX];
};

/* Everything but the descriptor and the place, which go on to the client or are given back. */
static void
preface_free(struct preface *preface)
{
	struct service *service = preface->entrant.service;
	struct gate *gate = service->gate;

	loop_unwatch(gate->loop, &preface->watch);
	loop_stop_timer(gate->loop, &preface->patience);
	*preface->from = preface->next;
	if (preface->next)
		preface->next->from = preface->from;
	gate->conn_count--;
	free(preface);
	service_return(service);
}

static void
refuse(struct preface *preface, const char *wrong)
{
	static const struct policy_answer not_named = { .verdict = VERDICT_refuse_proxy };
	struct entrant proxy = preface->entrant;

	if (log_wants(LOG_LEVEL_INFO))
		LOG(proxy_refused, .service = service_name(proxy.service), .peer = &proxy.peer,
			.mistake = wrong);
	admission_note_refusal(proxy.service, &proxy.peer, &not_named, false);
	service_borrow(proxy.service);
	preface_free(preface);
	entrance_turn_away(&proxy);
	service_return(proxy.service);
}

/* From here on it is as if the client itself had connected. */
static void
let_in(struct preface *preface, const struct proxy_header *header)
{
	struct service *service = preface->entrant.service;
	struct entrant entrant = preface->entrant;

	if (header->is_named) {
		entrant.peer = header->peer;
		entrant.local = header->local;
		entrant.proxy = preface->entrant.peer;
		LOG(proxy_named, .service = service_name(service), .peer = &entrant.peer,
			.proxy = &preface->entrant.peer);
	}
	service_borrow(service);
	preface_free(preface);
	(void)entrance_judge_and_serve(&entrant);
	service_return(service);
}

/* Take `count` bytes that were only looked at out of the socket. */
static bool
take(struct preface *preface, size_t count)
{
	char *place = preface->header + preface->length;

	if (count == 0)
		return true;
	if (recv(preface->watch.fd, place, count, MSG_DONTWAIT) != (ssize_t)count)
		return false;
	preface->length += count;
	return true;
}

static void
preface_ready(struct watch *watch, uint32_t events)
{
	struct preface *preface = CONTAINER_OF(watch, struct preface, watch);
	size_t room = sizeof(preface->header) - preface->length;
	struct proxy_header header;
	enum proxy_result result;
	ssize_t fresh =
		recv(watch->fd, preface->header + preface->length, room, MSG_PEEK | MSG_DONTWAIT);

	(void)events;
	if (fresh < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (fresh <= 0) {
		refuse(preface, "the connection ended before it was complete");
		return;
	}
	result = proxy_read(preface->header, preface->length + (size_t)fresh, &header);
	/* Of a beginning all is header; of a whole one, what follows is the client's. */
	if (result == PROXY_MORE && !take(preface, (size_t)fresh))
		result = PROXY_BAD;
	if (result == PROXY_DONE && !take(preface, header.length - preface->length))
		result = PROXY_BAD;
	if (result == PROXY_BAD)
		refuse(preface, header.wrong ? header.wrong : "it changed while it was read");
	else if (result == PROXY_DONE)
		let_in(preface, &header);
}

static void
patience_ended(struct timer *timer, msec now)
{
	(void)now;
	refuse(CONTAINER_OF(timer, struct preface, patience), "it did not come in time");
}

/* Watch it, for a limited time. */
static int
start_waiting(struct preface *preface)
{
	struct loop *loop = preface->entrant.service->gate->loop;
	int error = loop_watch(loop, &preface->watch);

	if (error == 0)
		error = loop_set_timer(loop, &preface->patience,
			loop_now(loop) + preface->entrant.service->config->keys->proxy_timeout);
	return error;
}

bool
preface_begin(const struct entrant *proxy)
{
	static const struct policy_answer not_listed = { .verdict = VERDICT_refuse_proxy };
	struct service *service = proxy->service;
	struct gate *gate = service->gate;
	struct preface *preface = NULL;

	if (proxies_has(service->proxies, &proxy->peer))
		preface = malloc(sizeof(*preface));
	else
		admission_note_refusal(service, &proxy->peer, &not_listed, false);
	if (!preface) {
		entrance_turn_away(proxy);
		return false;
	}
	memset(preface, 0, offsetof(struct preface, header));
	preface->entrant = *proxy;
	preface->watch =
		(struct watch){ .fd = proxy->conn_fd, .events = EPOLLIN, .ready = preface_ready };
	preface->patience.expired = patience_ended;
	preface->next = gate->first_preface;
	preface->from = &gate->first_preface;
	if (preface->next)
		preface->next->from = &preface->next;
	gate->first_preface = preface;
	gate->conn_count++;
	service_borrow(service);
	if (start_waiting(preface) == 0)
		return true;
	refuse(preface, "there is no memory to wait for it");
	return false;
}

void
prefaces_forget_gone(struct gate *gate)
{
	struct preface *preface = gate->first_preface;

	while (preface) {
		struct preface *next = preface->next;

		if (preface->entrant.service->generation != gate->generation)
			refuse(preface, "its service is gone");
		preface = next;
	}
}

uint32_t
prefaces_cut(struct gate *gate)
{
	uint32_t count = 0;

	for (; gate->first_preface; count++)
		refuse(gate->first_preface, "the daemon ends");
	return count;
}
