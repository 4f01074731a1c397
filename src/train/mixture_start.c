/* mixture_start.c - see mixture_start.h. */
#include "train/mixture_start.h"

#include <math.h>
#include <string.h>

#include "series/calendar.h"
#include "tft/mixture.h"
#include "tft/window.h"

static const char *const persistent[] = {"last_value", "last_and_changes_24h", "last_and_changes_7d",
                                         "analogs_changes"};

static bool persists(const tft_config *config, size_t anchor)
{
    for (size_t i = 0; i < sizeof persistent / sizeof persistent[0]; i++) {
        if (strcmp(tft_window_anchor_name(config, anchor), persistent[i]) == 0)
            return true;
    }
    return false;
}

static bool follows(const tft_config *config, size_t anchor)
{
    const char *const name = tft_window_anchor_name(config, anchor);
    return strcmp(name, "analogs") == 0 || strcmp(name, "minute_moments") == 0;
}

void tft_mixture_start(const tft_contract *contract, tft_model *model)
{
    const tft_config *const config = tft_model_config(model);
    const size_t k = config->n_anchors, width = tft_mixture_width(config);
    const double hour = (double)tft_pace_of(contract->step_ms).hour;
    for (size_t i = 0; config->tilted_mixture && i < tft_model_n_parameters(model); i++) {
        const tft_parameter step = tft_model_parameter(model, i);
        if (strcmp(step.name, "mixture_layer.step") != 0)
            continue;
        for (size_t at = 0; at < step.n; at++) {
            const size_t t = at / width, anchor = at % width % (2 * k); // a target's α come before its β
            if (anchor >= k)
                continue;
            const double near = persists(config, anchor) ? 3.0 * exp(-(double)t / hour) : 0.0;
            const double far = follows(config, anchor) ? 2.0 : 0.0;
            step.data[at] = (float)((near + far) / TFT_MIXTURE_STEP_GAIN);
        }
    }
}
