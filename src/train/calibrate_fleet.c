/* calibrate_fleet.c - how the servers of a fleet fail together, told apart from how often they fail.
 *
 * "At least one incident on any server" can be off for two reasons: the servers' own probabilities are too high or too low for this fleet, or its
 * servers fail together (cascades). Only the second is what the exponent θ of tft_fleet_link is for. Fitted on the probabilities as they
 * are, it takes over the first: a fleet that breaks half as often as was said looks as if its servers failed in pairs. So, for each horizon:
 *
 *     own level   each fleet's probabilities are shifted, logit p + b, to come true on the whole in this very fleet
 *     fit         θ by the likelihood of these, over whole fleets and random halves and quarters of them, every fleet with the weight of as many
 *                 looks as fit side by side into its time (calibration_fit.h)
 *     judge       on fleets that the fit left out, with probabilities as they will be served (not shifted): θ stays only where both log loss
 *                 and Brier skill, averaged over the fleets, beat independence; else θ = 1
 *
 * With fewer than three fleets the judges are fifths of the time.
 *
 * Memory:  56 bytes for each fleet and subset of an origin, while it fits.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tft/loss.h"
#include "train/calibrate_internal.h"

#define N_SUBSETS 5 // fleets of an origin: all servers, two halves and two quarters drawn at random
#define N_PARTS 5   // of the time, where there are too few fleets to leave one out
#define MIN_GROUPS 3
#define SHIFT_PRIOR 1.0 // of an own level, in units of information

static const double drawn_out[N_SUBSETS] = {0, 0.5, 0.5, 0.75, 0.75};

typedef struct fleet_fit {
    const calibrating *c;
    const tft_calibration *out;
    size_t k; // the point at hand
    size_t n_groups, n_folds;
    double *shift;         // [n_groups]
    tft_fleet_case *cases; // [n] shifted: for the fit
    size_t n;
    tft_fleet_case *judged; // [n_judged] whole fleets, as served
    size_t n_judged;
    double *draw; // [n_servers]
} fleet_fit;

/* logit of the calibrated P(h) of window i; NaN where it is no case. */
static double logit_of(const fleet_fit *f, size_t i)
{
    const calibration_window *const w = &f->c->windows[i];
    const double p = (double)f->c->raw[i * CALIBRATE_POINTS + f->k];
    if (calibrate_label(w, f->c->point[f->k]) < 0 || w->in_incident || !(p > 0 && p < 1))
        return (double)NAN;
    const double x = log(p) - log1p(-p);
    size_t at = 0;
    if (f->out->n_points == 0)
        return x;
    while (at + 1 < f->out->n_points && f->out->step[at] < f->c->point[f->k])
        at++;
    return f->out->slope[at] * x + f->out->intercept[at];
}

/* The shift with which a group's probabilities come true on the whole: Newton's method on its likelihood. */
static double own_level(const fleet_fit *f, size_t group)
{
    double b = 0;
    for (int iteration = 0; iteration < 50; iteration++) {
        double gradient = SHIFT_PRIOR * b, curvature = SHIFT_PRIOR;
        for (size_t i = 0; i < f->c->n; i++) {
            const double x = f->c->windows[i].group == group ? logit_of(f, i) : (double)NAN;
            if (isnan(x))
                continue;
            const double p = 1 / (1 + exp(-(x + b)));
            gradient += p - (calibrate_label(&f->c->windows[i], f->c->point[f->k]) == 1);
            curvature += p * (1 - p);
        }
        const double step = fmin(fmax(gradient / curvature, -1), 1);
        b -= step;
        if (fabs(step) < 1e-9)
            break;
    }
    return b;
}

/* The windows from … to − 1 are one origin's; those with draw[i] above `threshold` are a fleet. */
static bool make_case(const fleet_fit *f, size_t from, size_t to, double threshold, double shift, tft_fleet_case *made)
{
    size_t n = 0;
    *made = (tft_fleet_case){.weight = 1};
    for (size_t i = from; i < to; i++) {
        const double x = f->draw[i - from] >= threshold ? logit_of(f, i) : (double)NAN;
        if (isnan(x))
            continue;
        const double z = x + shift, p = 1 / (1 + exp(-z));
        made->log_quiet -= tft_softplus(z);
        made->largest = p > made->largest ? p : made->largest;
        made->y |= calibrate_label(&f->c->windows[i], f->c->point[f->k]) == 1;
        n++;
    }
    return n >= 2;
}

