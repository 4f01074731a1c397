/* noise.h - noise that is correlated in time: Ornstein-Uhlenbeck processes, moved on exactly for any length of step.
 *
 * A process X has mean 0, variance 1 and forgets with time constant tau. A record is a mean over a stretch of time, so
 * a step of length h draws two things at once, the value at its end and the mean inside it. They are jointly Gaussian
 * (Gillespie 1996, Phys. Rev. E 54, 2084, equations 3.4 and 3.5, here with relaxation time tau and diffusion c = 2/tau,
 * which makes the stationary variance 1). With r = h/tau, m = 1 − exp(−r):
 *     X(h)    = (1 − m) X(0) + sqrt(m (2 − m)) n1
 *     mean    = [ tau m X(0) + tau m² / sqrt(m (2 − m)) n1 + sqrt(V − tau² m⁴ / (m (2 − m))) n2 ] / h
 *     V       = 2 tau² (r − m − m²/2)
 * So sixty 5-second steps average to what one 5-minute step draws: no step length is special.
 * Where r < 0.02 the term with n2 is left out: it is below 6 % of the step's own random part, and half the draws are saved.
 */
#ifndef TFTD_GENERATE_NOISE_H
#define TFTD_GENERATE_NOISE_H

#include "base/rng.h"

/* The numbers of one (tau, h); computed once for every step length. */
typedef struct generate_ou {
    double keep, kick;                      // X(h) = keep X(0) + kick n1
    double mean_keep, mean_kick, mean_rest; // mean = mean_keep X(0) + mean_kick n1 + mean_rest n2
    double mean_variance;                   // of the mean over a step: 2 (r − m) / r²
} generate_ou;

generate_ou generate_ou_prepare(double tau_s, double step_s);

/* Moves *x on by one step and returns its mean inside the step. */
double generate_ou_advance(const generate_ou *ou, double *x, tft_rng *rng);

/* A factor around 1 from a mean x of the process: its own mean is 1 at any length of step. */
double generate_ou_factor(const generate_ou *ou, double sigma, double x);

/* Draws of the timeline: waiting time of a Poisson process, a range, a log-normal around its median held in a range. */
double generate_wait(tft_rng *rng, double per_second); // HUGE_VAL where the rate is 0
double generate_between(tft_rng *rng, double low, double high);
double generate_around(tft_rng *rng, double median, double sigma, double low, double high);

#endif
