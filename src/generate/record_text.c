/* record_text.c - see record_text.h. One table names the columns for both. */
#include "generate/record_text.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

static const struct {
    const char *name;
    size_t offset;
    int decimals;
} values[] = {
    {"cpu_pct", offsetof(generate_record, cpu_pct), 2},
    {"mem_pct", offsetof(generate_record, mem_pct), 2},
    {"disk_io_mb_s", offsetof(generate_record, disk_io_mb_s), 2},
    {"latency_ms", offsetof(generate_record, latency_ms), 2},
    {"net_in_mb_s", offsetof(generate_record, net_in_mb_s), 3},
    {"net_out_mb_s", offsetof(generate_record, net_out_mb_s), 3},
    {"error_rate", offsetof(generate_record, error_rate), 5},
    {"gc_pause_ms", offsetof(generate_record, gc_pause_ms), 2},
};
static const size_t n_values = sizeof values / sizeof values[0];

static double value_of(const generate_record *r, size_t i)
{
    double x;
    memcpy(&x, (const char *)r + values[i].offset, sizeof x);
    return x;
}

static size_t stamp(int64_t ms, char out[TFT_TIME_TEXT])
{
    return ms % 1000 == 0 ? tft_time_format_s(ms, out) : tft_time_format_ms(ms, out);
}

void generate_csv_header(tft_text *text)
{
    tft_text_puts(text, "timestamp,server_name,profile");
    for (size_t i = 0; i < n_values; i++)
        tft_text_printf(text, ",%s", values[i].name);
    tft_text_puts(text, ",problem_child,container_oom,state,notes\n");
}

void generate_csv_row(tft_text *text, const generate_record *r)
{
    char time[TFT_TIME_TEXT];
    tft_text_add(text, time, stamp(r->time_ms, time));
    tft_text_printf(text, ",%s,%s", r->server_name, tft_profile_name(r->profile));
    for (size_t i = 0; i < n_values; i++) {
        const double x = value_of(r, i);
        tft_text_puts(text, ",");
        if (isfinite(x))
            tft_text_json_fixed(text, x, values[i].decimals);
    }
    tft_text_printf(text, ",%d,%d,%s,%s\n", r->problem_child, r->container_oom, tft_state_name(r->state), r->notes);
}

static void json_record(tft_text *text, const generate_record *r)
{
    char time[TFT_TIME_TEXT];
    stamp(r->time_ms, time);
    tft_text_printf(text, "{\"timestamp\": \"%s\", \"server_name\": ", time);
    tft_text_json_string(text, r->server_name, strlen(r->server_name));
    tft_text_printf(text, ", \"profile\": \"%s\"", tft_profile_name(r->profile));
    for (size_t i = 0; i < n_values; i++) {
        const double x = value_of(r, i);
        if (!isfinite(x))
            continue;
        tft_text_printf(text, ", \"%s\": ", values[i].name);
        tft_text_json_fixed(text, x, values[i].decimals);
    }
    tft_text_printf(text, ", \"problem_child\": %s, \"container_oom\": %s, \"state\": \"%s\", \"notes\": ",
                    r->problem_child ? "true" : "false", r->container_oom ? "true" : "false", tft_state_name(r->state));
    tft_text_json_string(text, r->notes, strlen(r->notes));
    tft_text_puts(text, "}");
}

void generate_json_batch(tft_text *text, const generate_record *records, size_t n)
{
    tft_text_puts(text, "{\"records\": [");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            tft_text_puts(text, ", ");
        json_record(text, &records[i]);
    }
    tft_text_puts(text, "]}");
}
