/* precision.c - see precision.h. */
#include "cli/precision.h"

#include <stdio.h>
#include <stdlib.h>

bool precision_read(const char *command, const char *flag, tft_precision *precision)
{
    const char *const fallback = getenv("TFTD_PRECISION");
    const bool set = fallback != NULL && fallback[0] != '\0';
    const char *const name = flag != NULL ? flag : set ? fallback : tft_precision_name(TFT_PRECISION_FLOAT32);
    if (tft_precision_named(name, precision))
        return true;
    fprintf(stderr, "tftd %s: %s is \"%.30s\", must be float32 or bf16\n", command,
            flag != NULL ? "--precision" : "TFTD_PRECISION", name);
    return false;
}

void precision_use(const char *command, tft_precision wanted, tft_forecaster *forecaster)
{
    if (tft_forecaster_set_precision(forecaster, wanted) != wanted)
        fprintf(stderr, "tftd %s: this machine has no instructions for bfloat16 (AVX512_BF16); working in float32\n",
                command);
}

const char *precision_worth_telling(const tft_forecaster *forecaster)
{
    if (forecaster == NULL || tft_model_precision(tft_forecaster_model(forecaster)) == TFT_PRECISION_FLOAT32)
        return NULL;
    return tft_precision_name(tft_model_precision(tft_forecaster_model(forecaster)));
}
