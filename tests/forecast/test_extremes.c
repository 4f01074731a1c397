/* test_extremes.c - least and most of the two newest steps: whole, or not told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "forecast/extremes.h"

#define M 2
#define NONE ((double)NAN)

typedef struct room {
    extremes e;
    float least[EXTREMES_STEPS * M], most[EXTREMES_STEPS * M];
} room;

static extremes *begin(room *r)
{
    r->e = (extremes){.least = r->least, .most = r->most};
    extremes_clear(&r->e, M);
    return &r->e;
}

static void add(extremes *e, int64_t step, double a, double b)
{
    const double values[M] = {a, b};
    extremes_add(e, M, step, values);
}

static void a_step_has_the_least_and_most_of_its_records(void **state)
{
    room r;
    const float *least, *most;
    (void)state;
    extremes *const e = begin(&r);
    assert_false(extremes_find(e, M, 5, 0, &least, &most));
    add(e, 5, 10, NONE);
    add(e, 5, 30, NONE);
    add(e, 5, 20, NONE);
    assert_true(extremes_find(e, M, 5, 3, &least, &most));
    assert_true(least[0] == 10 && most[0] == 30);
    assert_true(isnan(least[1]) && isnan(most[1]));
    const double late[M] = {NONE, 7};
    extremes_fill(e, M, 5, late); // completes a record, is none
    assert_true(extremes_find(e, M, 5, 3, &least, &most));
    assert_true(least[1] == 7 && most[1] == 7);
}

static void the_two_newest_are_kept_and_the_oldest_makes_room(void **state)
{
    room r;
    const float *least, *most;
    (void)state;
    extremes *const e = begin(&r);
    add(e, 5, 10, 1);
    add(e, 6, 20, 1);
    add(e, 7, 30, 1);
    add(e, 5, 99, 1); // late, and no longer known
    add(e, 6, 25, 1); // late, and known
    assert_false(extremes_find(e, M, 5, 2, &least, &most));
    assert_true(extremes_find(e, M, 6, 2, &least, &most));
    assert_true(least[0] == 20 && most[0] == 25);
    assert_true(extremes_find(e, M, 7, 1, &least, &most));
    assert_true(least[0] == 30);
}

static void a_step_of_which_a_record_was_missed_is_not_told(void **state)
{
    room r;
    const float *least, *most;
    (void)state;
    extremes *const e = begin(&r);
    add(e, 5, 10, 1);
    assert_false(extremes_find(e, M, 5, 2, &least, &most));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_has_the_least_and_most_of_its_records),
        cmocka_unit_test(the_two_newest_are_kept_and_the_oldest_makes_room),
        cmocka_unit_test(a_step_of_which_a_record_was_missed_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
