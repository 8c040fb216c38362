/* SPDX-License-Identifier: ISC */
/* reevectl: the door of the tool that speaks with a running daemon. */
#include "config/places.h"
#include "control/arguments.h"

#include <locale.h>

int
main(int argc, char **argv)
{
	static struct places places;
	static struct control control;
	int status;

	(void)setlocale(LC_CTYPE, ""); /* which letters a terminal has, and how wide they are */
	places_find(&places);
	control.paths.conf = places.conf;
	control.run_dir = places.run_dir;
	status = arguments_read(&control, argc, argv);
	if (status < 0)
		status = control_run(&control);
	json_decref(control.arguments);
	return status;
}
