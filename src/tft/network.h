/* network.h - all layers of one Temporal Fusion Transformer, and the order of its tensors.
 *
 *     statics ─ selection ─┬─ c_s ──────────────┐ (to both selections)
 *                          ├─ c_h, c_c ─────────┼──────────┐
 *                          └─ c_e ──────────────┼──────────┼───────────────────┐
 *     past    ─ embeddings ─ encoder selection ─┴─ LSTM encoder ─┐             │
 *     future  ─ embeddings ─ decoder selection ─── LSTM decoder ─┴ gate ─ enrichment ─ attention ─ gate
 *                                                                                  ─ feed-forward ─ gate ─ outputs
 * (Lim et al. 2021, figure 2.) The same struct, defined over another block of floats, holds gradients.
 *
 * Memory:  arrays lie in the builder's arena; tensors in its block. Threads: read-only after it is defined.
 */
#ifndef TFT_TFT_NETWORK_H
#define TFT_TFT_NETWORK_H

#include "tft/attention.h"
#include "tft/embedding.h"
#include "tft/grn.h"
#include "tft/hazard.h"
#include "tft/lstm.h"
#include "tft/output.h"
#include "tft/signs.h"
#include "tft/variable_selection.h"

typedef struct tft_network {
    tft_embeddings embeddings;
    tft_shared_grns shared;
    tft_selection statics, encoder, decoder;
    tft_grn context_selection, context_hidden, context_cell, context_enrichment; // c_s, c_h, c_c, c_e
    tft_lstm lstm_encoder, lstm_decoder;
    tft_gate post_lstm; // one for encoder and decoder
    tft_grn enrichment;
    tft_attention attention;
    tft_gate post_attention;
    tft_grn feed_forward;
    tft_gate pre_output;
    tft_output output;
    tft_hazard hazard;
    tft_signs signs;
} tft_network;

/* `config` is lent for the life of the network. */
void tft_network_define(tft_builder *builder, tft_network *network, const tft_config *config);

#endif
