/* background.c - see background.h. */
#include "forecast/background.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 5

void background_give_way(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

typedef struct errand {
    void (*work)(void *context);
    void *context;
} errand;

static void *run(void *context)
{
    const errand *e = context;
    background_give_way();
    e->work(e->context);
    return NULL;
}

void background_run(void (*work)(void *context), void *context)
{
    errand e = {work, context};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &e) == 0)
        pthread_join(thread, NULL);
    else
        work(context);
}
