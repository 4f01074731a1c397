/* alert_record.c - see alert_record.h. */
#include "train/alert_record.h"

#include <math.h>
#include <string.h>

#define MOST_COUNTED 1e15 // whole numbers that a double holds exactly

static double level_of(size_t k)
{
    return (double)(k + 1) / (TFT_N_ALERT_LEVELS + 1);
}

/* How many of the levels p reaches. A float that was written as 0.3 counts as 0.3. */
static size_t levels_below(double p)
{
    const double tenths = floor(p * (TFT_N_ALERT_LEVELS + 1) + 1e-6);
    return !(tenths >= 1) ? 0 : tenths > TFT_N_ALERT_LEVELS ? TFT_N_ALERT_LEVELS : (size_t)tenths;
}

void tft_alert_record_add(tft_alert_record *record, size_t point, double p, bool followed)
{
    for (size_t k = 0, n = levels_below(p); k < n; k++) {
        record->raised[point][k]++;
        record->followed[point][k] += followed;
    }
}

bool tft_alert_record_find(const tft_alert_record *record, uint32_t step, double level, uint64_t *raised,
                           uint64_t *followed)
{
    const size_t n = levels_below(level);
    for (size_t i = 0; i < record->n && n > 0; i++) {
        if (record->step[i] != step || record->raised[i][n - 1] < TFT_MIN_ALERTS)
            continue;
        *raised = record->raised[i][n - 1];
        *followed = record->followed[i][n - 1];
        return true;
    }
    return false;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void put_table(const uint64_t (*rows)[TFT_N_ALERT_LEVELS], size_t n, tft_text *text)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < TFT_N_ALERT_LEVELS; k++)
            tft_text_printf(text, "%s%llu", k > 0 ? ", " : i > 0 ? "], [" : "[[", (unsigned long long)rows[i][k]);
    }
    tft_text_puts(text, "]]");
}

void tft_alert_record_to_json(const tft_alert_record *record, tft_text *text)
{
    tft_text_printf(text, "{\"kind\": \"counts\", \"within\": %u, \"cases\": %llu, \"came\": %llu, \"steps\": [",
                    record->within, (unsigned long long)record->n_cases, (unsigned long long)record->n_came);
    for (size_t i = 0; i < record->n; i++)
        tft_text_printf(text, "%s%u", i > 0 ? ", " : "", record->step[i]);
    tft_text_puts(text, "], \"levels\": [");
    for (size_t k = 0; k < TFT_N_ALERT_LEVELS; k++)
        tft_text_printf(text, "%s%.1f", k > 0 ? ", " : "", level_of(k));
    tft_text_puts(text, "], \"raised\": ");
    put_table(record->raised, record->n, text);
    tft_text_puts(text, ", \"followed\": ");
    put_table(record->followed, record->n, text);
    tft_text_puts(text, "}");
}

static bool read_whole(const tft_json *value, double low, double high, double *out)
{
    double x = (double)NAN;
    if (!tft_json_number(value, &x) || !(x >= low && x <= high) || x != floor(x))
        return false;
    *out = x;
    return true;
}

static tft_status need_whole(const tft_json *object, const char *key, double low, double high, double *out,
                             tft_error *err)
{
    return read_whole(tft_json_at(object, key), low, high, out)
               ? TFT_OK
               : tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" must be a whole number from %.0f to %.0f", key, low, high);
}

/* Counts, one row per step: those of a higher level are among those of a lower one. */
static tft_status read_table(const tft_json *object, const char *key, size_t n, uint64_t (*rows)[TFT_N_ALERT_LEVELS],
                             tft_error *err)
{
    const tft_json *const table = tft_json_at(object, key);
    if (tft_json_kind_of(table) != TFT_JSON_ARRAY || tft_json_length(table) != n)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" must be an array of %zu, one for each step", key, n);
    for (size_t i = 0; i < n; i++) {
        const tft_json *const row = tft_json_item(table, i);
        double most = MOST_COUNTED;
        if (tft_json_kind_of(row) != TFT_JSON_ARRAY || tft_json_length(row) != TFT_N_ALERT_LEVELS)
            return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\"[%zu] must be an array of %d", key, i, TFT_N_ALERT_LEVELS);
        for (size_t k = 0; k < TFT_N_ALERT_LEVELS; k++) {
            if (!read_whole(tft_json_item(row, k), 0, most, &most))
                return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\"[%zu][%zu] must be a whole number from 0 to %.0f", key,
                                i, k, most);
            rows[i][k] = (uint64_t)most;
        }
    }
    return TFT_OK;
}

static tft_status read_levels(const tft_json *object, tft_error *err)
{
    const tft_json *const levels = tft_json_at(object, "levels");
    bool same = tft_json_kind_of(levels) == TFT_JSON_ARRAY && tft_json_length(levels) == TFT_N_ALERT_LEVELS;
    for (size_t k = 0; k < TFT_N_ALERT_LEVELS && same; k++) {
        double value = (double)NAN;
        same = tft_json_number(tft_json_item(levels, k), &value) && fabs(value - level_of(k)) < 1e-9;
    }
    return same ? TFT_OK : tft_fail(err, TFT_ERR_FORMAT, "key \"levels\" must be [0.1, 0.2, … 0.9]");
}

static tft_status read_steps(const tft_json *object, tft_alert_record *record, tft_error *err)
{
    const tft_json *const steps = tft_json_at(object, "steps");
    const size_t n = tft_json_length(steps);
    double before = 0;
    if (tft_json_kind_of(steps) != TFT_JSON_ARRAY || n == 0 || n > TFT_MAX_ALERT_POINTS)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be an array of 1 to %d", TFT_MAX_ALERT_POINTS);
    for (size_t i = 0; i < n; i++) {
        if (!read_whole(tft_json_item(steps, i), before + 1, record->within, &before))
            return tft_fail(err, TFT_ERR_FORMAT, "key \"steps\" must be whole numbers that rise to at most %u",
                            record->within);
        record->step[i] = (uint32_t)before;
    }
    record->n = n;
    return TFT_OK;
}

static tft_status read_counts(const tft_json *object, tft_alert_record *record, tft_error *err)
{
    double within = 0, cases = 0, came = 0;
    tft_status status = need_whole(object, "within", 1, 100000, &within, err);
    if (status == TFT_OK)
        status = need_whole(object, "cases", 0, MOST_COUNTED, &cases, err);
    if (status == TFT_OK)
        status = need_whole(object, "came", 0, cases, &came, err);
    record->within = (uint32_t)within;
    record->n_cases = (uint64_t)cases;
    record->n_came = (uint64_t)came;
    if (status == TFT_OK)
        status = read_steps(object, record, err);
    if (status == TFT_OK)
        status = read_levels(object, err);
    if (status == TFT_OK)
        status = read_table(object, "raised", record->n, record->raised, err);
    if (status == TFT_OK)
        status = read_table(object, "followed", record->n, record->followed, err);
    for (size_t i = 0; i < record->n && status == TFT_OK; i++) {
        for (size_t k = 0; k < TFT_N_ALERT_LEVELS && status == TFT_OK; k++) {
            if (record->followed[i][k] > record->raised[i][k])
                status = tft_fail(err, TFT_ERR_FORMAT, "key \"followed\"[%zu][%zu] is more than was raised", i, k);
        }
    }
    return status;
}

tft_status tft_alert_record_from_json(const tft_json *object, tft_alert_record *record, tft_error *err)
{
    *record = (tft_alert_record){0};
    const tft_status status = read_counts(object, record, err);
    if (status != TFT_OK)
        *record = (tft_alert_record){0};
    return status;
}
