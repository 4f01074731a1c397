/* quality_metrics.h - what the daemon's judgement of itself adds to /metrics. */
#ifndef TFTD_SERVER_QUALITY_METRICS_H
#define TFTD_SERVER_QUALITY_METRICS_H

#include "server/metrics.h"

struct server;
void quality_metrics(const struct server *srv, metrics_text *m);

#endif
