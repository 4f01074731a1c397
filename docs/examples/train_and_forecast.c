/* train_and_forecast.c - libtft in one page: make a series, train on it, forecast its next hours.
 *
 *     cc train_and_forecast.c $(pkg-config --cflags --libs tft) -lm && ./a.out /tmp/models
 */
#include <math.h>
#include <stdio.h>

#include <tft/dataset.h>
#include <tft/forecaster.h>
#include <tft/train.h>

int main(int argc, char **argv)
{
    tft_error err = {0};
    tft_contract contract = tft_contract_default(); // 5-minute steps; one metric of it is enough here
    contract.n_metrics = 1;
    contract.context = 48;
    contract.horizon = 12;

    tft_dataset data = {0};
    if (tft_dataset_open(&contract, &data, &err) != TFT_OK)
        goto failed;
    for (int i = 0; i < 3000; i++) { // ten days of a daily rhythm
        const double cpu = 50 + 30 * sin(i * 6.2831853 / 288) + 5 * sin(i * 0.7);
        if (tft_dataset_add(&data, "web1", 4, 1700000000000 + i * contract.step_ms, &cpu, TFT_STATE_NONE, -1, &err) !=
            TFT_OK)
            goto failed;
    }

    tft_train_options options = tft_train_options_default();
    options.hidden_size = 8;
    options.n_heads = 2;
    options.hidden_continuous_size = 4;
    options.hazard = false; // this server has no incidents to learn from
    options.epochs = 2;
    options.steps_per_epoch = 20;
    options.batch = 16;
    options.max_validation_windows = 50;
    options.out = argc > 1 ? argv[1] : "models";
    char path[4096];
    if (tft_train(&data, &options, NULL, NULL, path, sizeof path, &err) != TFT_OK)
        goto failed;

    tft_forecaster *forecaster = NULL;
    if (tft_forecaster_open(path, 1, &forecaster, &err) != TFT_OK)
        goto failed;
    static float quantiles[12][7];
    uint8_t ok = 0;
    const tft_series *series = &data.series[0];
    const tft_request request = {.series = series, .origin = series->first_step + (int64_t)series->n_steps - 1};
    const tft_forecast forecast = {.quantiles = &quantiles[0][0], .ok = &ok};
    if (tft_forecaster_run(forecaster, &request, 1, 0, &forecast, &err) != TFT_OK || !ok)
        goto failed;
    for (int t = 0; t < 12; t++)
        printf("in %2d min: %5.1f %% (P10 %5.1f, P90 %5.1f)\n", 5 * (t + 1), quantiles[t][3], quantiles[t][1],
               quantiles[t][5]);
    tft_forecaster_close(forecaster);
    tft_dataset_close(&data);
    return 0;

failed:
    fprintf(stderr, "%s\n", err.text);
    return 1;
}
