/* test_record.c - which records the contract accepts, and in which words the others are refused (CONTRACT 1.1). */
#include "check.h"

#include "base/clock.h"
#include "series/record.h"

#define NOW_MS INT64_C(1760371200000) // 2025-10-13T16:00:00Z

static tft_record good(void)
{
    tft_record r = tft_record_empty();
    r.name = "ppdb001";
    r.name_length = 7;
    r.time_ms = NOW_MS;
    r.values[0] = 37.5;
    return r;
}

static tft_fault_code check(const tft_record *record, tft_fault *fault)
{
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(NOW_MS);
    tft_fault mine = {0};
    fault = fault != NULL ? fault : &mine;
    memset(fault, 0, sizeof *fault);
    const bool ok = tft_record_check(&contract, &limits, record, fault);
    assert_int_equal(ok, fault->code == TFT_FAULT_NONE);
    assert_int_equal(ok, fault->reason[0] == '\0');
    return fault->code;
}

static void a_record_with_one_metric_is_enough(void **state)
{
    (void)state;
    const tft_record r = good();
    assert_int_equal(check(&r, NULL), TFT_FAULT_NONE);
}

static void bounds_belong_to_the_range(void **state)
{
    (void)state;
    const double edges[4][2] = {{0, 100}, {0, 100}, {0, 1e6}, {0, 86400000}};
    for (size_t m = 0; m < 4; m++) {
        for (size_t k = 0; k < 2; k++) {
            tft_record r = good();
            r.values[m] = edges[m][k];
            assert_int_equal(check(&r, NULL), TFT_FAULT_NONE);
            r.values[m] = nextafter(edges[m][k], k == 0 ? -1.0 : 1e9);
            assert_int_equal(check(&r, NULL), TFT_FAULT_OUT_OF_RANGE);
        }
    }
    tft_record r = good();
    tft_fault fault;
    r.values[0] = 140.2;
    check(&r, &fault);
    assert_string_equal(fault.field, "cpu_pct");
    assert_string_equal(fault.reason, "cpu_pct is 140.2, must be 0 to 100");
    assert_string_equal(tft_fault_word(fault.code), "out_of_range");
}

static void an_unbounded_metric_names_only_its_bound(void **state)
{
    (void)state;
    tft_metric metric = tft_contract_default().metrics[0];
    tft_fault fault;
    metric.max = HUGE_VAL;
    assert_true(tft_metric_accepts(&metric, 1e300, &fault));
    assert_false(tft_metric_accepts(&metric, -1.0, &fault));
    assert_string_equal(fault.reason, "cpu_pct is -1, must be at least 0");
    metric.min = -HUGE_VAL;
    metric.max = 5.0;
    assert_false(tft_metric_accepts(&metric, 6.0, &fault));
    assert_string_equal(fault.reason, "cpu_pct is 6, must be at most 5");
}

static void what_is_not_finite_is_refused_even_without_bounds(void **state)
{
    (void)state;
    tft_record r = good();
    tft_fault fault;
    r.values[3] = HUGE_VAL;
    assert_int_equal(check(&r, &fault), TFT_FAULT_NOT_FINITE);
    assert_string_equal(fault.field, "latency_ms");
    r.values[3] = -HUGE_VAL;
    assert_int_equal(check(&r, NULL), TFT_FAULT_NOT_FINITE);
    tft_metric metric = tft_contract_default().metrics[0];
    metric.min = -HUGE_VAL;
    metric.max = HUGE_VAL;
    assert_false(tft_metric_accepts(&metric, HUGE_VAL, &fault));
    assert_false(tft_metric_accepts(&metric, (double)NAN, &fault));
}

static void only_offline_and_maintenance_may_have_no_value(void **state)
{
    (void)state;
    for (int s = TFT_STATE_NONE; s < TFT_N_STATES; s++) {
        tft_record r = good();
        tft_fault fault;
        r.values[0] = (double)NAN;
        r.state = (tft_state)s;
        const bool may = s == TFT_STATE_OFFLINE || s == TFT_STATE_MAINTENANCE;
        assert_int_equal(check(&r, &fault), may ? TFT_FAULT_NONE : TFT_FAULT_NO_METRICS);
        assert_string_equal(fault.field, "");
    }
}

static void a_record_may_be_five_minutes_ahead_and_not_more(void **state)
{
    (void)state;
    tft_record r = good();
    tft_fault fault;
    r.time_ms = NOW_MS + 300000;
    assert_int_equal(check(&r, NULL), TFT_FAULT_NONE);
    r.time_ms++;
    assert_int_equal(check(&r, &fault), TFT_FAULT_IN_FUTURE);
    assert_string_equal(fault.field, "timestamp");
    assert_non_null(strstr(fault.reason, "2025-10-13T16:05:00.001Z"));
}

