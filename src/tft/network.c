/* network.c - see network.h. */
#include "tft/network.h"

#include <string.h>

void tft_network_define(tft_builder *builder, tft_network *network, const tft_config *config)
{
    const size_t h = config->hidden_size;
    tft_network *const w = network;
    memset(w, 0, sizeof *w);
    tft_embeddings_define(builder, &w->embeddings, config);
    const tft_shared_grns *shared = NULL;
    if (config->share_single_variable_networks) {
        tft_shared_grns_define(builder, &w->shared, config);
        shared = &w->shared;
    }
    tft_selection_define(builder, &w->statics, "static_variable_selection", config, &config->static_inputs, 0, NULL);
    tft_selection_define(builder, &w->encoder, "encoder_variable_selection", config, &config->encoder_inputs, h,
                         shared);
    tft_selection_define(builder, &w->decoder, "decoder_variable_selection", config, &config->decoder_inputs, h,
                         shared);
    tft_grn_define(builder, &w->context_selection, "static_context_variable_selection", h, h, h, 0);
    tft_grn_define(builder, &w->context_hidden, "static_context_initial_hidden_lstm", h, h, h, 0);
    tft_grn_define(builder, &w->context_cell, "static_context_initial_cell_lstm", h, h, h, 0);
    tft_grn_define(builder, &w->context_enrichment, "static_context_enrichment", h, h, h, 0);
    tft_lstm_define(builder, &w->lstm_encoder, "lstm_encoder", h, config->lstm_layers);
    tft_lstm_define(builder, &w->lstm_decoder, "lstm_decoder", h, config->lstm_layers);
    tft_gate_define(builder, &w->post_lstm, "post_lstm_gate_encoder.fc", "post_lstm_add_norm_encoder.norm", h, h);
    tft_grn_define(builder, &w->enrichment, "static_enrichment", h, h, h, h);
    tft_attention_define(builder, &w->attention, h, config->n_heads);
    tft_gate_define(builder, &w->post_attention, "post_attn_gate_norm.glu.fc", "post_attn_gate_norm.add_norm.norm", h,
                    h);
    tft_grn_define(builder, &w->feed_forward, "pos_wise_ff", h, h, h, 0);
    tft_gate_define(builder, &w->pre_output, "pre_output_gate_norm.glu.fc", "pre_output_gate_norm.add_norm.norm", h, h);
    tft_output_define(builder, &w->output, config);
    tft_hazard_define(builder, &w->hazard, config);
    tft_signs_define(builder, &w->signs, config);
}
