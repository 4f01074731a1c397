/* calibration_fit.c - see calibration_fit.h. */
#include "train/calibration_fit.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

#define LEAST_STRETCH 0.5
#define MOST_STRETCH 2.0
#define MIN_CELLS 500 // of a part of the horizon, or of a third of it
#define MIN_CASES 10
#define MIN_FLEET_CASES 5
#define MIN_EXPONENT 0.02
#define FLEET_PRIOR 4.0 // of log θ around 0: some looks at one fleet

/* ---- stretch ---------------------------------------------------------------------------------------------------- */

tft_status tft_stretch_add(tft_stretch_cells *cells, const float *levels, const float *quantiles, size_t n, double y,
                           double scale, size_t span, tft_error *err)
{
    if (cells->n == cells->capacity) {
        const size_t capacity = cells->capacity < 4096 ? 4096 : 2 * cells->capacity;
        tft_stretch_cell *const items = realloc(cells->items, tft_mul_sat(capacity, sizeof *items));
        if (items == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu cells to calibrate with", capacity);
        cells->items = items;
        cells->capacity = capacity;
    }
    tft_stretch_cell *const cell = &cells->items[cells->n++];
    const double median = (double)tft_quantile_interpolate(levels, quantiles, n, 0.5f);
    for (size_t k = 0; k < TFT_N_KNOTS; k++) {
        const double q = (double)tft_quantile_interpolate(levels, quantiles, n, (float)tft_knot_levels[k]);
        const bool beyond = tft_knot_levels[k] < 0.5 ? y < median : y > median;
        const double width = q - median;
        cell->r[k] = fabs(width) > 0 ? (float)((y - median) / width) : beyond ? INFINITY : -INFINITY;
    }
    cells->lowest = (double)levels[0];
    cells->highest = (double)levels[n - 1];
    cell->scale = (float)scale;
    cell->span = (uint32_t)span;
    return TFT_OK;
}

void tft_stretch_cells_free(tft_stretch_cells *cells)
{
    free(cells->items);
    *cells = (tft_stretch_cells){0};
}

static int by_value(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* The least s with at most a share `outside` of r above it. */
static double factor_of(float *r, size_t n, double outside)
{
    qsort(r, n, sizeof *r, by_value);
    const size_t above = (size_t)floor(outside * (double)n);
    const double s = (double)r[n - 1 - (above < n ? above : n - 1)];
    return s < LEAST_STRETCH ? LEAST_STRETCH : s > MOST_STRETCH ? MOST_STRETCH : s;
}

/* Factors of the cells first … first + n − 1 of one part of the horizon, with scale in [low, high). */
static bool fit_part(const tft_stretch_cells *cells, size_t span, double low, double high, float *room,
                     double out[TFT_N_KNOTS])
{
    for (size_t k = 0; k < TFT_N_KNOTS; k++) {
        size_t n = 0;
        for (size_t i = 0; i < cells->n; i++) {
            const tft_stretch_cell *const c = &cells->items[i];
            if (c->span == span && (double)c->scale >= low && (double)c->scale < high)
                room[n++] = c->r[k];
        }
        if (n < MIN_CELLS)
            return false;
        const double q = fmin(fmax(tft_knot_levels[k], cells->lowest), cells->highest);
        out[k] = factor_of(room, n, q < 0.5 ? q : 1 - q);
    }
    return true;
}

/* Edges of the thirds of all scales, and the middle of each third. Three classes need three different sizes. */
static bool find_classes(const tft_stretch_cells *cells, float *room, double edge[TFT_N_CLASSES + 1],
                         double centre[TFT_N_CLASSES])
{
    const size_t n = cells->n;
    for (size_t i = 0; i < n; i++)
        room[i] = cells->items[i].scale;
    qsort(room, n, sizeof *room, by_value);
    edge[0] = -HUGE_VAL;
    edge[TFT_N_CLASSES] = HUGE_VAL;
    for (size_t k = 1; k < TFT_N_CLASSES; k++)
        edge[k] = (double)room[n * k / TFT_N_CLASSES];
    for (size_t k = 0; k < TFT_N_CLASSES; k++)
        centre[k] = (double)room[n * (2 * k + 1) / (2 * TFT_N_CLASSES)];
    return centre[0] > 0 && centre[1] > centre[0] && centre[2] > centre[1];
}

static void fit_span(const tft_stretch_cells *cells, size_t span, const double edge[TFT_N_CLASSES + 1], float *room,
                     tft_stretch *s)
{
    double all[TFT_N_KNOTS], part[TFT_N_KNOTS];
    if (!fit_part(cells, span, -HUGE_VAL, HUGE_VAL, room, all))
        return;
    for (size_t k = 0; k < TFT_N_CLASSES; k++) {
        const bool own = edge != NULL && fit_part(cells, span, edge[k], edge[k + 1], room, part);
        for (size_t q = 0; q < TFT_N_KNOTS; q++)
            s->factor[span][k][q] = own ? sqrt(all[q] * part[q]) : all[q];
    }
}

tft_status tft_stretch_fit(tft_stretch_cells *cells, tft_stretch *s, tft_error *err)
{
    double edge[TFT_N_CLASSES + 1];
    for (size_t k = 0; k < TFT_N_CLASSES; k++)
        s->scale[k] = (double)(k + 1);
    for (size_t h = 0; h < TFT_N_SPANS; h++) {
        for (size_t k = 0; k < TFT_N_CLASSES; k++) {
            for (size_t q = 0; q < TFT_N_KNOTS; q++)
                s->factor[h][k][q] = 1;
        }
    }
    if (cells->n < MIN_CELLS)
        return TFT_OK;
    float *const room = malloc(tft_mul_sat(cells->n, sizeof *room));
    if (room == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu cells to calibrate with", cells->n);
    double centre[TFT_N_CLASSES];
    const bool classes = find_classes(cells, room, edge, centre);
    for (size_t k = 0; k < TFT_N_CLASSES && classes; k++)
        s->scale[k] = centre[k];
    for (size_t h = 0; h < TFT_N_SPANS; h++)
        fit_span(cells, h, classes ? edge : NULL, room, s);
    free(room);
    return TFT_OK;
}

/* ---- incidents -------------------------------------------------------------------------------------------------- */

bool tft_platt_fit(const double *x, const uint8_t *y, size_t n, double *slope, double *intercept)
{
    const double prior = 4; // in units of information: about sixteen cases at p = ½
    size_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += y[i];
    if (positives < MIN_CASES || n - positives < MIN_CASES)
        return false;
    double a = 1, b = 0;
    for (size_t iteration = 0; iteration < 50; iteration++) {
        double ga = prior * (a - 1), gb = prior * b, haa = prior, hab = 0, hbb = prior;
        for (size_t i = 0; i < n; i++) {
            const double p = 1 / (1 + exp(-(a * x[i] + b))), miss = p - y[i], w = p * (1 - p);
            ga += miss * x[i];
            gb += miss;
            haa += w * x[i] * x[i];
            hab += w * x[i];
            hbb += w;
        }
        const double determinant = haa * hbb - hab * hab;
        double da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant;
        const double longest = fmax(fabs(da), fabs(db));
        if (!isfinite(longest))
            return false;
        if (longest > 1) { // far from the optimum the parabola is none
            da /= longest;
            db /= longest;
        }
        a = fmax(a - da, 0.05);
        b -= db;
        if (longest < 1e-9)
            break;
    }
    *slope = a;
    *intercept = b;
    return true;
}

/* −log likelihood of a case. */
static double case_loss(const tft_fleet_case *one, double exponent)
{
    const tft_fleet_link link = {.n = 1, .step = {1}, .exponent = {exponent}};
    const double p = fmin(fmax(tft_fleet_probability(&link, 1, one->log_quiet, one->largest), 1e-4), 1 - 1e-4);
    return one->y ? -log(p) : -log1p(-p);
}

static double fleet_loss(const tft_fleet_case *cases, size_t n, size_t without, double exponent)
{
    double loss = 0.5 * FLEET_PRIOR * log(exponent) * log(exponent);
    for (size_t i = 0; i < n; i++)
        loss += cases[i].fold == without ? 0 : cases[i].weight * case_loss(&cases[i], exponent);
    return loss;
}

bool tft_fleet_fit(const tft_fleet_case *cases, size_t n, size_t without, double *exponent)
{
    const double golden = 0.6180339887498949;
    size_t positives = 0, counted = 0;
    for (size_t i = 0; i < n; i++) {
        counted += cases[i].fold != without;
        positives += cases[i].fold != without && cases[i].y;
    }
    if (positives < MIN_FLEET_CASES || counted - positives < MIN_FLEET_CASES)
        return false;
    double low = MIN_EXPONENT, high = 1;
    double u = high - golden * (high - low), v = low + golden * (high - low);
    double fu = fleet_loss(cases, n, without, u), fv = fleet_loss(cases, n, without, v);
    while (high - low > 1e-3) {
        if (fu <= fv) {
            high = v;
            v = u;
            fv = fu;
            u = high - golden * (high - low);
            fu = fleet_loss(cases, n, without, u);
        } else {
            low = u;
            u = v;
            fu = fv;
            v = low + golden * (high - low);
            fv = fleet_loss(cases, n, without, v);
        }
    }
    const double found = 0.5 * (low + high);
    *exponent = fleet_loss(cases, n, without, found) < fleet_loss(cases, n, without, 1) ? found : 1;
    return true;
}

/* Mean log loss and squared error of the fold's cases; *rate: how often y. Returns how many there are. */
static size_t judge_fold(const tft_fleet_case *judged, size_t n, size_t fold, double exponent, double *log_loss,
                         double *brier, double *rate)
{
    const tft_fleet_link link = {.n = 1, .step = {1}, .exponent = {exponent}};
    size_t m = 0;
    *log_loss = *brier = *rate = 0;
    for (size_t i = 0; i < n; i++) {
        if (judged[i].fold != fold)
            continue;
        const double p = tft_fleet_probability(&link, 1, judged[i].log_quiet, judged[i].largest), y = judged[i].y;
        *log_loss += case_loss(&judged[i], exponent);
        *brier += (p - y) * (p - y);
        *rate += y;
        m++;
    }
    *log_loss /= (double)(m > 0 ? m : 1);
    *brier /= (double)(m > 0 ? m : 1);
    *rate /= (double)(m > 0 ? m : 1);
    return m;
}

bool tft_fleet_holds(const tft_fleet_case *cases, size_t n, const tft_fleet_case *judged, size_t n_judged,
                     size_t n_folds)
{
    double log_gain = 0, skill_gain = 0;
    for (size_t fold = 0; fold < n_folds; fold++) {
        double exponent = 1, log_loss[2], brier[2], rate;
        if (judge_fold(judged, n_judged, fold, 1, &log_loss[0], &brier[0], &rate) == 0 ||
            !tft_fleet_fit(cases, n, fold, &exponent))
            continue;
        judge_fold(judged, n_judged, fold, exponent, &log_loss[1], &brier[1], &rate);
        log_gain += log_loss[0] - log_loss[1];
        if (rate > 0 && rate < 1) // with one outcome only there is no skill to speak of
            skill_gain += (brier[0] - brier[1]) / (rate * (1 - rate));
    }
    return log_gain > 0 && skill_gain > 0;
}
