/* rhythm.h - what the time of day and of the week does to a server: demand, the morning spike, batch jobs.
 *
 * Pure functions of the UTC time in seconds since 1970. Business runs on UTC hours; each server's clock is shifted by a
 * few minutes of its own, so that a fleet does not move like one machine.
 */
#ifndef TFTD_GENERATE_RHYTHM_H
#define TFTD_GENERATE_RHYTHM_H

#include "generate/profiles.h"

/* 0 at x ≤ 0, 1 at x ≥ 1, smooth between. */
double generate_smooth(double x);

/* 1 inside [start, end], falling to 0 over `ramp` outside it; all in one unit. */
double generate_plateau(double x, double start, double end, double ramp);

int64_t generate_day(double t_s);   // days since 1970
int generate_weekday(int64_t day);  // 0 = Monday
double generate_minute(double t_s); // minute of the day, 0 … 1440

/* Demand of a profile, about 0.05 (Sunday night) to 1 (a weekday's plateau), without the spike. */
double generate_demand(const generate_profile *p, double t_s);

/* The morning spike's height, 0 … 1: weekdays from about 08:10, gone by 10:00. */
double generate_spike(double t_s);

/* 0 … 1: office hours on weekdays; when people deploy, and when more breaks. */
double generate_office(double t_s);

#endif
