/* model_loader.c - see model_loader.h. */
#include "server/model_loader.h"

tft_status server_load_model(const char *directory, size_t n_threads, tft_precision precision, engine_model *model,
                             tft_error *err)
{
    return engine_open_model(directory, n_threads, precision, model, err);
}
