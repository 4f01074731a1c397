/* error.c - see tft/error.h. Formatting goes through vsnprintf: a text that is too long is cut, never spilled. */
#include "tft/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tft_status tft_fail(tft_error *err, tft_status status, const char *format, ...)
{
    if (err == NULL || err->status != TFT_OK)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

tft_status tft_error_prefix(tft_error *err, const char *format, ...)
{
    if (err == NULL)
        return TFT_ERR_STATE;
    if (err->status == TFT_OK)
        return TFT_OK;
    char front[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(front, sizeof front, format, args);
    va_end(args);

    char cause[sizeof err->text];
    memcpy(cause, err->text, sizeof cause);
    const int n = snprintf(err->text, sizeof err->text, "%.200s: ", front);
    if (n > 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", cause);
    return err->status;
}

const char *tft_status_word(tft_status status)
{
    switch (status) {
    case TFT_OK:
        return "ok";
    case TFT_ERR_ARGUMENT:
        return "argument";
    case TFT_ERR_FORMAT:
        return "format";
    case TFT_ERR_LIMIT:
        return "limit";
    case TFT_ERR_STATE:
        return "state";
    case TFT_ERR_NOT_FOUND:
        return "not found";
    case TFT_ERR_MISMATCH:
        return "mismatch";
    case TFT_ERR_MEMORY:
        return "memory";
    case TFT_ERR_IO:
        return "io";
    case TFT_ERR_BUSY:
        return "busy";
    case TFT_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown";
}
