/* model_pin.h - DATA_DIR/served-model: which model was chosen to serve, and which served before it.
 *
 *     "<name, or latest>\n<model before, or empty>\n"
 *
 * The daemon writes it when a model is promoted; `tftd models` does too, and a running daemon follows at its next look at the
 * models (five seconds). Replaced whole, so whoever reads sees one or the other.
 *
 * Threads: pure functions of the file.
 */
#ifndef TFTD_SERVER_MODEL_PIN_H
#define TFTD_SERVER_MODEL_PIN_H

#include "tft/error.h"

typedef struct model_pin {
    char pinned[32]; // "" = the newest serves
    char before[32]; // "" = none
} model_pin;

/* What does not look like a model's name counts as none; a file that is not there, too. One that is there and cannot be read says
 * nothing about the pin: any other status, and *pin is empty. */
tft_status model_pin_read(const char *data_dir, model_pin *pin, tft_error *err);
tft_status model_pin_write(const char *data_dir, const model_pin *pin, tft_error *err);

#endif
