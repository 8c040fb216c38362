/* SPDX-License-Identifier: ISC */
/* Where a daemon's files lie when nobody says otherwise. */
#include "config/places.h"

#include <stdio.h>

static bool
is_absolute(const char *path)
{
	return path != NULL && *path == '/';
}

void
places_find(struct places *ret_places)
{
	const char *config_home = getenv("XDG_CONFIG_HOME");
	const char *run_home = getenv("XDG_RUNTIME_DIR");
	const char *state_home = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	*ret_places = (struct places){ .conf = "" };
	if (geteuid() == 0) {
		(void)snprintf(ret_places->conf, PLACES_PATH_MAX,
			REEVE_SYSCONFDIR "/reeve/reeve.conf");
		(void)snprintf(ret_places->run_dir, PLACES_PATH_MAX, "/run/reeve");
		(void)snprintf(ret_places->state_dir, PLACES_PATH_MAX, "/var/lib/reeve");
		return;
	}
	if (is_absolute(config_home))
		(void)snprintf(ret_places->conf, PLACES_PATH_MAX, "%s/reeve/reeve.conf",
			config_home);
	else
		(void)snprintf(ret_places->conf, PLACES_PATH_MAX, "%s/.config/reeve/reeve.conf",
			home != NULL ? home : "");
	if (is_absolute(run_home))
		(void)snprintf(ret_places->run_dir, PLACES_PATH_MAX, "%s/reeve", run_home);
	if (is_absolute(state_home))
		(void)snprintf(ret_places->state_dir, PLACES_PATH_MAX, "%s/reeve", state_home);
	else if (is_absolute(home))
		(void)snprintf(ret_places->state_dir, PLACES_PATH_MAX, "%s/.local/state/reeve",
			home);
}