/* Every case of a group weighs so much that the group weighs as many looks of this horizon as fit into its time. */
static void weigh(const fleet_fit *f, size_t group, size_t first_case, size_t n_origins)
{
    int64_t begin = INT64_MAX, end = INT64_MIN;
    for (size_t i = 0; i < f->c->n; i++) {
        const calibration_window *const w = &f->c->windows[i];
        begin = w->group == group && w->step < begin ? w->step : begin;
        end = w->group == group && w->step > end ? w->step : end;
    }
    const size_t n = f->n - first_case;
    const double looks = fmin((double)n_origins, 1 + (double)(end - begin) / (double)f->c->point[f->k]);
    for (size_t i = first_case; i < f->n; i++)
        f->cases[i].weight = looks / (double)n;
}

static void make_group(fleet_fit *f, size_t group)
{
    const size_t first_case = f->n, first_judged = f->n_judged;
    size_t n_origins = 0;
    f->shift[group] = own_level(f, group);
    for (size_t from = 0, to; from < f->c->n; from = to) {
        const uint32_t origin = f->c->windows[from].origin_index;
        for (to = from; to < f->c->n && f->c->windows[to].origin_index == origin;)
            to++;
        if (f->c->windows[from].group != group)
            continue;
        n_origins++;
        for (size_t subset = 0; subset < N_SUBSETS; subset++) {
            tft_rng rng = tft_rng_seeded(f->c->plan->seed + subset, CALIBRATE_STREAM + origin + 1);
            for (size_t i = from; i < to; i++)
                f->draw[i - from] = tft_rng_uniform(&rng);
            f->n += make_case(f, from, to, drawn_out[subset], f->shift[group], &f->cases[f->n]);
            if (subset == 0)
                f->n_judged += make_case(f, from, to, 0, 0, &f->judged[f->n_judged]);
        }
    }
    weigh(f, group, first_case, n_origins);
    // origins of a group come in the order of time, so a fifth of its cases is a fifth of its time
    for (size_t i = first_case; i < f->n; i++)
        f->cases[i].fold = f->n_folds == f->n_groups ? group : (i - first_case) * N_PARTS / (f->n - first_case);
    for (size_t i = first_judged; i < f->n_judged; i++)
        f->judged[i].fold =
            f->n_folds == f->n_groups ? group : (i - first_judged) * N_PARTS / (f->n_judged - first_judged);
}

static tft_status take_memory(fleet_fit *f, tft_error *err)
{
    const size_t n = f->c->n_origins;
    f->cases = malloc(tft_mul_sat(n * N_SUBSETS + 1, sizeof *f->cases));
    f->judged = malloc(tft_mul_sat(n + 1, sizeof *f->judged));
    f->draw = malloc(tft_mul_sat(f->c->dataset->n_servers + 1, sizeof *f->draw));
    f->shift = calloc(f->n_groups, sizeof *f->shift);
    return f->cases != NULL && f->judged != NULL && f->draw != NULL && f->shift != NULL
               ? TFT_OK
               : tft_fail(err, TFT_ERR_MEMORY, "no memory for the fleets of %zu origins", n);
}

tft_status calibrate_fleet(const calibrating *c, tft_calibration *out, tft_error *err)
{
    fleet_fit f = {.c = c, .out = out, .n_groups = c->plan->group_of != NULL ? c->plan->n_groups : 1};
    tft_status status = TFT_OK;
    f.n_folds = f.n_groups >= MIN_GROUPS ? f.n_groups : N_PARTS;
    out->fleet = (tft_fleet_link){0};
    status = take_memory(&f, err);
    for (f.k = 0; f.k < c->n_points && status == TFT_OK; f.k++) {
        double exponent = 1;
        f.n = f.n_judged = 0;
        for (size_t group = 0; group < f.n_groups; group++)
            make_group(&f, group);
        if (!tft_fleet_fit(f.cases, f.n, TFT_EVERY_FOLD, &exponent))
            continue;
        if (!tft_fleet_holds(f.cases, f.n, f.judged, f.n_judged, f.n_folds))
            exponent = 1;
        out->fleet.step[out->fleet.n] = c->point[f.k];
        out->fleet.exponent[out->fleet.n++] = exponent;
    }
    free(f.cases);
    free(f.judged);
    free(f.draw);
    free(f.shift);
    return status;
}
