/* test_dispatch.c - which kernels run: safe before anybody chose, the best there is, never one that the machine lacks. */
#include "guard.h"

/* Must run first: the choice is made once per process. */
static void kernels_work_before_anybody_chose_them(void **state)
{
    (void)state;
    assert_int_equal(tft_tensor_isa(), TFT_ISA_PORTABLE);
    float y[3] = {1.0f, 2.0f, 3.0f};
    const float x[3] = {10.0f, 20.0f, 30.0f};
    tft_add(y, x, 3);
    assert_true(y[0] == 11.0f && y[1] == 22.0f && y[2] == 33.0f);
}

static void auto_chooses_the_widest_usable_set(void **state)
{
    (void)state;
    const tft_isa chosen = tft_tensor_init(TFT_ISA_AUTO);
    assert_int_equal(tft_tensor_isa(), chosen);
    assert_true(tft_isa_usable(chosen));
    for (tft_isa better = (tft_isa)(chosen + 1); better <= TFT_ISA_AVX512; better = (tft_isa)(better + 1))
        assert_false(tft_isa_usable(better));
}

static void a_set_that_the_machine_lacks_falls_back_to_the_next_best(void **state)
{
    (void)state;
    const tft_isa sets[] = {TFT_ISA_PORTABLE, TFT_ISA_AVX2, TFT_ISA_AVX512};
    tft_isa best = TFT_ISA_PORTABLE;
    for (size_t i = 0; i < 3; i++) {
        best = tft_isa_usable(sets[i]) ? sets[i] : best;
        assert_int_equal(tft_tensor_init(sets[i]), best);
        assert_int_equal(tft_tensor_isa(), best);
        assert_int_equal(tft_tensor_init(sets[i]), best); // again: harmless
    }
}

static void auto_keeps_a_choice_that_was_made_before(void **state)
{
    (void)state;
    assert_int_equal(tft_tensor_init(TFT_ISA_PORTABLE), TFT_ISA_PORTABLE);
    assert_int_equal(tft_tensor_init(TFT_ISA_AUTO), TFT_ISA_PORTABLE);
    assert_int_equal(tft_tensor_isa(), TFT_ISA_PORTABLE);
}

static void portable_is_always_usable_and_auto_is_not_a_set(void **state)
{
    (void)state;
    assert_true(tft_isa_usable(TFT_ISA_PORTABLE));
    assert_false(tft_isa_usable(TFT_ISA_AUTO));
}

static void sets_have_the_names_of_the_documentation(void **state)
{
    (void)state;
    assert_string_equal(tft_isa_name(TFT_ISA_PORTABLE), "portable");
    assert_string_equal(tft_isa_name(TFT_ISA_AVX2), "avx2");
    assert_string_equal(tft_isa_name(TFT_ISA_AVX512), "avx512");
}

/* No kernel may be missing from a table: a NULL would only show when it is first called. */
static void every_table_is_complete(void **state)
{
    (void)state;
    const tft_kernels *tables[] = {&tft_kernels_ref, &tft_kernels_portable, tft_kernels_avx2(), tft_kernels_avx512()};
    for (size_t i = 0; i < 4; i++) {
        if (tables[i] == NULL)
            continue;
#define CHECK_KERNEL(name) assert_true(tables[i]->name != NULL);
        TFT_KERNEL_LIST(CHECK_KERNEL)
#undef CHECK_KERNEL
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_work_before_anybody_chose_them),
        cmocka_unit_test(auto_chooses_the_widest_usable_set),
        cmocka_unit_test(a_set_that_the_machine_lacks_falls_back_to_the_next_best),
        cmocka_unit_test(auto_keeps_a_choice_that_was_made_before),
        cmocka_unit_test(portable_is_always_usable_and_auto_is_not_a_set),
        cmocka_unit_test(sets_have_the_names_of_the_documentation),
        cmocka_unit_test(every_table_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
