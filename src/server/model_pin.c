/* model_pin.c - see model_pin.h. */
#include "server/model_pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/model_dir.h"

static void take(char out[32], const char *from, size_t n)
{
    snprintf(out, 32, "%.*s", (int)(n < 32 ? n : 0), from);
    if (!tft_model_name_valid(out))
        out[0] = '\0';
}

tft_status model_pin_read(const char *data_dir, model_pin *pin, tft_error *err)
{
    char path[4096], *bytes = NULL;
    size_t n = 0;
    *pin = (model_pin){0};
    snprintf(path, sizeof path, "%s/served-model", data_dir);
    tft_error why = {0};
    const tft_status status = tft_file_read(path, 256, &bytes, &n, &why);
    if (status != TFT_OK && status != TFT_ERR_NOT_FOUND && err != NULL)
        *err = why;
    if (status != TFT_OK)
        return status == TFT_ERR_NOT_FOUND ? TFT_OK : status;
    const char *const end = memchr(bytes, '\n', n);
    const size_t first = end != NULL ? (size_t)(end - bytes) : n;
    take(pin->pinned, bytes, first);
    if (end != NULL) {
        const char *const second = memchr(end + 1, '\n', n - first - 1);
        take(pin->before, end + 1, second != NULL ? (size_t)(second - end - 1) : n - first - 1);
    }
    free(bytes);
    return TFT_OK;
}

tft_status model_pin_write(const char *data_dir, const model_pin *pin, tft_error *err)
{
    char path[4096], text[80];
    snprintf(path, sizeof path, "%s/served-model", data_dir);
    const int n = snprintf(text, sizeof text, "%s\n%s\n", pin->pinned[0] != '\0' ? pin->pinned : "latest", pin->before);
    return tft_file_replace(path, text, (size_t)n, err);
}
