/* schedule.h - the learning rate over a training: linear warm-up, then half a cosine down to 1 % of its peak.
 *
 *     rate(p) = p / w                                       p < w, w = warm-up's share
 *             = 0.01 + 0.99 · (1 + cos(π (p − w)/(1 − w))) / 2     after that
 *
 * Loshchilov, Hutter 2017 (SGDR, eq. 5) without restarts. p is the training's progress, 0 … 1: by steps, or by time
 * where a training has a time limit, so that the rate has come down when the time is up, however fast the machine was.
 */
#ifndef TFT_TRAIN_SCHEDULE_H
#define TFT_TRAIN_SCHEDULE_H

/* Factor of the peak rate at progress p. */
double tft_schedule_rate(double progress, double warmup_share);

#endif