static void the_past_is_open_down_to_the_year_2000(void **state)
{
    (void)state;
    tft_record r = good();
    assert_true(tft_time_parse("2000-01-01T00:00:00Z", 20, &r.time_ms));
    assert_int_equal(check(&r, NULL), TFT_FAULT_NONE);
    r.time_ms--;
    assert_int_equal(check(&r, NULL), TFT_FAULT_TOO_OLD);

    const tft_contract contract = tft_contract_default();
    tft_record_limits limits = tft_record_limits_default(NOW_MS);
    limits.max_past_ms = 1000;
    r.time_ms = NOW_MS - 1000;
    assert_true(tft_record_check(&contract, &limits, &r, NULL));
    r.time_ms--;
    tft_fault fault;
    assert_false(tft_record_check(&contract, &limits, &r, &fault));
    assert_int_equal(fault.code, TFT_FAULT_TOO_OLD);
}

static bool name_ok(const char *name)
{
    return tft_record_name_ok(name, strlen(name), NULL);
}

static void names_are_any_text_without_control_characters(void **state)
{
    (void)state;
    assert_true(name_ok("a"));
    assert_true(name_ok(" a "));
    assert_true(name_ok("sérveur-Ω-日本-😀"));
    assert_true(name_ok("\xc2\xa0")); // a no-break space is a character
    assert_false(name_ok(""));
    assert_false(name_ok("   "));
    assert_false(name_ok("a\tb"));
    assert_false(name_ok("a\x7f"));
    assert_false(tft_record_name_ok("a\0b", 3, NULL));
    char name[300];
    memset(name, 'x', sizeof name);
    assert_true(tft_record_name_ok(name, 256, NULL));
    assert_false(tft_record_name_ok(name, 257, NULL));
}

static void names_must_be_valid_utf8(void **state)
{
    (void)state;
    assert_false(name_ok("\x80"));             // a continuation without a start
    assert_false(name_ok("\xc0\xaf"));         // overlong
    assert_false(name_ok("\xe0\x80\xaf"));     // overlong
    assert_false(name_ok("\xed\xa0\x80"));     // half a surrogate pair
    assert_false(name_ok("\xf4\x90\x80\x80")); // above U+10FFFF
    assert_false(name_ok("\xf5\x80\x80\x80"));
    assert_false(name_ok("a\xc3")); // cut short
    assert_true(name_ok("\xf4\x8f\xbf\xbf"));
    tft_fault fault;
    tft_record_name_ok("ab\xff", 3, &fault);
    assert_int_equal(fault.code, TFT_FAULT_BAD_NAME);
    assert_string_equal(fault.reason, "server_name is not valid UTF-8 at byte 2");
}

static void times_and_states_that_are_none_quote_what_was_sent(void **state)
{
    (void)state;
    tft_fault fault;
    int64_t ms = 7;
    assert_true(tft_record_parse_time("2025-10-13T16:00:00Z", 20, &ms, &fault));
    assert_int_equal(ms, NOW_MS);
    assert_false(tft_record_parse_time("2025-10-13", 10, &ms, &fault));
    assert_int_equal(fault.code, TFT_FAULT_BAD_TIMESTAMP);
    assert_string_equal(fault.reason, "timestamp is \"2025-10-13\", must be an ISO 8601 date and time");
    tft_state s = TFT_STATE_NONE;
    assert_true(tft_record_parse_state("state", "idle", 4, &s, &fault));
    assert_int_equal(s, TFT_STATE_IDLE);
    assert_false(tft_record_parse_state("status", "IDLE", 4, &s, &fault));
    assert_int_equal(fault.code, TFT_FAULT_UNKNOWN_STATE);
    assert_string_equal(fault.field, "status");
    assert_string_equal(fault.reason, "status is \"IDLE\", must be one of the eight states");
}

static void what_is_quoted_is_cut_to_80_characters_of_clean_utf8(void **state)
{
    (void)state;
    char out[TFT_QUOTED_TEXT], text[1000];
    assert_string_equal(tft_fault_quote("a\nb\xff", 4, out), "a?b?");
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "é", 2);
    tft_fault_quote(text, sizeof text, out);
    assert_int_equal(strlen(out), 160 + 3);
    assert_string_equal(out + 160, "…");
    tft_fault_quote(text, 160, out);
    assert_int_equal(strlen(out), 160);
    for (size_t i = 0; i < sizeof text; i += 4)
        memcpy(text + i, "😀", 4);
    tft_fault fault;
    tft_state s;
    tft_record_parse_state("status", text, sizeof text, &s, &fault);
    assert_non_null(strstr(fault.reason, "…\", must be one of the eight states")); // nothing was cut a second time
}

