/* SPDX-License-Identifier: ISC */
/* succ: read one byte, answer the next one ('a' gives 'b', 255 gives 0), end.
 *
 * The smallest server there is: reeve has accepted the client and put it on descriptors 0 and 1,
 * so there is no socket, no bind and no accept here. Bytes are one long, so neither the read nor
 * the write can be partial. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(void)
{
	unsigned char byte;
	ssize_t length = read(STDIN_FILENO, &byte, 1);

	if (length == 0)
		return EXIT_SUCCESS; /* the client changed its mind */
	if (length < 0) {
		perror("succ: read"); /* standard error is the log */
		return EXIT_FAILURE;
	}
	byte = (unsigned char)(byte + 1);
	if (write(STDOUT_FILENO, &byte, 1) != 1) {
		perror("succ: write");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
