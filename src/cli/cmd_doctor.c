/* cmd_doctor.c - tftd doctor: will it run here, and if not, why.
 *
 * Each check says one line: what was looked at, how it is, and what to do where it is not well. Nothing is changed but an
 * empty file in the data directory, which is removed again. It may run beside the daemon.
 *
 * Exit codes: 0 nothing is wrong (warnings are allowed), 1 something is, 2 usage, 3 settings invalid.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "server/http.h"
#include "store/reader.h"
#include "tensor/tensor.h"
#include "tft/forecaster.h"
#include "train/model_dir.h"

#define LEAST_FREE ((uint64_t)512 << 20)
#define PATH_BYTES 4096

static const flag_page page = {"tftd doctor [--config FILE] [--data-dir DIR] [--models-dir DIR] [--json]",
                               "Looks at everything the daemon needs: settings, processor, clock, data directory, "
                               "disk, history, addresses, and the model,\n"
                               "with the time of a forecast. One line each; the exit code is 1 if something is wrong. "
                               "It may run beside the daemon.",
                               "  tftd doctor\n"
                               "  sudo -u tftd tftd doctor --config /etc/tftd/tftd.yaml\n"
                               "  tftd doctor --json | jq '.checks[] | select(.result != \"ok\")'\n"};

typedef enum verdict { WELL, WARNING, WRONG } verdict;

typedef struct doctor {
    bool json;
    size_t n, n_wrong;
    tft_text out;
} doctor;

static void say(doctor *d, verdict how, const char *what, const char *format, ...) TFT_PRINTF(4, 5);
static void say(doctor *d, verdict how, const char *what, const char *format, ...)
{
    static const char *const tags[] = {"[OK]     ", "[WARNING]", "[WRONG]  "}, *const words[] = {"ok", "warning",
                                                                                                 "wrong"};
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->n_wrong += how == WRONG;
    if (!d->json) {
        printf("%s %-10s %s\n", tags[how], what, text);
        return;
    }
    tft_text_printf(&d->out, "%s{\"check\": \"%s\", \"result\": \"%s\", \"detail\": ", d->n++ > 0 ? ", " : "", what,
                    words[how]);
    tft_text_json_string(&d->out, text, strlen(text));
    tft_text_puts(&d->out, "}");
}

/* ---- the machine ----------------------------------------------------------------------------------------- */

static void check_processor(doctor *d)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const tft_isa isa = tft_tensor_isa();
    say(d, isa == TFT_ISA_PORTABLE ? WARNING : WELL, "processor", "%ld cores, %s kernels%s", cores, tft_isa_name(isa),
        isa == TFT_ISA_PORTABLE ? ": no AVX2 here, forecasts take several times as long" : "");
}

static void check_clock(doctor *d)
{
    struct timex state = {0};
    const int64_t now = tft_wall_ms();
    char stamp[TFT_TIME_TEXT];
    tft_time_format_s(now, stamp);
    if (now < INT64_C(1735689600000)) // 2025: this program is younger
        say(d, WRONG, "clock", "it says %s; records from now would be refused as lying ahead", stamp);
    else if (adjtimex(&state) == TIME_ERROR)
        say(d, WARNING, "clock", "%s, not synchronised: check chrony or systemd-timesyncd", stamp);
    else
        say(d, WELL, "clock", "%s, synchronised", stamp);
}

/* ---- the data directory ---------------------------------------------------------------------------------- */

static bool try_writing(const char *dir, char why[200])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/doctor-%ld", dir, (long)getpid());
    FILE *const file = fopen(path, "wx");
    if (file == NULL) {
        snprintf(why, 200, "%s", strerror(errno));
        return false;
    }
    fclose(file);
    unlink(path);
    return true;
}

static void check_disk(doctor *d, const char *dir)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0)
        return;
    const uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    say(d, left < LEAST_FREE ? WRONG : WELL, "disk", "%.1f GiB free below %s%s", (double)left / (double)(1 << 30), dir,
        left < LEAST_FREE ? ": at least half a GiB is needed" : "");
}

