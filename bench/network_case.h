/* network_case.h - a network of a known shape with random weights and a batch of random windows, for what measures src/tft alone.
 *
 * Memory: network_case_open() takes everything, network_case_close() gives it back. Threads: one case, one thread.
 */
#ifndef TFTD_BENCH_NETWORK_CASE_H
#define TFTD_BENCH_NETWORK_CASE_H

#include "tft/model.h"

enum { CASE_WINDOWS = 64 };

/* `shared`: the last columns of encoder and decoder that are the calendar's, the same in every window. */
typedef struct network_shape {
    const char *name;
    size_t hidden, heads, continuous, encoder, decoder, n_static, n_encoder, n_decoder, shared, targets, quantiles,
        anchors;
    bool hazard;
} network_shape;

/* "shipped", like the models that come with tftd; "golden", the fleet daemon's of tests/golden/daemon at its full 288 steps; "wide",
 * the same with 160 hidden and 4 heads. */
const network_shape *network_shape_named(const char *name); // NULL: there is none
enum { N_NETWORK_SHAPES = 3 };
extern const network_shape network_shapes[N_NETWORK_SHAPES];

typedef struct network_case {
    const network_shape *shape;
    tft_model *model;
    tft_batch batch; // CASE_WINDOWS full windows; a pass may take fewer
    tft_truth truth;
    float *raw; // room for their outputs
    uint32_t encoder[CASE_WINDOWS], decoder[CASE_WINDOWS], event[CASE_WINDOWS], at_risk[CASE_WINDOWS];
    float *owned[7];
    tft_anchor *anchors;
} network_case;

bool network_case_open(const network_shape *shape, network_case *c, tft_error *err);
void network_case_close(network_case *c);

/* Multiply-adds of one window's forward pass as the equations state them. */
double network_case_macs(const network_shape *shape);

#endif
