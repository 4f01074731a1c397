/* engine_forecaster.c - a tft_forecaster as the engine's network; the only file that ties the two.
 *
 * A file of its own, so that whoever brings a network of another kind (tests do) does not need libtft's.
 */
#include <stdio.h>

#include "forecast/background.h"
#include "forecast/engine.h"

static tft_status run(void *context, const tft_request *requests, size_t n, size_t steps, const tft_forecast *out,
                      tft_error *err)
{
    return tft_forecaster_run(context, requests, n, steps, out, err);
}

static void close(void *context)
{
    tft_forecaster_close(context);
}

engine_model engine_model_of(tft_forecaster *forecaster)
{
    engine_model model = {.context = forecaster,
                          .run = run,
                          .close = close,
                          .contract = *tft_forecaster_contract(forecaster),
                          .config = *tft_forecaster_config(forecaster),
                          .fleet = *tft_forecaster_fleet(forecaster),
                          .alerts = *tft_forecaster_alerts(forecaster),
                          .precision = tft_model_precision(tft_forecaster_model(forecaster))};
    snprintf(model.name, sizeof model.name, "%s", tft_forecaster_name(forecaster));
    snprintf(model.directory, sizeof model.directory, "%s", tft_forecaster_directory(forecaster));
    return model;
}

typedef struct opening {
    const char *directory;
    size_t n_threads;
    tft_forecaster *forecaster;
    tft_error *err;
    tft_status status;
} opening;

static void open_forecaster(void *context)
{
    opening *o = context;
    o->status = tft_forecaster_open(o->directory, o->n_threads, &o->forecaster, o->err);
}

tft_status engine_open_model(const char *directory, size_t n_threads, tft_precision precision, engine_model *model,
                             tft_error *err)
{
    opening o = {.directory = directory, .n_threads = n_threads, .err = err};
    background_run(open_forecaster, &o); // its threads inherit that they give way
    if (o.status == TFT_OK) {
        tft_forecaster_set_precision(o.forecaster, precision);
        *model = engine_model_of(o.forecaster);
    }
    return o.status;
}

tft_status engine_set_forecaster(engine *e, tft_forecaster *forecaster, tft_error *err)
{
    if (forecaster == NULL)
        return engine_set_model(e, NULL, err);
    const engine_model model = engine_model_of(forecaster);
    return engine_set_model(e, &model, err);
}
