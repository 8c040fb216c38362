/* SPDX-License-Identifier: ISC */
/* In place of top_screen.c when reevectl is built without curses. */
#include "control/top.h"

struct top_screen *
top_screen_open(const struct output *output)
{
	(void)output;
	control_complain("top: this reevectl was built without curses (make CURSES=yes)");
	return NULL;
}

struct top_screen *
top_screen_close(struct top_screen *screen)
{
	return screen;
}

void
top_screen_resize(struct top_screen *screen)
{
	(void)screen;
}

int
top_screen_key(struct top_screen *screen)
{
	(void)screen;
	return TOP_NO_KEY;
}

int
top_screen_draw(struct top_screen *screen, struct top *top)
{
	(void)screen;
	(void)top;
	return 0;
}
