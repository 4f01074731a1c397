/* interrupt.h - SIGINT and SIGTERM as a question: has anybody asked to stop?
 *
 * The first signal sets a flag, which long work looks at between its steps; the second one ends the process at once, as
 * if nobody listened. The flag is one of the two mutable globals that STYLE allows.
 */
#ifndef TFTD_CLI_INTERRUPT_H
#define TFTD_CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_listen(void);
bool interrupt_asked(void);

#endif
