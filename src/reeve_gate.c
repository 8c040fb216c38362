/* SPDX-License-Identifier: ISC */
/* reeve-gate: the door. Started by reeved with the channel as its standard input, its privileges
 * already gone. */
#include "confined_door.h"
#include "gate/gate.h"

int
main(int argc, char **argv)
{
	return confined_door(argc, argv, "reeve-gate", gate_main);
}
