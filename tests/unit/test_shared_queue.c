/* SPDX-License-Identifier: ISC */
/* Seats and tickets of a queue over several processes. */
/* LINK: src/base/refused.o src/base/shared.o src/base/shared_places.o src/base/shared_queue.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/shared_places.h"
#include "base/shared_queue.h"

#include <string.h>
#include <unistd.h>

#define ROW 1
#define GATES 3
#define PLACES 2
#define SEATS 12
#define STEPS 200000

static struct shared *
make(void)
{
	struct shared *shared;
	int shared_fd;

	assert_int_equal(shared_create(&shared, &shared_fd, 2, GATES + 1), 0);
	(void)close(shared_fd);
	return shared;
}

static void
there_are_no_more_seats_than_the_limit_over_all_writers(void **state)
{
	struct shared *shared = make();

	(void)state;
	assert_true(shared_queue_sit(shared, ROW, 1, 2));
	assert_true(shared_queue_sit(shared, ROW, 2, 2));
	assert_false(shared_queue_sit(shared, ROW, 3, 2));
	assert_int_equal(shared_queue_length(shared, ROW), 2);
	assert_int_equal(shared_take_waiting(shared, ROW), 1 << 3);
	assert_false(shared_queue_rise(shared, ROW, 1));
	assert_true(shared_queue_sit(shared, ROW, 3, 2));
	assert_int_equal(shared_queue_length(shared, 0), 0);
	shared_free(shared);
}

static void
a_position_counts_neither_seats_without_a_client_nor_who_has_left(void **state)
{
	struct shared *shared = make();

	(void)state;
	assert_true(shared_queue_sit(shared, ROW, 1, 9));
	shared_queue_show(shared, ROW, 1, shared_queue_draw(shared, ROW));
	assert_int_equal(shared_queue_position(shared, ROW), 1);
	/* Another takes a seat before it knows whether a client is there. */
	assert_true(shared_queue_sit(shared, ROW, 2, 9));
	assert_int_equal(shared_queue_position(shared, ROW), 1);
	shared_queue_show(shared, ROW, 2, shared_queue_draw(shared, ROW));
	assert_int_equal(shared_queue_position(shared, ROW), 2);
	/* One between the first and the last leaves. */
	assert_true(shared_queue_sit(shared, ROW, 3, 9));
	shared_queue_show(shared, ROW, 3, shared_queue_draw(shared, ROW));
	assert_int_equal(shared_queue_position(shared, ROW), 3);
	shared_queue_show(shared, ROW, 2, SHARED_NO_TICKET);
	(void)shared_queue_rise(shared, ROW, 2);
	assert_int_equal(shared_queue_position(shared, ROW), 2);
	shared_free(shared);
}

static void
whoever_frees_a_seat_hears_of_those_who_found_none(void **state)
{
	struct shared *shared = make();

	(void)state;
	assert_true(shared_queue_sit(shared, ROW, 1, 1));
	assert_false(shared_queue_sit(shared, ROW, 2, 1));
	assert_true(shared_queue_rise(shared, ROW, 1));
	assert_true(shared_queue_has_others(shared, ROW, 1));
	assert_false(shared_queue_has_others(shared, ROW, 2));
	shared_free(shared);
}

static void
only_an_older_ticket_of_another_is_in_front(void **state)
{
	struct shared *shared = make();
	uint64_t first = shared_queue_draw(shared, ROW), second = shared_queue_draw(shared, ROW);

	(void)state;
	assert_true(first < second);
	assert_true(first != SHARED_NO_TICKET);
	/* Whoever holds a ticket has a seat. */
	assert_true(shared_queue_sit(shared, ROW, 1, SEATS));
	assert_true(shared_queue_sit(shared, ROW, 2, SEATS));
	assert_false(shared_queue_is_behind(shared, ROW, 3, SHARED_NO_TICKET));
	shared_queue_show(shared, ROW, 2, first);
	shared_queue_show(shared, ROW, 1, second);
	assert_false(shared_queue_is_behind(shared, ROW, 2, first));
	assert_int_equal(shared_take_waiting(shared, ROW), 0);
	assert_true(shared_queue_is_behind(shared, ROW, 1, second));
	assert_true(shared_queue_is_behind(shared, ROW, 3, SHARED_NO_TICKET));
	assert_int_equal(shared_take_waiting(shared, ROW), 1 << 1 | 1 << 3);
	shared_forget_writer(shared, 2);
	assert_false(shared_queue_is_behind(shared, ROW, 1, second));
	assert_int_equal(shared_queue_length(shared, ROW), 1);
	shared_free(shared);
}

/* ---------------------------------------------------------------- a model of several gates */

