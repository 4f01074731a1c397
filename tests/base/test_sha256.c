/* test_sha256.c - tests src/base/sha256.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

static void the_examples_of_fips_180_hold(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char digest[TFT_SHA256_BYTES];
        char text[TFT_SHA256_TEXT];
        assert_int_equal(tft_sha256(cases[i].text, strlen(cases[i].text), digest, NULL), TFT_OK);
        tft_sha256_hex(digest, text);
        assert_string_equal(text, cases[i].digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_examples_of_fips_180_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
