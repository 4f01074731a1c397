/* error.h - how libtft reports what the world can do wrong.
 *
 * Whatever a file, a client, the memory or the disk can cause comes back as a tft_status; what only a
 * programmer can cause is an assert. The text is for the reader of a log or a terminal: it names the
 * thing, the value and the expectation. Who finds the fault writes it with tft_fail(); who knows more
 * on the way up puts it in front with tft_error_prefix(). The first cause is never overwritten.
 *
 * Memory:  a fixed-size struct that the caller owns; every `err` may be NULL.
 * Threads: one tft_error per call in flight; nothing is shared.
 */
#ifndef TFT_ERROR_H
#define TFT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TFT_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#else
#define TFT_PRINTF(fmt_at, args_at)
#endif

typedef enum tft_status {
    TFT_OK = 0,
    TFT_ERR_ARGUMENT,   // a value given by the caller is out of range
    TFT_ERR_FORMAT,     // bytes from outside do not follow their format
    TFT_ERR_LIMIT,      // well-formed, but larger than the stated bound
    TFT_ERR_STATE,      // not possible now (too little history, already closed)
    TFT_ERR_NOT_FOUND,  // no such file, server, tensor
    TFT_ERR_MISMATCH,   // two things that must fit do not (model and contract, tensor and shape)
    TFT_ERR_MEMORY,     // the system gave no memory
    TFT_ERR_IO,         // the system refused to read or write
    TFT_ERR_BUSY,       // try again later
    TFT_ERR_INTERRUPTED // stopped on request, work left undone
} tft_status;

typedef struct tft_error {
    tft_status status;
    char text[512];
} tft_error;

/* Writes status and text into `err` unless it already holds a cause; returns `status`.
 * Typical use: return tft_fail(err, TFT_ERR_FORMAT, "tensor %s: %zu bytes, expected %zu", ...); */
tft_status tft_fail(tft_error *err, tft_status status, const char *format, ...) TFT_PRINTF(3, 4);

/* Puts "<text>: " in front of the cause that `err` holds; returns its status. Nothing happens when
 * `err` is NULL or holds no cause. */
tft_status tft_error_prefix(tft_error *err, const char *format, ...) TFT_PRINTF(2, 3);

/* A short lower-case word for the status ("format", "limit", ...); static storage. */
const char *tft_status_word(tft_status status);

#ifdef __cplusplus
}
#endif
#endif
