/* compare_json.c - which JSON library reads record batches fastest, and what each does with bad numbers.
 *
 * Not part of the build (it needs libjansson-dev and libyajl-dev); the figures in docs/decisions/002-libraries.md come from
 *     for l in JSONC:json-c JANSSON:jansson YAJL:yajl; do cc -O2 -DUSE_${l%:*} -o /tmp/j bench/compare_json.c -l${l#*:} && /tmp/j; done
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(USE_JANSSON) // the libraries' names clash, so each gets a program of its own
#include <jansson.h>
#elif defined(USE_YAJL)
#include <yajl/yajl_parse.h>
#else
#include <json-c/json.h>
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *batch(size_t records, size_t *n)
{
    char *const text = malloc(records * 220 + 64);
    size_t at = (size_t)sprintf(text, "{\"records\": [");
    for (size_t i = 0; i < records; i++)
        at += (size_t)sprintf(
            text + at,
            "%s{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"ppdb%03zu\", \"cpu_pct\": %.1f, "
            "\"mem_pct\": 61.2, \"disk_io_mb_s\": 142.8, \"latency_ms\": 9.1, \"state\": \"healthy\"}",
            i ? ", " : "", i, (double)(i % 1000) / 10);
    at += (size_t)sprintf(text + at, "]}");
    *n = at;
    return text;
}

#if defined(USE_JANSSON)
#define NAME "jansson"
static int parse(const char *text, size_t n)
{
    json_t *const root = json_loadb(text, n, 0, NULL);
    json_decref(root);
    return root != NULL;
}

#elif defined(USE_YAJL)
#define NAME "yajl"
static int take(void *c, const unsigned char *s, size_t n)
{
    *(size_t *)c += n + s[0];
    return 1;
}
static int take_number(void *c, const char *s, size_t n)
{
    char number[64];
    memcpy(number, s, n < 63 ? n : 63);
    number[n < 63 ? n : 63] = '\0';
    *(size_t *)c += (size_t)strtod(number, NULL);
    return 1;
}
static int parse(const char *text, size_t n)
{
    const yajl_callbacks callbacks = {.yajl_number = take_number, .yajl_string = take, .yajl_map_key = take};
    size_t sum = 0;
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &sum);
    const int ok = yajl_parse(handle, (const unsigned char *)text, n) == yajl_status_ok &&
                   yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return ok;
}

#else
#define NAME "json-c"
static int parse(const char *text, size_t n)
{
    json_tokener *const tokener = json_tokener_new_ex(33);
    json_tokener_set_flags(tokener,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    json_object *const root = json_tokener_parse_ex(tokener, text, (int)n);
    const int ok = json_tokener_get_error(tokener) == json_tokener_success;
    json_object_put(root);
    json_tokener_free(tokener);
    return ok;
}

#endif

int main(void)
{
    static const size_t sizes[] = {20, 5000};
    for (size_t k = 0; k < 2; k++) {
        size_t n;
        char *const text = batch(sizes[k], &n);
        double best = 1e9;
        const size_t rounds = 200000 / sizes[k];
        for (int repeat = 0; repeat < 5; repeat++) {
            const double start = now();
            for (size_t i = 0; i < rounds; i++)
                if (!parse(text, n))
                    return 1;
            const double took = (now() - start) / (double)(rounds * sizes[k]);
            best = took < best ? took : best;
        }
        printf("%-8s %5zu records a batch: %5.2f us a record, %.2f M records/s\n", NAME, sizes[k], best * 1e6,
               1e-6 / best);
        free(text);
    }
    static const char *const odd[] = {"[NaN]", "[1e999]", "[-Infinity]", "[1,]", "['a']", "[\"\\ud800\"]"};
    for (size_t i = 0; i < 6; i++)
        printf("%-8s %-12s %s\n", NAME, odd[i], parse(odd[i], strlen(odd[i])) ? "taken" : "refused");
    return 0;
}
