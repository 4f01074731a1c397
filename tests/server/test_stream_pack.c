/* test_stream_pack.c - what is packed piece by piece is one stream that other programs read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/unpack.h"
#include "server/stream_pack.h"

#define PIECES 50

/* Many pieces, some of them empty, in one stream; unpacked they are the same bytes. */
static void of_encoding(negotiate_encoding encoding, ingest_encoding name)
{
    tft_text plain = tft_text_new(1 << 22), packed = tft_text_new(1 << 22);
    stream_pack *const p = stream_pack_open(encoding);
    assert_non_null(p);
    for (int i = 0; i < PIECES; i++) {
        const size_t at = plain.n;
        for (int k = 0; k < i * 40; k++)
            tft_text_printf(&plain, "2026-11-24T01:%02d:00Z,ppdb%03d,%d.5\r\n", k % 60, k % 7, (i * 37 + k * 13) % 100);
        assert_true(stream_pack_add(p, plain.bytes + at, plain.n - at, i == PIECES - 1, &packed));
    }
    stream_pack_close(p);
    assert_true(packed.n < plain.n / 4);
    tft_text again = tft_text_new(1 << 22);
    assert_int_equal(ingest_unpack(name, packed.bytes, packed.n, &again, NULL), TFT_OK);
    assert_int_equal(again.n, plain.n);
    assert_memory_equal(again.bytes, plain.bytes, plain.n);
    tft_text_free(&again);
    tft_text_free(&plain);
    tft_text_free(&packed);
}

static void pieces_become_one_gzip_stream(void **state)
{
    (void)state;
    of_encoding(ENCODE_GZIP, INGEST_GZIP);
    assert_string_equal(stream_pack_name(ENCODE_GZIP), "gzip");
}

static void pieces_become_one_zstd_frame(void **state)
{
    (void)state;
    of_encoding(ENCODE_ZSTD, INGEST_ZSTD);
    assert_string_equal(stream_pack_name(ENCODE_ZSTD), "zstd");
}

static void an_empty_stream_is_one_too(void **state)
{
    tft_text packed = tft_text_new(1 << 12), again = tft_text_new(1 << 12);
    (void)state;
    stream_pack *const p = stream_pack_open(ENCODE_GZIP);
    assert_true(stream_pack_add(p, NULL, 0, true, &packed));
    stream_pack_close(p);
    assert_int_equal(ingest_unpack(INGEST_GZIP, packed.bytes, packed.n, &again, NULL), TFT_OK);
    assert_int_equal(again.n, 0);
    tft_text_free(&packed);
    tft_text_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_one_gzip_stream),
        cmocka_unit_test(pieces_become_one_zstd_frame),
        cmocka_unit_test(an_empty_stream_is_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
