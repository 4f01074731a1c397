/* cmd_generate.c - tftd generate: the synthetic fleet as a file, or live.
 *
 * Without --stream it writes a CSV; with it, it posts every tick to a daemon and opens the control port. Reads flags, turns
 * them into the plans of generate/csv_file.h and generate/stream.h, and shows what they report.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "generate/control.h"
#include "generate/csv_file.h"
#include "generate/stream.h"

#define DEFAULT_START "2025-09-01T00:00:00Z" // a Monday: the same command gives the same bytes on any day
#define DAY_S 86400.0
#define CALM_BEFORE_MS ((int64_t)2 * 3600000) // what happened just before would still show

static volatile sig_atomic_t stop_requested; // set by the signal handler, read by everything that waits

static void request_stop(int signal_number)
{
    (void)signal_number;
    if (stop_requested)
        _exit(EXIT_INTERRUPTED); // asked twice: at once
    stop_requested = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = request_stop};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

typedef struct generate_args {
    size_t servers, seed;
    double days, hours, step_s, incident_rate, gaps, speed, backfill_s, backfill_step_s, calm_s;
    int64_t start_ms;
    const char *scenario, *out, *mix, *url, *control, *key_file, *ca_file;
    bool quiet;
} generate_args;

static int wrong(const char *flag_name, const char *value, const char *wanted)
{
    fprintf(stderr, "tftd generate: %s: \"%.100s\" is not %s\n", flag_name, value, wanted);
    return EXIT_USAGE;
}

static int failed(const tft_error *err)
{
    fprintf(stderr, "tftd generate: %s\n", err->text);
    switch (err->status) {
    case TFT_ERR_ARGUMENT:
        return EXIT_USAGE;
    case TFT_ERR_INTERRUPTED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILED;
    }
}

/* "leak=2,crash=0": weights of the kinds that are named; the others keep 1. */
static bool parse_mix(const char *text, double mix[GENERATE_N_KINDS])
{
    while (*text != '\0') {
        const char *const equals = strchr(text, '=');
        char *end;
        const int kind = equals != NULL ? generate_kind_find(text, (size_t)(equals - text)) : -1;
        if (kind < 0)
            return false;
        mix[kind] = strtod(equals + 1, &end);
        if (end == equals + 1 || !(mix[kind] >= 0) || !isfinite(mix[kind]) || (*end != ',' && *end != '\0'))
            return false;
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}

static int make_options(const generate_args *args, generate_options *options, bool *mixed)
{
    *options = generate_options_default();
    *mixed = strcmp(args->scenario, "mixed") == 0 && args->url == NULL;
    const int scenario = generate_scenario_find(args->scenario, strlen(args->scenario));
    if (scenario < 0 && !*mixed)
        return wrong("--scenario", args->scenario,
                     args->url == NULL ? "healthy, degrading, critical or mixed" : "healthy, degrading or critical");
    if (args->mix != NULL && !parse_mix(args->mix, options->mix))
        return wrong("--incident-mix", args->mix,
                     "a list such as leak=2,crash=0 (leak, runaway, disk, cascade, crash, sudden)");
    options->n_servers = args->servers;
    options->seed = args->seed;
    options->scenario = *mixed ? GENERATE_HEALTHY : (generate_scenario)scenario;
    options->incident_rate = args->incident_rate;
    options->gap_rate = args->gaps;
    options->start_ms = args->start_ms;
    return -1;
}

/* ---- as a file ---- */

typedef struct progress_line {
    bool shown, wanted;
    double began_s;
} progress_line;

static bool show_progress(void *context, double done, size_t n_rows)
{
    progress_line *const line = context;
    const double elapsed_s = tft_monotonic_s() - line->began_s;
    if (line->wanted && elapsed_s > 1) {
        fprintf(stderr, "\r%3.0f %% | %zu rows | %.0f s left   ", 100 * done, n_rows,
                done > 0 ? elapsed_s * (1 - done) / done : 0.0);
        fflush(stderr);
        line->shown = true;
    }
    return !stop_requested;
}

static int write_file(const generate_args *args, const generate_options *options, bool mixed)
{
    tft_error err = {0};
    generate_fleet *fleet = NULL;
    generate_output *output = NULL;
    size_t n_rows = 0;
    progress_line line = {.wanted = !args->quiet && isatty(STDERR_FILENO), .began_s = tft_monotonic_s()};
    const double length_s = args->days > 0 || args->hours > 0 ? args->days * DAY_S + args->hours * 3600 : DAY_S;
    const generate_csv_plan plan = {.step_ms = llround(args->step_s * 1000),
                                    .length_ms = llround(length_s * 1000),
                                    .mixed = mixed,
                                    .progress = show_progress,
                                    .context = &line};
    tft_status status = generate_fleet_open(options, &fleet, &err);
    if (status == TFT_OK)
        status = generate_output_open(args->out, stdout, &output, &err);
    if (status == TFT_OK)
        status = generate_csv_write(fleet, &plan, options->seed, output, &n_rows, &err);
    const tft_status closed = generate_output_close(output, status == TFT_OK, &err);
    generate_fleet_close(fleet);
    if (line.shown)
        fprintf(stderr, "\r%60s\r", "");
    if (status != TFT_OK || closed != TFT_OK)
        return failed(&err);
    if (!args->quiet && strcmp(args->out, "-") != 0)
        fprintf(stderr, "%s: %zu rows of %zu servers in %.1f s\n", args->out, n_rows, options->n_servers,
                tft_monotonic_s() - line.began_s);
    return EXIT_DONE;
}

/* ---- live ---- */

static void clock_text(int64_t ms, char out[16])
{
    char text[TFT_TIME_TEXT];
    tft_time_format_s(ms, text);
    snprintf(out, 16, "%.8s", strchr(text, 'T') + 1);
}

static void show_tick(void *context, int64_t time_ms, size_t tick, generate_scenario scenario, size_t n_servers,
                      double elapsed_s)
{
    const generate_args *const args = context;
    static const char *const words[GENERATE_N_SCENARIOS] = {"HEALTHY", "DEGRADING", "CRITICAL"};
    char time[16];
    if (args->quiet)
        return;
    clock_text(time_ms, time);
    printf("[%s] Tick %4zu | %s | %zu servers | Elapsed: %.0fs\n", time, tick, words[scenario], n_servers, elapsed_s);
    fflush(stdout);
}

static void show_trouble(void *context, const char *why, size_t n_waiting, size_t n_lost)
{
    (void)context;
    if (why == NULL)
        fprintf(stderr, "[OK] the daemon takes records again (%zu lost meanwhile)\n", n_lost);
    else
        fprintf(stderr, "[WARNING] %s; %zu records wait\n", why, n_waiting);
}

static void show_backfill(void *context, size_t n_sent, int64_t time_ms)
{
    const generate_args *const args = context;
    char time[TFT_TIME_TEXT];
    tft_time_format_s(time_ms, time);
    if (!args->quiet)
        fprintf(stderr, "backfill: %zu records, up to %s\n", n_sent, time);
}

/* Where the live part starts. Faster than the clock it starts in the past: with a length, so far back that it ends now;
 * without one, a day back, and it goes on at the clock's own pace when it has caught up. */
static int64_t live_start(const generate_args *args, double length_s, int64_t tick_ms)
{
    if (args->start_ms != INT64_MIN)
        return args->start_ms;
    const double span_s = length_s > 0 ? length_s : DAY_S;
    const double back_s = args->speed > 1 ? span_s * (1 - 1 / args->speed) : 0;
    return tft_floor_to(tft_wall_ms() - llround(back_s * 1000), tick_ms);
}

static void start_with_signals_blocked(const char *address, generate_stream *stream, generate_control **control,
                                       tft_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); // the control port's thread inherits this: signals wake the sender
    generate_control_open(address, stream, control, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int stream_live(const generate_args *args, generate_options *options)
{
    tft_error err = {0};
    generate_fleet *fleet = NULL;
    generate_sender *sender = NULL;
    generate_stream *stream = NULL;
    generate_control *control = NULL;
    int code = EXIT_DONE;
    const double length_s = args->days * DAY_S + args->hours * 3600;
    generate_stream_plan plan = {.tick_ms = llround(args->step_s * 1000),
                                 .speed = args->speed,
                                 .backfill_step_ms = llround(args->backfill_step_s * 1000),
                                 .length_ms = llround(length_s * 1000),
                                 .stop = &stop_requested,
                                 .on_tick = show_tick,
                                 .on_trouble = show_trouble,
                                 .on_backfill = show_backfill,
                                 .context = (void *)(uintptr_t)args};
    plan.live_ms = live_start(args, length_s, plan.tick_ms);
    options->start_ms = plan.live_ms - llround(args->backfill_s * 1000);
    if (args->calm_s > 0) {
        options->quiet_from_ms = plan.live_ms - CALM_BEFORE_MS;
        options->quiet_to_ms = plan.live_ms + llround(args->calm_s * 1000);
    }
    const generate_sender_options to = {args->url, args->key_file, args->ca_file, &stop_requested};
    if (generate_fleet_open(options, &fleet, &err) != TFT_OK || generate_sender_open(&to, &sender, &err) != TFT_OK ||
        generate_stream_open(fleet, sender, &plan, &stream, &err) != TFT_OK) {
        code = failed(&err);
        goto done;
    }
    if (strcmp(args->control, "off") != 0) {
        start_with_signals_blocked(args->control, stream, &control, &err);
        if (control == NULL) {
            code = err.status == TFT_ERR_IO ? EXIT_ADDRESS : EXIT_USAGE;
            fprintf(stderr, "tftd generate: --control: %s\n", err.text);
            goto done;
        }
    }
    if (!args->quiet) {
        printf("[READY] streaming %zu servers to %s", options->n_servers, generate_sender_url(sender));
        if (control != NULL)
            printf(" | control port %u", generate_control_port(control));
        printf("\n");
        fflush(stdout);
    }
    generate_stream_run(stream);
    const generate_stream_view view = generate_stream_look(stream);
    if (!args->quiet)
        printf("[STOPPED] %zu ticks | %zu records sent | %zu refused | %zu lost\n", view.tick_count, view.n_sent,
               view.n_refused, view.n_lost);
done:
    generate_control_close(control);
    generate_stream_close(stream);
    generate_sender_close(sender);
    generate_fleet_close(fleet);
    return code;
}

static const flag_page page = {
    "tftd generate [--days N | --hours N] [-o FILE] | --stream URL",
    "Makes the demo fleet: servers with their rhythm, noise and incidents that build up "
    "before they break, as a CSV or live.\n"
    "The same options give the same bytes.",
    "  tftd generate --days 60 --step 5m --seed 7 --scenario mixed --gaps 1 -o train.csv.zst\n"
    "  tftd generate --hours 2 | head\n"
    "  tftd generate --stream http://127.0.0.1:8000 --backfill 24h\n"
    "  curl -d '{\"scenario\": \"degrading\"}' http://127.0.0.1:8001/scenario/set\n"};

static int check_numbers(const generate_args *a)
{
    static const double year_s = 366 * DAY_S;
    const double length_s = a->days * DAY_S + a->hours * 3600;
    if (!(a->step_s >= 0.001 && a->step_s <= DAY_S))
        return wrong("--step", "", "1ms to 1d");
    if (!(a->days >= 0 && a->hours >= 0 && length_s <= 30 * year_s))
        return wrong("--days, --hours", "", "0 to 30 years");
    if (!(a->speed > 0 && a->speed <= 1e6))
        return wrong("--speed", "", "above 0, at most 1000000");
    if (!(a->calm_s >= 0 && a->calm_s <= year_s))
        return wrong("--calm", "", "0 to 1 year");
    if (!(a->backfill_s >= 0 && a->backfill_s <= 10 * year_s) ||
        !(a->backfill_step_s >= 1 && a->backfill_step_s <= 3600))
        return wrong("--backfill, --backfill-step", "", "0 to 10 years, in steps of 1s to 1h");
    if (a->url != NULL && a->start_ms != INT64_MIN && a->start_ms > tft_wall_ms())
        return wrong("--start", "", "in the past: a stream never stamps the future");
    return -1;
}

int cmd_generate(int argc, char **argv)
{
    generate_args a = {.servers = 20, .seed = 1, .step_s = 5, .incident_rate = 1, .speed = 1, .backfill_step_s = 60};
    a.scenario = "healthy";
    a.out = "-";
    a.control = "127.0.0.1:8001";
    a.start_ms = INT64_MIN;
    const flag flags[] = {
        {"--servers", "N", "how many, 7 to 100000 (default 20: the named demo fleet)", FLAG_SIZE, &a.servers},
        {"--days", "N", "length in days (default 1; with --stream: until stopped)", FLAG_NUMBER, &a.days},
        {"--hours", "N", "length in hours, added to --days", FLAG_NUMBER, &a.hours},
        {"--start", "TIME", "first stamp (default " DEFAULT_START "; with --stream: now)", FLAG_TIME, &a.start_ms},
        {"--step", "5s", "distance of a server's records", FLAG_DURATION, &a.step_s},
        {"--scenario", "NAME", "healthy, degrading, critical; in a file also mixed: changing", FLAG_TEXT, &a.scenario},
        {"--seed", "N", "another fleet with another fate (default 1)", FLAG_SIZE, &a.seed},
        {"--incident-rate", "X", "multiplies how often servers break (default 1)", FLAG_NUMBER, &a.incident_rate},
        {"--incident-mix", "LIST", "weights of leak, runaway, disk, cascade, crash, sudden (default all 1)", FLAG_TEXT,
         &a.mix},
        {"--gaps", "X", "how often records are lost: 1 = 3 minutes in 10 days a server (default 0)", FLAG_NUMBER,
         &a.gaps},
        {"--out", "FILE", "where the CSV goes; .gz, .xz, .zst are packed (default -, standard output)", FLAG_TEXT,
         &a.out},
        {"-o", "FILE", "the same", FLAG_TEXT, &a.out},
        {"--stream", "URL", "post every tick to this daemon instead", FLAG_TEXT, &a.url},
        {"--key-file", "FILE", "API key of --stream, on the first line; read again when it is not known", FLAG_TEXT,
         &a.key_file},
        {"--ca-file", "FILE", "PEM: who may have signed an https daemon's certificate", FLAG_TEXT, &a.ca_file},
        {"--speed", "X", "faster than the clock; starts in the past, never stamps the future", FLAG_NUMBER, &a.speed},
        {"--backfill", "24h", "send this much history first", FLAG_DURATION, &a.backfill_s},
        {"--backfill-step", "1m", "distance of its records", FLAG_DURATION, &a.backfill_step_s},
        {"--calm", "8h", "with --stream: nobody breaks of their own accord for this long (default 0)", FLAG_DURATION,
         &a.calm_s},
        {"--control", "ADDR:PORT", "the control port of --stream (default 127.0.0.1:8001; off: none)", FLAG_TEXT,
         &a.control},
        {"--quiet", NULL, "only errors", FLAG_SWITCH, &a.quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, &a.quiet},
        {0}};
    int code = flags_parse(argc, argv, &page, flags, NULL);
    if (code < 0)
        code = check_numbers(&a);
    if (code >= 0)
        return code;
    generate_options options;
    bool mixed;
    code = make_options(&a, &options, &mixed);
    if (code >= 0)
        return code;
    catch_signals();
    if (a.url != NULL)
        return stream_live(&a, &options);
    if (a.start_ms == INT64_MIN)
        tft_time_parse(DEFAULT_START, strlen(DEFAULT_START), &options.start_ms);
    options.keep_offline = true; // a file tells when a server was off; live, an offline server is silent
    return write_file(&a, &options, mixed);
}
