/* news.c - see news.h. */
#include "server/news.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/views.h"

#define NEVER_TOLD 255

static void publish(events *all, event_kind kind, const char *server_name, tft_text *text)
{
    if (!text->failed)
        events_publish(all, kind, server_name, text->bytes);
    tft_text_clear(text);
}

static void tell_forecast(events *all, const forecast_snapshot *s, tft_text *text)
{
    tft_text_puts(text, "{");
    view_put_forecast_times(s, text);
    tft_text_printf(text,
                    ", \"servers\": %zu, \"tft_servers\": %zu, \"heuristic_servers\": %zu, \"alerts_firing\": %zu",
                    s->tft_servers + s->heuristic_servers, s->tft_servers, s->heuristic_servers, s->n_firing);
    tft_text_printf(
        text, ", \"fleet_health\": \"%s\", \"incident_probability\": ", risk_health_name(s->environment.fleet_health));
    view_put_probabilities(text, s->environment.prob);
    tft_text_puts(text, "}");
    publish(all, EVENT_FORECAST, NULL, text);
}

static void tell_warmup(news *before, events *all, const forecast_snapshot *s, tft_text *text)
{
    size_t ready = 0, active = 0, active_ready = 0, n = 0;
    for (size_t i = 0; i < s->n_servers; i++) {
        const snapshot_server *const of = &s->servers[i];
        n += !of->forgotten;
        ready += !of->forgotten && of->ready;
        active += !of->forgotten && !of->stale;
        active_ready += !of->forgotten && !of->stale && of->ready;
    }
    const bool warm = active > 0 && active == active_ready;
    if (before->begun && before->ready == ready && before->warm == warm)
        return;
    before->ready = ready;
    before->warm = warm;
    tft_text_printf(text, "{\"servers_tracked\": %zu, \"servers_ready\": %zu, \"warmup_complete\": %s}", n, ready,
                    warm ? "true" : "false");
    publish(all, EVENT_WARMUP, NULL, text);
}

static void tell_model(news *before, events *all, const forecast_snapshot *s, tft_text *text)
{
    if (before->begun && strcmp(before->model, s->model_name) != 0) {
        tft_text_puts(text, "{\"model\": ");
        json_put_string(text, s->model_name);
        tft_text_puts(text, ", \"previous\": ");
        json_put_string(text, before->model);
        tft_text_puts(text, "}");
        publish(all, EVENT_MODEL, NULL, text);
    }
    snprintf(before->model, sizeof before->model, "%s", s->model_name);
}

static void tell_server(events *all, const snapshot_server *of, uint8_t told, tft_text *text)
{
    tft_text_puts(text, "{\"server_name\": ");
    tft_text_json_string(text, of->name, of->name_length);
    tft_text_printf(text,
                    ", \"change\": \"%s\", \"profile\": \"%s\", \"state\": ", told == NEVER_TOLD ? "new" : "state",
                    tft_profile_name(of->profile));
    json_put_string(text, of->state == TFT_STATE_NONE ? NULL : tft_state_name(of->state));
    tft_text_puts(text, ", \"previous\": ");
    json_put_string(text, told == NEVER_TOLD || told == TFT_STATE_NONE ? NULL : tft_state_name((tft_state)told));
    tft_text_puts(text, "}");
    publish(all, EVENT_SERVER, of->name, text);
}

static void tell_servers(news *before, events *all, const forecast_snapshot *s, tft_text *text)
{
    if (s->n_servers > before->n) {
        uint8_t *const states = realloc(before->states, s->n_servers);
        if (states == NULL)
            return; // the next snapshot tells
        memset(states + before->n, NEVER_TOLD, s->n_servers - before->n);
        before->states = states;
        before->n = s->n_servers;
    }
    size_t changed = 0;
    for (size_t i = 0; i < s->n_servers; i++) {
        const snapshot_server *const of = &s->servers[i];
        const uint8_t told = before->states[i];
        before->states[i] = !of->forgotten ? (uint8_t)of->state : NEVER_TOLD;
        if (told == before->states[i] || !before->begun)
            continue;
        if (!of->forgotten && ++changed <= NEWS_MAX_SERVERS)
            tell_server(all, of, told, text);
    }
    if (changed > NEWS_MAX_SERVERS) {
        tft_text_printf(text, "{\"change\": \"many\", \"count\": %zu}", changed - NEWS_MAX_SERVERS);
        publish(all, EVENT_SERVER, NULL, text);
    }
}

void news_tell(news *before, events *all, const forecast_snapshot *s)
{
    if (!s->sufficient)
        return;
    tft_text text = tft_text_new(EVENTS_MAX_BYTES);
    tell_model(before, all, s, &text);
    tell_servers(before, all, s, &text);
    tell_warmup(before, all, s, &text);
    tell_forecast(all, s, &text);
    before->begun = true;
    tft_text_free(&text);
}

void news_free(news *before)
{
    free(before->states);
    *before = (news){0};
}