static void check_history(doctor *d, const char *dir)
{
    char path[PATH_BYTES];
    tft_error err = {0};
    snprintf(path, sizeof path, "%s/tftd.db", dir);
    if (access(path, F_OK) != 0) {
        say(d, WELL, "history", "none yet");
        return;
    }
    int64_t newest_ms = INT64_MIN;
    size_t n_servers = 0;
    if (store_check(dir, &n_servers, &newest_ms, &err) != TFT_OK) {
        say(d, WRONG, "history", "%s; restore a backup with `tftd restore`", err.text);
        return;
    }
    const double age_min = (double)(tft_wall_ms() - newest_ms) / 60000.0;
    if (n_servers == 0)
        say(d, WELL, "history", "sound, no server yet");
    else if (age_min < -5.0)
        say(d, WARNING, "history",
            "sound, %zu servers; the newest record lies %.0f minutes ahead: a sender's clock or time zone is wrong",
            n_servers, -age_min);
    else
        say(d, WELL, "history", "sound, %zu servers; the newest record is %.0f minutes old%s", n_servers, age_min,
            age_min > 55.0 && fabs(remainder(age_min, 60.0)) < 2.0
                ? " (whole hours: if senders are up, look at their time zone)"
                : "");
}

static void check_data(doctor *d, const char *dir)
{
    struct stat info;
    char why[200] = "";
    if (stat(dir, &info) != 0) {
        say(d, errno == ENOENT ? WELL : WRONG, "data", "%s: %s", dir,
            errno == ENOENT ? "will be made at the first start" : strerror(errno));
        check_disk(d, ".");
        return;
    }
    if (!S_ISDIR(info.st_mode))
        say(d, WRONG, "data", "%s is no directory", dir);
    else if (!try_writing(dir, why))
        say(d, WRONG, "data", "%s cannot be written: %s", dir, why);
    else if ((info.st_mode & 077) != 0)
        say(d, WARNING, "data", "%s can be read by others (mode %o): chmod 700", dir, (unsigned)(info.st_mode & 0777));
    else
        say(d, WELL, "data", "%s, mode %o", dir, (unsigned)(info.st_mode & 0777));
    check_disk(d, dir);
    check_history(d, dir);
}

/* ---- addresses ------------------------------------------------------------------------------------------- */

static int try_binding(const char *host, uint16_t port)
{
    struct sockaddr_in six_or_four = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &six_or_four.sin_addr) != 1)
        return 0; // IPv6: the daemon itself will say
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const int result = bind(fd, (struct sockaddr *)&six_or_four, sizeof six_or_four) == 0 ? 0 : errno;
    close(fd);
    return result;
}

static void check_addresses(doctor *d, const settings *s)
{
    for (size_t i = 0; i < s->http.listen.n; i++) {
        char host[64];
        uint16_t port;
        const char *const text = s->http.listen.items[i];
        if (!http_address_parse(text, host, &port)) {
            say(d, WRONG, "address", "\"%s\" is not ADDRESS:PORT", text);
            continue;
        }
        const int why = try_binding(host, port);
        if (why == EADDRINUSE)
            say(d, WARNING, "address", "%s is taken: by a running tftd, or by another program", text);
        else if (why != 0)
            say(d, WRONG, "address", "%s: %s", text, strerror(why));
        else
            say(d, WELL, "address", "%s is free%s", text,
                http_address_is_loopback(host) ? ""
                                               : "; it can be reached from outside: keys are needed (`tftd keys add`)");
    }
}

/* ---- the model ------------------------------------------------------------------------------------------- */

static void broken(void *context, const char *name, const char *why)
{
    say(context, WARNING, "model", "%s is passed over: %s", name, why);
}

