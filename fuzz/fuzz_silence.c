/* fuzz_silence.c - silence_decode() on any bytes: refused with a reason, or a silence whose windows are in order and whose JSON comes
 * back as the same one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "notify/silence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const int64_t now = 1760371200000;
    silence s, again;
    silence_fault fault;
    tft_error err = {0};
    const tft_status status = silence_decode((const char *)data, n, now, &s, &fault, &err);
    if (status == TFT_ERR_ARGUMENT && (fault.field[0] == '\0' || fault.why[0] == '\0'))
        abort();
    if (status != TFT_OK && status != TFT_ERR_ARGUMENT && err.text[0] == '\0')
        abort();
    if (status != TFT_OK)
        return 0;
    int64_t from, to, at = now;
    for (int i = 0; i < 20 && silence_window(&s, at, &from, &to); i++) {
        if (to <= at || to - from != s.ends_ms - s.starts_ms)
            abort();
        at = to;
    }
    tft_text out = tft_text_new(65536);
    tft_text_puts(&out, "{");
    silence_write(&s, &out);
    tft_text_puts(&out, "}");
    if (out.failed || silence_restore(out.bytes, out.n, &again, &err) != TFT_OK)
        abort();
    if (again.starts_ms != s.starts_ms || again.ends_ms != s.ends_ms || strcmp(again.rrule, s.rrule) != 0 ||
        memcmp(&again.matcher, &s.matcher, sizeof s.matcher) != 0)
        abort();
    tft_text_free(&out);
    silence_free(&s);
    silence_free(&again);
    return 0;
}
