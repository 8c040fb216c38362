/* SPDX-License-Identifier: ISC */
/* reeve-resolver: looks up names. Started by reeved with the channel as its standard input, its
 * privileges already gone. */
#include "confined_door.h"
#include "resolver/resolver.h"

int
main(int argc, char **argv)
{
	return confined_door(argc, argv, "reeve-resolver", resolver_main);
}
