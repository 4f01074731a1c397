/* noise.c - see noise.h. */
#include "generate/noise.h"

#include <math.h>

generate_ou generate_ou_prepare(double tau_s, double step_s)
{
    const double r = step_s / tau_s, m = -expm1(-r);
    const double variance = m * (2.0 - m);                           // of X(h) given X(0)
    const double area = 2.0 * tau_s * tau_s * (r - m - m * m / 2.0); // of the integral given X(0)
    const double shared = tau_s * m * m / sqrt(variance);            // part of the integral that n1 explains
    const double rest = area - shared * shared;
    return (generate_ou){
        .keep = 1.0 - m,
        .kick = sqrt(variance),
        .mean_keep = tau_s * m / step_s,
        .mean_kick = shared / step_s,
        .mean_rest = (r < 0.02 || rest <= 0) ? 0.0 : sqrt(rest) / step_s,
        .mean_variance = 2.0 * (r - m) / (r * r),
    };
}

double generate_ou_advance(const generate_ou *ou, double *x, tft_rng *rng)
{
    const double n1 = tft_rng_normal(rng);
    double mean = ou->mean_keep * *x + ou->mean_kick * n1;
    if (ou->mean_rest > 0)
        mean += ou->mean_rest * tft_rng_normal(rng);
    *x = ou->keep * *x + ou->kick * n1;
    return mean;
}

double generate_ou_factor(const generate_ou *ou, double sigma, double x)
{
    return exp(sigma * x - sigma * sigma * ou->mean_variance / 2.0);
}

double generate_wait(tft_rng *rng, double per_second)
{
    const double u = 1.0 - tft_rng_uniform(rng); // drawn even for rate 0, so that streams do not shift
    return per_second > 0 ? -log(u) / per_second : HUGE_VAL;
}

double generate_between(tft_rng *rng, double low, double high)
{
    return low + (high - low) * tft_rng_uniform(rng);
}

double generate_around(tft_rng *rng, double median, double sigma, double low, double high)
{
    const double x = median * exp(sigma * tft_rng_normal(rng));
    return x < low ? low : x > high ? high : x;
}
