/* schedule.c - see schedule.h. */
#include "train/schedule.h"

#include <math.h>

#define LOWEST 0.01

double tft_schedule_rate(double progress, double warmup_share)
{
    const double p = progress < 0 ? 0 : progress > 1 ? 1 : progress;
    if (p < warmup_share)
        return p / warmup_share;
    const double rest = 1 - warmup_share;
    const double t = rest > 0 ? (p - warmup_share) / rest : 1;
    return LOWEST + (1 - LOWEST) * 0.5 * (1 + cos(3.14159265358979323846 * t));
}