static void the_first_fault_in_the_order_of_the_fields_is_told(void **state)
{
    (void)state;
    tft_record r = good();
    r.time_ms = 0;
    r.name_length = 0;
    r.values[1] = 500.0;
    assert_int_equal(check(&r, NULL), TFT_FAULT_TOO_OLD);
    r.time_ms = NOW_MS;
    assert_int_equal(check(&r, NULL), TFT_FAULT_BAD_NAME);
    r.name_length = 7;
    assert_int_equal(check(&r, NULL), TFT_FAULT_OUT_OF_RANGE);
}

static void every_code_has_its_word(void **state)
{
    (void)state;
    static const char *const words[] = {
        "none",    "missing_field", "wrong_type",    "not_finite", "out_of_range",  "bad_timestamp",   "in_future",
        "too_old", "bad_name",      "unknown_state", "no_metrics", "not_an_object", "too_many_servers"};
    for (int c = 0; c < TFT_N_FAULTS; c++)
        assert_string_equal(tft_fault_word((tft_fault_code)c), words[c]);
}

static tft_profile profile_of(const char *name)
{
    return tft_profile_of_name(name, strlen(name), NULL, 0);
}

static void a_profile_is_read_off_a_prefix_and_a_digit(void **state)
{
    (void)state;
    assert_int_equal(profile_of("ppdb001"), TFT_PROFILE_DATABASE);
    assert_int_equal(profile_of("PPDB1.example.com"), TFT_PROFILE_DATABASE);
    assert_int_equal(profile_of("cptrain7"), TFT_PROFILE_ML_COMPUTE);
    assert_int_equal(profile_of("nginx2"), TFT_PROFILE_WEB_API);
    assert_int_equal(profile_of("egomgmt01"), TFT_PROFILE_CONDUCTOR_MGMT);
    assert_int_equal(profile_of("spark9"), TFT_PROFILE_DATA_INGEST);
    assert_int_equal(profile_of("credit3"), TFT_PROFILE_RISK_ANALYTICS);
    assert_int_equal(profile_of("ppdb"), TFT_PROFILE_GENERIC);
    assert_int_equal(profile_of("ppdbx1"), TFT_PROFILE_GENERIC);
    assert_int_equal(profile_of("xppdb1"), TFT_PROFILE_GENERIC);
    assert_int_equal(profile_of("ppgen001"), TFT_PROFILE_GENERIC);
    assert_int_equal(tft_profile_of_name("ppdb1", 4, NULL, 0), TFT_PROFILE_GENERIC); // the digit is past the end
}

static void the_longest_prefix_wins_and_own_ones_come_first(void **state)
{
    (void)state;
    const tft_profile_prefix extra[] = {
        {"ppdb", TFT_PROFILE_WEB_API}, {"ppdbcache", TFT_PROFILE_DATA_INGEST}, {"pp", TFT_PROFILE_ML_COMPUTE}};
    assert_int_equal(tft_profile_of_name("ppdb1", 5, extra, 3), TFT_PROFILE_WEB_API);
    assert_int_equal(tft_profile_of_name("PPdbCache1", 10, extra, 3), TFT_PROFILE_DATA_INGEST);
    assert_int_equal(tft_profile_of_name("pp1", 3, extra, 3), TFT_PROFILE_ML_COMPUTE);
    assert_int_equal(tft_profile_of_name("ppweb1", 6, extra, 3), TFT_PROFILE_WEB_API);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_with_one_metric_is_enough),
        cmocka_unit_test(bounds_belong_to_the_range),
        cmocka_unit_test(an_unbounded_metric_names_only_its_bound),
        cmocka_unit_test(what_is_not_finite_is_refused_even_without_bounds),
        cmocka_unit_test(only_offline_and_maintenance_may_have_no_value),
        cmocka_unit_test(a_record_may_be_five_minutes_ahead_and_not_more),
        cmocka_unit_test(the_past_is_open_down_to_the_year_2000),
        cmocka_unit_test(names_are_any_text_without_control_characters),
        cmocka_unit_test(names_must_be_valid_utf8),
        cmocka_unit_test(times_and_states_that_are_none_quote_what_was_sent),
        cmocka_unit_test(what_is_quoted_is_cut_to_80_characters_of_clean_utf8),
        cmocka_unit_test(the_first_fault_in_the_order_of_the_fields_is_told),
        cmocka_unit_test(every_code_has_its_word),
        cmocka_unit_test(a_profile_is_read_off_a_prefix_and_a_digit),
        cmocka_unit_test(the_longest_prefix_wins_and_own_ones_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
