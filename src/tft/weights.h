/* weights.h - names of tensors in files, for this room and the golden cases. */
#ifndef TFT_TFT_WEIGHTS_H
#define TFT_TFT_WEIGHTS_H

#include <stddef.h>

#include "tft/model.h"

/* Our name of a tensor of pytorch-forecasting's state_dict, where one parameter appears under several:
 * prescalers of a place, the decoder's post-LSTM gate, shared single-variable networks. NUL-terminated into out. */
void tft_canonical_name(const tft_config *config, const char *name, char *out, size_t capacity);

/* Index of the parameter with this name, or n. */
size_t tft_parameter_index(const tft_model *model, const char *name);

#endif
