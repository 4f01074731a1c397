/* incidents.h - how good incident probabilities were: Brier, log loss, reliability, and who ranks what.
 *
 * A case is a window and a horizon h: p = the forecast P(an incident starts within steps 1 … h after the origin), y =
 * whether one did. Cases of servers already in an incident at their origin are left out by whoever collects them.
 *
 *     Brier        = mean (p − y)²;          skill = 1 − Brier / Brier of the cases' own base rate
 *     log loss     = mean −ln(p or 1 − p), p kept within 1e-4 … 1 − 1e-4; skill likewise
 *     reliability  ten bins of (almost) equal count in order of p: mean p beside the observed share
 *     ECE          = Σ over bins of n/N · |mean p − observed|
 *     AUC          P(a case with y = 1 has the higher p), ties count half; NaN with one class only
 *     within AUC   mean of the AUC inside each server that has both classes. Pooled AUC mostly tells that the forecaster
 *                  knows which servers are bad; this one tells whether it knows when.
 *     precision    at the highest threshold at which half of the incidents are caught
 *     Murphy 1973: Brier = reliability − resolution + uncertainty, exact where p is constant inside each bin
 *
 * Cases are kept, not summed, because ranks need them all: 9 bytes each. Collecting in parts and putting the parts one
 * after the other gives the same figures, in any order up to rounding.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_SCORE_INCIDENTS_H
#define TFTD_SCORE_INCIDENTS_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define SCORE_N_BINS 10

typedef struct score_bin {
    size_t n;
    double mean_p, observed;
} score_bin;

typedef struct score_incident_figures {
    size_t n, positives;
    double base_rate, brier, brier_skill, log_loss, log_loss_skill, ece, auc, auc_within, precision_at_half_recall;
    double reliability, resolution, uncertainty;
    size_t n_servers_within; // with both classes
    size_t n_bins;
    score_bin bins[SCORE_N_BINS];
} score_incident_figures;

/* p, y (0 or 1), server: [n]. With n = 0 everything is NaN or 0. TFT_ERR_MEMORY only. */
tft_status score_incident_figures_of(const float *p, const uint8_t *y, const uint32_t *server, size_t n,
                                     score_incident_figures *figures, tft_error *err);

#endif
