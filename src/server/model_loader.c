/* model_loader.c - see model_loader.h. */
#include "server/model_loader.h"

tft_status server_load_model(const char *directory, size_t n_threads, engine_model *model, tft_error *err)
{
    tft_forecaster *forecaster = NULL;
    const tft_status status = tft_forecaster_open(directory, n_threads, &forecaster, err);
    if (status == TFT_OK)
        *model = engine_model_of(forecaster);
    return status;
}
