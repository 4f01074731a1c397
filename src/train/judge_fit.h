/* judge_fit.h - trains the incident head's judge (tft/judge.h) on the windows that the network trains with.
 *
 *     origins that are not held out ─► windows ─► signs, and whether a start followed within h ─┬─► boost.h, five times
 *                                                                                            └─► sign_nets_fit.h
 *
 * Windows are so many and incidents so few that not all windows are looked at: of a server that had an incident one in every
 * few steps, of the others one in more, each somewhere in its stretch, and each counts as many as it stands for (and for its
 * group's share of the draws, where there are groups). At most about 260,000 windows; one in ten is shown with a short history, as
 * the network's are. Windows inside an incident are left out, as calibration and evaluation leave them out; of a
 * horizon also those whose labels do not reach so far. Because weights are natural and the judge is small beside its data, what
 * it says needs no calibration on the data it was trained with; servers that validate the network train the judge too.
 *
 * Memory:  about 540 bytes a window while fitting (140 MB). Threads: windows, signs and networks are cut over the trainer's
 * pool; the judge depends on data, options and seed alone.
 */
#ifndef TFT_TRAIN_JUDGE_FIT_H
#define TFT_TRAIN_JUDGE_FIT_H

#include "train/trainer.h"

/* Fits a judge with options->trees trees a horizon and gives it to trainer->average. Data without any start within the horizon are
 * no error: the model then has none. `said` (may be NULL) is told how far it got, 0 … 1; where it answers false, TFT_ERR_STATE. */
typedef bool (*tft_judge_observer)(void *context, double done);
tft_status tft_judge_fit(tft_trainer *trainer, tft_judge_observer said, void *context, tft_error *err);

#endif
