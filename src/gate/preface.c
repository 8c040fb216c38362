/* SPDX-License-Identifier: ISC */
/* Proxies' headers, read to their last byte and no further. */
#include "gate/preface.h"

#include "base/log.h"
#include "gate/hall.h"
#include "gate/refusal.h"
#include "gate/service.h"
#include "model/proxies.h"
#include "model/proxy.h"
#include "model/proxy_facts.h"

#include <errno.h>
#include <sys/epoll.h>

struct preface {
	struct guest guest; /* first; its client is the proxy */
	size_t length;      /* of the header, so far */
	char header[PROXY_V2_MAX];
};

static void
refuse(struct preface *preface, const char *wrong)
{
	struct entrant proxy = hall_leave(&preface->guest);

	if (log_wants(LOG_LEVEL_INFO))
		LOG(proxy_refused, .service = service_name(proxy.service), .peer = &proxy.peer,
			.mistake = wrong);
	refusal_refuse(&proxy, VERDICT_refuse_proxy);
	service_return(proxy.service);
	free(preface);
}

/* What a proxy says besides is for the log alone: nobody is judged by it. */
static void
tell(const struct entrant *entrant, const struct proxy_header *header)
{
	const char *service = service_name(entrant->service);
	struct proxy_facts facts;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	proxy_facts_read(&facts, header);
	if (facts.count > 0)
		LOG(proxy_told, .service = service, .peer = &entrant->peer,
			.proxy = &entrant->proxy, .alpn = proxy_fact(&facts, PROXY_FACT_ALPN),
			.authority = proxy_fact(&facts, PROXY_FACT_AUTHORITY),
			.unique_id = proxy_fact(&facts, PROXY_FACT_UNIQUE_ID),
			.ssl_version = proxy_fact(&facts, PROXY_FACT_SSL_VERSION),
			.ssl_cn = proxy_fact(&facts, PROXY_FACT_SSL_CN));
	else
		LOG(proxy_named, .service = service, .peer = &entrant->peer,
			.proxy = &entrant->proxy);
}

/* From here on it is as if the client itself had connected. */
static void
let_in(struct preface *preface, const struct proxy_header *header)
{
	struct entrant entrant = hall_leave(&preface->guest);
	struct service *service = entrant.service;

	if (header->is_named) {
		entrant.proxy = entrant.peer;
		entrant.peer = header->peer;
		entrant.local = header->local;
		tell(&entrant, header);
	}
	(void)entrance_go(&entrant);
	service_return(service);
	free(preface);
}

/* Take `count` bytes that were only looked at out of the socket. */
static bool
take(struct preface *preface, size_t count)
{
	char *place = preface->header + preface->length;

	if (count == 0)
		return true;
	if (recv(preface->guest.watch.fd, place, count, MSG_DONTWAIT) != (ssize_t)count)
		return false;
	preface->length += count;
	return true;
}

static void
preface_ready(struct guest *guest)
{
	struct preface *preface = CONTAINER_OF(guest, struct preface, guest);
	size_t room = sizeof(preface->header) - preface->length;
	struct proxy_header header;
	enum proxy_result result;
	ssize_t fresh = recv(guest->watch.fd, preface->header + preface->length, room,
		MSG_PEEK | MSG_DONTWAIT);

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
preface_over(struct guest *guest, enum hall_end why)
{
	static const char *const mistakes[] = {
		[HALL_LATE] = "it did not come in time",
		[HALL_HUNG_UP] = "the connection ended before it was complete",
		[HALL_GONE] = "its service is gone",
		[HALL_STOP] = "the daemon ends",
	};

	refuse(CONTAINER_OF(guest, struct preface, guest), mistakes[why]);
}

bool
preface_begin(struct entrant *proxy)
{
	static const struct hall_stage stage = {
		.ready = preface_ready,
		.events = EPOLLIN,
		.over = preface_over,
	};
	const struct service *service = proxy->service;
	struct preface *preface;

	if (!proxies_has(service->proxies, &proxy->peer)) {
		refusal_refuse(proxy, VERDICT_refuse_proxy);
		return false;
	}
	preface = malloc(sizeof(*preface));
	if (preface)
		preface->length = 0;
	if (preface &&
		hall_enter(&preface->guest, proxy, &stage, service->config->keys->proxy_timeout) ==
			0)
		return true;
	free(preface);
	entrance_turn_away(proxy);
	return false;
}
