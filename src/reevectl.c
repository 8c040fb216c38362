/* SPDX-License-Identifier: ISC */
/* reevectl: the door of the tool that speaks with a running daemon. */
#include "config/places.h"
#include "control/verbs.h"

#include <getopt.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "services", required_argument, NULL, 's' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	static struct places places;
	const char *tables[] = { NULL, NULL };
	struct control control;
	int got;

	places_find(&places);
	control = (struct control){ .paths = { .conf = places.conf }, .run_dir = places.run_dir };
	while ((got = getopt_long(argc, argv, "c:s:r:hV", options, NULL)) != -1)
		switch (got) {
		case 'c':
			control.paths.conf = optarg;
			control.paths.is_conf_required = true;
			break;
		case 's':
			tables[0] = optarg;
			control.paths.tables = tables;
			break;
		case 'r':
			control.run_dir = optarg;
			break;
		case 'V':
			(void)printf("reevectl %s\n", REEVE_VERSION);
			return 0;
		case 'h':
			control_print_help();
			return 0;
		default:
			return 2;
		}
	if (optind != argc - 1) {
		control_print_help();
		return 2;
	}
	return control_run(&control, argv[optind]);
}
