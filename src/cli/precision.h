/* precision.h - what a command lets the network multiply in: --precision, else TFTD_PRECISION, else float32.
 *
 * The daemon has a key for it instead, forecast.precision. A machine without instructions for bfloat16 works in float32 and says so.
 */
#ifndef TFTD_CLI_PRECISION_H
#define TFTD_CLI_PRECISION_H

#include <stdbool.h>

#include "tft/forecaster.h"

#define PRECISION_FLAG_HELP "float32 or bf16 (TFTD_PRECISION, else float32)"

/* `flag` is NULL where the command was not given one. False, with a line on stderr, where neither name is one. */
bool precision_read(const char *command, const char *flag, tft_precision *precision);

/* A line on stderr where the machine has no products in the precision that is wanted. */
void precision_use(const char *command, tft_precision wanted, tft_forecaster *forecaster);

/* Its name where it is another than float32; else NULL, as for no forecaster. */
const char *precision_worth_telling(const tft_forecaster *forecaster);

#endif
