/* SPDX-License-Identifier: ISC */
/* What the resolver holds. */
#ifndef REEVE_RESOLVER_STATE_H
#define REEVE_RESOLVER_STATE_H

#include "base/loop.h"
#include "effects/channel.h"
#include "model/answers.h"

struct asker;
struct dns;
struct hosts;
struct inquiries;

struct resolver {
	struct loop *loop;
	struct after after;
	struct watch channel;      /* to the supervisor */
	struct asker *first_asker; /* gates that ask */
	uint64_t next_asker;
	struct hosts *hosts;
	struct inquiries *inquiries;
	struct message_settings settings;
	struct message message;
};

#endif
