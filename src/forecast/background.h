/* background.h - threads that give way: forecasts may take every core, but not from a request that wants to be answered.
 *
 * On Linux a nice value belongs to a thread (setpriority(2), "C library/kernel differences") and is inherited by the threads
 * it makes. Nice 5 weighs a third of nice 0: on an idle machine nothing changes, on a busy one answers come first.
 */
#ifndef TFTD_FORECAST_BACKGROUND_H
#define TFTD_FORECAST_BACKGROUND_H

/* From here on the calling thread gives way, and so do the threads that it makes. Where the system refuses, nothing changes. */
void background_give_way(void);

/* Runs work(context) on a thread that gives way, and waits for it: the threads that `work` makes give way for life, the
 * caller does not. Runs it on the calling thread where there is no other to be had. */
void background_run(void (*work)(void *context), void *context);

#endif
