/* rhythm.c - see rhythm.h. */
#include "generate/rhythm.h"

#include <math.h>

double generate_smooth(double x)
{
    if (x <= 0)
        return 0;
    return x >= 1 ? 1.0 : x * x * (3.0 - 2.0 * x);
}

double generate_plateau(double x, double start, double end, double ramp)
{
    return generate_smooth(1.0 - (start - x) / ramp) * generate_smooth(1.0 - (x - end) / ramp);
}

int64_t generate_day(double t_s)
{
    return (int64_t)floor(t_s / 86400.0);
}

int generate_weekday(int64_t day)
{
    const int64_t r = (day + 3) % 7; // 1970-01-01 was a Thursday
    return (int)(r < 0 ? r + 7 : r);
}

double generate_minute(double t_s)
{
    return (t_s - 86400.0 * (double)generate_day(t_s)) / 60.0;
}

/* A weekday's weight of this minute: Friday night is the weekend's, Sunday night is Monday's, without a jump at midnight. */
static double weekday_weight(double t_s)
{
    const int64_t day = generate_day(t_s);
    const double here = generate_weekday(day) < 5 ? 1.0 : 0.0;
    const double next = generate_weekday(day + 1) < 5 ? 1.0 : 0.0;
    return here + (next - here) * generate_smooth((generate_minute(t_s) - 1260.0) / 180.0);
}

double generate_office(double t_s)
{
    const double minute = generate_minute(t_s);
    const double lunch = generate_plateau(minute, 735, 775, 35);
    return weekday_weight(t_s) * (generate_plateau(minute, 555, 1035, 110) - 0.14 * lunch);
}

double generate_demand(const generate_profile *p, double t_s)
{
    const double minute = generate_minute(t_s), weekday = weekday_weight(t_s);
    const double presence = p->weekend + (1.0 - p->weekend) * weekday;
    const double lunch = generate_plateau(minute, 735, 775, 35);
    const double office = generate_plateau(minute, 555, 1035, 110) - 0.14 * lunch;
    const double evening = generate_plateau(minute, 1080, 1290, 90);
    const double hump = p->office * office, late = p->evening * evening;
    return 0.08 + presence * fmax(hump, late); // they overlap around 18:00
}

double generate_spike(double t_s)
{
    const double minute = generate_minute(t_s);
    const double rise = generate_smooth((minute - 490.0) / 18.0), fall = generate_smooth((minute - 530.0) / 65.0);
    return weekday_weight(t_s) * rise * (1.0 - fall);
}
