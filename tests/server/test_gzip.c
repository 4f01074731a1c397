/* test_gzip.c - packed replies unpack to what they were made of, also when head and tail were packed apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ingest/unpack.h"
#include "server/gzip.h"

static char *make_text(size_t n)
{
    char *const text = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = "0123456789, .\"{}"[(i * i + i / 7) % 16];
    text[n] = '\0';
    return text;
}

static void a_head_and_any_tail_are_one_stream(void **state)
{
    (void)state;
    static const size_t heads[] = {0, 1, 1000, 16384, 300000};
    static const size_t tails[] = {0, 1, 20, 65535};
    char *const text = make_text(400000);
    for (size_t h = 0; h < 5; h++) {
        tft_text head = tft_text_new(1 << 20);
        gzip_head facts;
        assert_true(gzip_begin(text, heads[h], &head, &facts));
        for (size_t t = 0; t < 4; t++) { // one head serves many tails
            tft_text whole = tft_text_new(1 << 20), out = tft_text_new(1 << 20);
            tft_text_add(&whole, head.bytes, head.n);
            assert_true(gzip_tail(&facts, text + heads[h], tails[t], &whole));
            assert_int_equal(ingest_unpack(INGEST_GZIP, whole.bytes, whole.n, &out, NULL),
                             TFT_OK); // checks CRC and length too
            assert_int_equal(out.n, heads[h] + tails[t]);
            if (out.n > 0)
                assert_memory_equal(out.bytes, text, out.n);
            tft_text_free(&whole);
            tft_text_free(&out);
        }
        tft_text_free(&head);
    }
    free(text);
}

static void a_tail_longer_than_a_stored_block_is_refused(void **state)
{
    (void)state;
    char *const text = make_text(65536);
    tft_text out = tft_text_new(1 << 20);
    assert_false(gzip_tail(&(gzip_head){0}, text, 65536, &out));
    tft_text_free(&out);
    free(text);
}

static void a_whole_text_comes_back(void **state)
{
    (void)state;
    char *const text = make_text(100000);
    tft_text packed = tft_text_new(1 << 20), out = tft_text_new(1 << 20);
    assert_true(gzip_whole(text, 100000, &packed));
    assert_true(packed.n < 80000);
    assert_int_equal(ingest_unpack(INGEST_GZIP, packed.bytes, packed.n, &out, NULL), TFT_OK);
    assert_string_equal(out.bytes, text);
    tft_text_free(&packed);
    tft_text_free(&out);
    free(text);
}

static void pieces_in_any_order_are_one_stream_and_unpack_piece_by_piece(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 700, 31000, 120000};
    enum { N = sizeof sizes / sizeof *sizes };
    char *const text = make_text(200000);
    tft_text pieces[N];
    gzip_head facts[N];
    gzip_packer *const packer = gzip_packer_open();
    assert_non_null(packer);
    for (size_t i = 0; i < N; i++) {
        pieces[i] = tft_text_new(1 << 20);
        assert_true(gzip_pack_piece(packer, text + i, sizes[i], &pieces[i], &facts[i]));
    }
    gzip_packer_close(packer);
    for (size_t turn = 0; turn < N; turn++) {
        tft_text whole = tft_text_new(1 << 20), expected = tft_text_new(1 << 20), out = tft_text_new(1 << 20);
        gzip_head all = {0};
        gzip_unpacker *const unpacker = gzip_unpacker_open();
        char room[1000];
        tft_text plain = tft_text_new(1 << 20);
        tft_text_add(&whole, gzip_header, sizeof gzip_header);
        for (size_t k = 0; k < N; k++) {
            const size_t i = (turn + 3 * k) % N;
            const char *in = pieces[i].bytes;
            size_t left = pieces[i].n;
            ptrdiff_t got;
            gzip_join(&all, &facts[i]);
            tft_text_add(&whole, pieces[i].bytes, pieces[i].n);
            tft_text_add(&expected, text + i, sizes[i]);
            while ((got = gzip_unpack(unpacker, &in, &left, room, sizeof room)) > 0)
                tft_text_add(&plain, room, (size_t)got);
            assert_true(got == 0 && left == 0);
        }
        assert_true(plain.n == expected.n && memcmp(plain.bytes, expected.bytes, plain.n) == 0);
        assert_true(gzip_tail(&all, "end", 3, &whole));
        tft_text_add(&expected, "end", 3);
        assert_int_equal(ingest_unpack(INGEST_GZIP, whole.bytes, whole.n, &out, NULL), TFT_OK); // CRC and length too
        assert_true(out.n == expected.n && memcmp(out.bytes, expected.bytes, out.n) == 0);
        gzip_unpacker_close(unpacker);
        tft_text_free(&whole);
        tft_text_free(&expected);
        tft_text_free(&out);
        tft_text_free(&plain);
    }
    for (size_t i = 0; i < N; i++)
        tft_text_free(&pieces[i]);
    free(text);
}

static void what_is_no_packed_piece_is_said_to_be_broken(void **state)
{
    (void)state;
    gzip_unpacker *const unpacker = gzip_unpacker_open();
    const char *in = "\xff\xff\xff\xff";
    size_t n = 4;
    char room[100];
    assert_int_equal(gzip_unpack(unpacker, &in, &n, room, sizeof room), -1);
    gzip_unpacker_close(unpacker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_and_any_tail_are_one_stream),
        cmocka_unit_test(a_tail_longer_than_a_stored_block_is_refused),
        cmocka_unit_test(a_whole_text_comes_back),
        cmocka_unit_test(pieces_in_any_order_are_one_stream_and_unpack_piece_by_piece),
        cmocka_unit_test(what_is_no_packed_piece_is_said_to_be_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
