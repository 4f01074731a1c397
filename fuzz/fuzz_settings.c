/* fuzz_settings.c - settings_read_yaml() on any bytes: an error with its place, or settings within their bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "cli/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    settings s;
    tft_error err = {0};
    settings_default(&s);
    const tft_status status = settings_read_yaml(&s, "f", (const char *)data, n, &err);
    if ((status != TFT_OK) != (err.text[0] != '\0'))
        abort();
    if (s.http.threads < 1 || s.http.threads > 64 || s.http.listen.n > 8 || s.n_levels > SETTINGS_MAX_LEVELS)
        abort();
    settings_free(&s);
    return 0;
}