/* Two days of a plausible server, and the time that its forecast takes. */
static tft_status time_forecast(tft_forecaster *forecaster, double *ms, tft_error *err)
{
    const tft_contract *const c = tft_forecaster_contract(forecaster);
    const size_t n = tft_config_outputs(tft_forecaster_config(forecaster)) * c->horizon;
    const int64_t steps = 2 * 86400000 / c->step_ms, end = tft_wall_ms() / c->step_ms;
    tft_series series;
    double values[TFT_MAX_METRICS];
    tft_series_init(&series, c->n_metrics, 0);
    tft_status status = TFT_OK;
    for (int64_t i = 0; i < steps && status == TFT_OK; i++) {
        for (size_t m = 0; m < c->n_metrics; m++)
            values[m] = 40.0 + 20.0 * sin(0.02 * (double)i + (double)m);
        status = tft_series_add(&series, end - steps + 1 + i, values, TFT_STATE_HEALTHY, err);
    }
    float *const quantiles = calloc(n, sizeof *quantiles);
    uint8_t ok = 0;
    const tft_request request = {.series = &series, .origin = end};
    const tft_forecast forecast = {.quantiles = quantiles, .ok = &ok};
    const double began = tft_monotonic_s();
    if (status == TFT_OK && quantiles == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a forecast");
    if (status == TFT_OK)
        status = tft_forecaster_run(forecaster, &request, 1, 0, &forecast, err);
    *ms = 1e3 * (tft_monotonic_s() - began);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        if (!ok || !isfinite(quantiles[i]))
            status = tft_fail(err, TFT_ERR_STATE, "its forecast of a plain server is not a number");
    }
    free(quantiles);
    tft_series_free(&series);
    return status;
}

static void check_model(doctor *d, const settings *s)
{
    char path[PATH_BYTES];
    tft_error err = {0};
    tft_forecaster *forecaster = NULL;
    double ms = 0;
    tft_status status;
    if (strcmp(s->model.name, "latest") == 0)
        status = tft_model_dir_newest(s->model.dir, broken, d, path, sizeof path, &err);
    else {
        snprintf(path, sizeof path, "%s/%s", s->model.dir, s->model.name);
        status = TFT_OK;
    }
    if (status == TFT_OK)
        status = tft_forecaster_open(path, s->model.threads, &forecaster, &err);
    if (status == TFT_OK)
        status = time_forecast(forecaster, &ms, &err);
    if (status == TFT_OK)
        say(d, WELL, "model", "%s; a forecast takes %.1f ms", tft_forecaster_name(forecaster), ms);
    else
        say(d, status == TFT_ERR_NOT_FOUND ? WARNING : WRONG, "model", "%s%s", err.text,
            status == TFT_ERR_NOT_FOUND ? ": forecasts will be heuristics" : "");
    tft_forecaster_close(forecaster);
}

int cmd_doctor(int argc, char **argv)
{
    const char *config = NULL, *data_dir = NULL, *models_dir = NULL;
    doctor d = {.out = tft_text_new((size_t)1 << 20)};
    const flag flags[] = {{"--config", "FILE", "settings (YAML)", FLAG_TEXT, &config},
                          {"--data-dir", "DIR", "data directory (default: data.dir)", FLAG_TEXT, &data_dir},
                          {"--models-dir", "DIR", "models (default: model.dir)", FLAG_TEXT, &models_dir},
                          {"--json", NULL, "for machines", FLAG_SWITCH, &d.json},
                          {0}};
    const int code = flags_parse(argc, argv, &page, flags, NULL);
    if (code >= 0)
        return code;
    settings s;
    tft_error err = {0};
    if (settings_read(config, &s, &err) != TFT_OK) {
        fprintf(stderr, "tftd doctor: %s\n", err.text);
        settings_free(&s);
        return EXIT_CONFIG;
    }
    if (data_dir != NULL)
        s.data.dir = data_dir;
    if (models_dir != NULL)
        s.model.dir = models_dir;
    say(&d, WELL, "settings", "%s", s.path != NULL ? s.path : "no file: the defaults");
    check_processor(&d);
    check_clock(&d);
    check_data(&d, s.data.dir);
    check_addresses(&d, &s);
    check_model(&d, &s);
    if (d.json)
        printf("{\"wrong\": %zu, \"checks\": [%s]}\n", d.n_wrong, d.out.bytes != NULL ? d.out.bytes : "");
    tft_text_free(&d.out);
    settings_free(&s);
    return d.n_wrong == 0 ? EXIT_DONE : EXIT_FAILED;
}
