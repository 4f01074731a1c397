/* model_loader.h - a model directory as the engine's network: the one file of this room that needs libtft's forecaster. */
#ifndef TFTD_SERVER_MODEL_LOADER_H
#define TFTD_SERVER_MODEL_LOADER_H

#include "forecast/engine.h"

tft_status server_load_model(const char *directory, size_t n_threads, tft_precision precision, engine_model *model,
                             tft_error *err);

#endif
