/* incidents.c - see incidents.h. */
#include "score/incidents.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define P_MIN 1e-4 // a forecast of 0 that was wrong would make the log loss infinite

typedef struct incident_case {
    float p;
    uint32_t server;
    uint8_t y;
} incident_case;

static int by_p(const void *left, const void *right)
{
    const incident_case *const a = left, *const b = right;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return a->server != b->server ? (a->server < b->server ? -1 : 1) : (int)a->y - (int)b->y;
}

static int by_server_and_p(const void *left, const void *right)
{
    const incident_case *const a = left, *const b = right;
    return a->server != b->server ? (a->server < b->server ? -1 : 1) : by_p(left, right);
}

/* Rank sum of the positives: each counts the negatives below it, and half of those at its own p. */
static double auc_of(const incident_case *cases, size_t n)
{
    double wins = 0;
    size_t negatives = 0, positives = 0;
    for (size_t i = 0; i < n;) {
        size_t tied_negatives = 0, tied_positives = 0;
        const float p = cases[i].p;
        for (; i < n && cases[i].p == p; i++) {
            tied_positives += cases[i].y;
            tied_negatives += cases[i].y == 0;
        }
        wins += (double)tied_positives * ((double)negatives + 0.5 * (double)tied_negatives);
        negatives += tied_negatives;
        positives += tied_positives;
    }
    return negatives == 0 || positives == 0 ? NAN : wins / ((double)negatives * (double)positives);
}

/* Sums in the order of p, so that the figures do not depend on the order in which cases were collected. */
static void fill_losses(const incident_case *cases, size_t n, score_incident_figures *f)
{
    double brier = 0, loss = 0;
    for (size_t i = 0; i < n; i++) {
        const double p = (double)cases[i].p, miss = p - (double)cases[i].y;
        const double kept = fmin(fmax(p, P_MIN), 1.0 - P_MIN);
        brier += miss * miss;
        loss -= cases[i].y ? log(kept) : log(1.0 - kept);
        f->positives += cases[i].y;
    }
    f->base_rate = (double)f->positives / (double)n;
    f->brier = brier / (double)n;
    f->log_loss = loss / (double)n;
    f->uncertainty = f->base_rate * (1.0 - f->base_rate);
    const double base = fmin(fmax(f->base_rate, P_MIN), 1.0 - P_MIN);
    const double base_loss = -f->base_rate * log(base) - (1.0 - f->base_rate) * log(1.0 - base);
    f->brier_skill = f->uncertainty > 0 ? 1.0 - f->brier / f->uncertainty : NAN;
    f->log_loss_skill = f->uncertainty > 0 ? 1.0 - f->log_loss / base_loss : NAN;
}

static void fill_bins(const incident_case *cases, size_t n, score_incident_figures *f)
{
    f->n_bins = n < SCORE_N_BINS ? n : SCORE_N_BINS;
    size_t at = 0;
    for (size_t b = 0; b < f->n_bins; b++) {
        score_bin *const bin = &f->bins[b];
        bin->n = n / f->n_bins + (b < n % f->n_bins);
        for (size_t i = 0; i < bin->n; i++, at++) {
            bin->mean_p += (double)cases[at].p;
            bin->observed += (double)cases[at].y;
        }
        bin->mean_p /= (double)bin->n;
        bin->observed /= (double)bin->n;
        const double share = (double)bin->n / (double)n;
        const double gap = bin->mean_p - bin->observed, apart = bin->observed - f->base_rate;
        f->ece += share * fabs(gap);
        f->reliability += share * gap * gap;
        f->resolution += share * apart * apart;
    }
}

static void fill_precision(const incident_case *cases, size_t n, score_incident_figures *f)
{
    size_t caught = 0, warned = 0;
    for (size_t i = n; i > 0 && 2 * caught < f->positives;) {
        const float p = cases[i - 1].p;
        for (; i > 0 && cases[i - 1].p == p; i--, warned++)
            caught += cases[i - 1].y;
    }
    f->precision_at_half_recall = warned > 0 ? (double)caught / (double)warned : NAN;
}

static void fill_within(const incident_case *cases, size_t n, score_incident_figures *f)
{
    double sum = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && cases[end].server == cases[i].server;)
            end++;
        const double auc = auc_of(cases + i, end - i);
        if (!isnan(auc)) {
            sum += auc;
            f->n_servers_within++;
        }
    }
    f->auc_within = f->n_servers_within > 0 ? sum / (double)f->n_servers_within : NAN;
}

tft_status score_incident_figures_of(const float *p, const uint8_t *y, const uint32_t *server, size_t n,
                                     score_incident_figures *figures, tft_error *err)
{
    *figures = (score_incident_figures){.n = n};
    if (n == 0) {
        figures->base_rate = figures->brier = figures->brier_skill = figures->log_loss = figures->log_loss_skill = NAN;
        figures->ece = figures->auc = figures->auc_within = figures->precision_at_half_recall = NAN;
        figures->reliability = figures->resolution = figures->uncertainty = NAN;
        return TFT_OK;
    }
    incident_case *const cases = calloc(n, sizeof *cases);
    if (cases == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu incident cases", n);
    for (size_t i = 0; i < n; i++)
        cases[i] = (incident_case){p[i], server[i], y[i] != 0};
    qsort(cases, n, sizeof *cases, by_p);
    fill_losses(cases, n, figures);
    fill_bins(cases, n, figures);
    fill_precision(cases, n, figures);
    figures->auc = auc_of(cases, n);
    qsort(cases, n, sizeof *cases, by_server_and_p);
    fill_within(cases, n, figures);
    free(cases);
    return TFT_OK;
}
