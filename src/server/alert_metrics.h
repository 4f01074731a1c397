/* alert_metrics.h - the figures of alerts and of their delivery in /metrics. Threads: any. */
#ifndef TFTD_SERVER_ALERT_METRICS_H
#define TFTD_SERVER_ALERT_METRICS_H

#include "server/metrics.h"
#include "server/server.h"

void alert_metrics(const server *srv, metrics_text *m);

#endif
