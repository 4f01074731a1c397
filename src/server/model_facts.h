/* model_facts.h - what the served model's directory says about its incident probabilities, for GET /incidents.
 *
 * config.json → calibration.incident: how the network's hazards were mapped to probabilities. training_info.json →
 * incident_validation: reliability, Brier score and Brier skill on data held out from training, where training wrote them.
 * Read once per model, when first asked for.
 *
 * Memory:  owns two small texts. Threads: any.
 */
#ifndef TFTD_SERVER_MODEL_FACTS_H
#define TFTD_SERVER_MODEL_FACTS_H

#include <pthread.h>

#include "base/text.h"

typedef struct model_facts {
    pthread_mutex_t lock;
    char directory[512]; // of the model that the texts are of
    tft_text calibration, validation;
} model_facts;

void model_facts_init(model_facts *facts);
void model_facts_free(model_facts *facts);

/* Appends {"incident": …, "validation": …} of the model in `directory` ("" = none); null where it says nothing. */
void model_facts_put(model_facts *facts, const char *directory, tft_text *out);

#endif