struct model_gate {
	uint64_t tickets[SEATS]; /* oldest first */
	size_t count;
	uint32_t serving;
	bool is_woken;
};

struct model {
	struct shared *shared;
	struct model_gate gates[GATES];
	uint64_t chance;
};

static uint32_t
pick(struct model *model, uint32_t below)
{
	model->chance = model->chance * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(model->chance >> 33) % below;
}

static void
wake_waiting(struct model *model)
{
	uint64_t waiting = shared_take_waiting(model->shared, ROW);

	for (uint32_t i = 0; i < GATES; i++)
		model->gates[i].is_woken |= (waiting >> (i + 1) & 1) != 0;
}

static void
take_out(struct model *model, uint32_t number, size_t at)
{
	struct model_gate *gate = &model->gates[number];

	gate->count--;
	memmove(&gate->tickets[at], &gate->tickets[at + 1],
		(gate->count - at) * sizeof(*gate->tickets));
	if (at == 0)
		shared_queue_show(model->shared, ROW, number + 1,
			gate->count > 0 ? gate->tickets[0] : SHARED_NO_TICKET);
}

/* What a gate does when it is woken, and when something of its own has changed. */
static void
serve(struct model *model, uint32_t number)
{
	struct model_gate *gate = &model->gates[number];

	gate->is_woken = false;
	while (gate->count > 0 &&
		!shared_queue_is_behind(model->shared, ROW, number + 1, gate->tickets[0]) &&
		shared_admit(model->shared, ROW, number + 1, PLACES)) {
		for (uint32_t i = 0; i < GATES; i++)
			for (size_t j = 0; j < model->gates[i].count; j++)
				assert_true(gate->tickets[0] <= model->gates[i].tickets[j]);
		take_out(model, number, 0);
		gate->serving++;
		(void)shared_queue_rise(model->shared, ROW, number + 1);
		wake_waiting(model);
	}
}

static void
join(struct model *model, uint32_t number)
{
	struct model_gate *gate = &model->gates[number];

	if (!shared_queue_sit(model->shared, ROW, number + 1, SEATS))
		return;
	gate->tickets[gate->count++] = shared_queue_draw(model->shared, ROW);
	if (gate->count == 1)
		shared_queue_show(model->shared, ROW, number + 1, gate->tickets[0]);
	serve(model, number);
}

static void
hang_up(struct model *model, uint32_t number)
{
	struct model_gate *gate = &model->gates[number];

	if (gate->count == 0)
		return;
	take_out(model, number, pick(model, (uint32_t)gate->count));
	(void)shared_queue_rise(model->shared, ROW, number + 1);
	wake_waiting(model);
	serve(model, number);
}

static void
end_one(struct model *model, uint32_t number)
{
	if (model->gates[number].serving == 0)
		return;
	model->gates[number].serving--;
	(void)shared_release(model->shared, ROW, number + 1);
	wake_waiting(model);
	serve(model, number);
}

/* With nobody left to be woken no place is free while somebody waits. */
static void
settle(struct model *model)
{
	uint32_t waiting = 0;
	bool is_quiet;

	do {
		is_quiet = true;
		for (uint32_t i = 0; i < GATES; i++)
			if (model->gates[i].is_woken) {
				is_quiet = false;
				serve(model, i);
			}
	} while (!is_quiet);
	for (uint32_t i = 0; i < GATES; i++)
		waiting += (uint32_t)model->gates[i].count;
	assert_int_equal(shared_queue_length(model->shared, ROW), waiting);
	assert_true(waiting == 0 || shared_is_full(model->shared, ROW, PLACES));
}

static void
whatever_happens_the_oldest_is_served_and_no_place_stays_free(void **state)
{
	struct model model = { .shared = make(), .chance = 42 };

	(void)state;
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t number = pick(&model, GATES);

		switch (pick(&model, 5)) {
		case 0:
		case 1:
			join(&model, number);
			break;
		case 2:
			end_one(&model, number);
			break;
		case 3:
			hang_up(&model, number);
			break;
		default:
			/* Woken ones come to it in any order, and late. */
			if (model.gates[number].is_woken)
				serve(&model, number);
		}
		if (pick(&model, 7) == 0)
			settle(&model);
	}
	shared_free(model.shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_no_more_seats_than_the_limit_over_all_writers),
		cmocka_unit_test(a_position_counts_neither_seats_without_a_client_nor_who_has_left),
		cmocka_unit_test(whoever_frees_a_seat_hears_of_those_who_found_none),
		cmocka_unit_test(only_an_older_ticket_of_another_is_in_front),
		cmocka_unit_test(whatever_happens_the_oldest_is_served_and_no_place_stays_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
