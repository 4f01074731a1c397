/* openapi_schemas.c - the bodies of the OpenAPI document, by name (JSON Schema 2020-12). See openapi.h.
 *
 * Required is what is always there; a field that may be missing is named but not required. Answers may grow, so
 * nothing forbids further fields.
 */
#include "server/openapi.h"

#define TIME "{\"type\": \"string\", \"format\": \"date-time\"}"
#define MAYBE_TIME "{\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}"
#define TEXT "{\"type\": \"string\"}"
#define MAYBE_TEXT "{\"type\": [\"string\", \"null\"]}"
#define NUMBER "{\"type\": \"number\"}"
#define MAYBE_NUMBER "{\"type\": [\"number\", \"null\"]}"
#define COUNT "{\"type\": \"integer\", \"minimum\": 0}"
#define FLAG "{\"type\": \"boolean\"}"
#define SHARE "{\"type\": \"number\", \"minimum\": 0, \"maximum\": 1}"
#define REF(name) "{\"$ref\": \"#/components/schemas/" name "\"}"
#define LIST(items) "{\"type\": \"array\", \"items\": " items "}"
#define MAYBE(name) "{\"anyOf\": [" REF(name) ", {\"type\": \"null\"}]}"
#define PAGE(name, more, needs)                                                                                        \
    "{\"type\": \"object\", \"required\": [\"items\", \"next_cursor\"" needs                                           \
    "], \"properties\": {\"items\": " LIST(REF(name)) ", \"next_cursor\": " MAYBE_TEXT more "}}"
#define HORIZONS(type)                                                                                                 \
    "{\"type\": \"object\", \"required\": [\"30m\", \"1h\", \"2h\", \"4h\", \"8h\"], \"properties\": {\"30m\": " type  \
    ", \"1h\": " type ", \"2h\": " type ", \"4h\": " type ", \"8h\": " type "}}"
#define OF_FORECAST                                                                                                    \
    ", \"forecast_id\": " TEXT ", \"origin\": " TIME ", \"finished_at\": " TIME ", \"model\": " TEXT                   \
    ", \"track\": " REF("Track")
#define NEEDS_FORECAST ", \"forecast_id\", \"origin\", \"finished_at\", \"model\", \"track\""

#define SERVER_FIELDS                                                                                                  \
    "\"server_name\": " TEXT ", \"server_id\": " TEXT ", \"labels\": {\"type\": \"object\"}"                           \
    ", \"profile\": " REF("Profile") ", \"state\": {\"anyOf\": "                                                       \
                                     "[" REF("State") ", {\"type\": \"null\"}]}, \"state_since\": " MAYBE_TIME         \
                                                      ", \"first_seen\": " MAYBE_TIME ", \"last_seen\": " MAYBE_TIME   \
                                                      ", \"records\": " COUNT ", \"history_steps\": " COUNT            \
                                                      ", \"ready\": " FLAG ", \"stale\": " FLAG                        \
                                                      ", \"model_type\": {\"enum\": [\"TFT\", \"heuristic\", null]}, " \
                                                      "\"current\": {\"type\": "                                       \
                                                      "\"object\", \"additionalProperties\": " MAYBE_NUMBER            \
                                                      "}, \"incident_probability\": " MAYBE(                           \
                                                          "Probabilities") ", \"risk\": " MAYBE("RiskScore")
#define SERVER_NEEDS                                                                                                   \
    "\"required\": [\"server_name\", \"server_id\", \"labels\", \"profile\", \"state\", \"state_since\", "             \
    "\"first_seen\", "                                                                                                 \
    "\"last_seen\", \"records\", \"history_steps\", \"ready\", \"stale\", \"model_type\", \"current\", "               \
    "\"incident_probability\", \"risk\"]"

#define RISK_FIELDS                                                                                                    \
    "\"score\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 100}, \"now\": " NUMBER ", \"soon\": " NUMBER      \
    ", \"band\": {\"enum\": [\"healthy\", \"watch\", \"degrading\", \"warning\", \"danger\", \"critical\", "           \
    "\"imminent failure\"]}, \"priority\": {\"enum\": [\"P1\", \"P2\", \"P3\", \"P4\"]}, \"drivers\": " LIST(          \
        "{\"type\": \"object\", \"required\": [\"kind\", \"part\", \"when\"], \"properties\": {\"kind\": {\"enum\": "  \
        "[\"current\", \"state\", \"incident\", \"forecast\"]}, \"part\": " NUMBER ", \"metric\": " TEXT               \
        ", \"when\": " TIME "}}")
#define RISK_NEEDS "\"score\", \"now\", \"soon\", \"band\", \"priority\", \"drivers\""

#define SCORE_FIELDS                                                                                                   \
    "\"n\": " COUNT ", \"mae\": " MAYBE_NUMBER ", \"q_risk_p50\": " MAYBE_NUMBER ", \"q_risk_p90\": " MAYBE_NUMBER     \
    ", \"crps\": " MAYBE_NUMBER ", \"coverage_p10_p90\": " MAYBE_NUMBER ", \"coverage_p02_p98\": " MAYBE_NUMBER        \
    ", \"width\": " MAYBE_NUMBER
#define SCORE_NEEDS                                                                                                    \
    "\"n\", \"mae\", \"q_risk_p50\", \"q_risk_p90\", \"crps\", \"coverage_p10_p90\", \"coverage_p02_p98\", \"width\""

const openapi_schema openapi_schemas[] = {
    {"Problem",
     "{\"type\": \"object\", \"description\": \"RFC 9457\", \"required\": [\"type\", \"title\", \"status\", "
     "\"detail\"], "
     "\"properties\": {\"type\": " TEXT ", \"title\": " TEXT ", \"status\": {\"type\": \"integer\"}, \"detail\": " TEXT
     ", \"instance\": " TEXT ", \"errors\": " LIST(REF("Fault")) "}}"},
    {"Detail", "{\"type\": \"object\", \"description\": \"An error as clients of the original know it\", \"required\": "
               "[\"detail\"], \"properties\": {\"detail\": {\"type\": [\"string\", \"array\"]}}}"},
    {"Fault", "{\"type\": \"object\", \"required\": [\"index\", \"field\", \"code\", \"reason\"], \"properties\": "
              "{\"index\": " COUNT ", \"field\": " MAYBE_TEXT ", \"code\": " TEXT ", \"reason\": " TEXT
              ", \"server_name\": " MAYBE_TEXT "}}"},
    {"State", "{\"type\": \"string\", \"enum\": [\"critical_issue\", \"healthy\", \"heavy_load\", \"idle\", "
              "\"maintenance\", \"morning_spike\", \"offline\", \"recovery\"]}"},
    {"Profile", "{\"type\": \"string\", \"enum\": [\"generic\", \"ml_compute\", \"database\", \"web_api\", "
                "\"conductor_mgmt\", \"data_ingest\", \"risk_analytics\"]}"},
    {"Record",
     "{\"type\": \"object\", \"description\": \"One reading of one server at one instant; at least one metric has a "
     "value, but in offline and maintenance\", \"required\": [\"timestamp\", \"server_name\"], \"properties\": "
     "{\"timestamp\": " TIME ", \"server_name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 256}, "
     "\"cpu_pct\": {\"type\": [\"number\", \"null\"], \"minimum\": 0, \"maximum\": 100}, \"mem_pct\": {\"type\": "
     "[\"number\", \"null\"], \"minimum\": 0, \"maximum\": 100}, \"disk_io_mb_s\": {\"type\": [\"number\", \"null\"], "
     "\"minimum\": 0, \"maximum\": 1000000}, \"latency_ms\": {\"type\": [\"number\", \"null\"], \"minimum\": 0, "
     "\"maximum\": 86400000}, \"state\": {\"anyOf\": [" REF(
         "State") ", {\"type\": \"null\"}]}, \"profile\": " MAYBE_TEXT "}}"},
    {"Feed",
     "{\"type\": \"object\", \"required\": [\"records\"], \"properties\": {\"records\": " LIST(REF("Record")) "}}"},
    {"Records", "{\"anyOf\": [" REF("Feed") ", " LIST(REF("Record")) "]}"},
    {"RecordsResult",
     "{\"type\": \"object\", \"required\": [\"received\", \"accepted\", \"filled\", \"duplicates\", \"conflicts\", "
     "\"late\", \"rejected\", \"errors\", \"warnings\"], \"properties\": {\"received\": " COUNT ", \"accepted\": " COUNT
     ", \"filled\": " COUNT ", \"duplicates\": " COUNT ", \"conflicts\": " COUNT ", \"late\": " COUNT
     ", \"rejected\": " COUNT ", \"errors\": " LIST(REF("Fault")) ", \"warnings\": " LIST(REF("Fault")) "}}"},
    {"FeedResult",
     "{\"type\": \"object\", \"required\": [\"status\", \"tick\", \"window_size\", \"servers_tracked\", "
     "\"servers_ready\", \"warmup_complete\", \"received\", \"accepted\", \"filled\", \"duplicates\", \"conflicts\", "
     "\"late\", \"rejected\", \"errors\", \"warnings\"], \"properties\": {\"status\": {\"enum\": [\"accepted\", "
     "\"ignored\", \"rejected\"]}, \"tick\": " COUNT ", \"window_size\": " COUNT ", \"servers_tracked\": " COUNT
     ", \"servers_ready\": " COUNT ", \"warmup_complete\": " FLAG ", \"received\": " COUNT ", \"accepted\": " COUNT
     ", \"filled\": " COUNT ", \"duplicates\": " COUNT ", \"conflicts\": " COUNT ", \"late\": " COUNT
     ", \"rejected\": " COUNT ", \"errors\": " LIST(REF("Fault")) ", \"warnings\": " LIST(REF("Fault")) "}}"},
    {"Probabilities", HORIZONS(SHARE)},
    {"Scores", "{\"type\": \"object\", \"required\": [" SCORE_NEEDS "], \"properties\": {" SCORE_FIELDS "}}"},
    {"QualityItem",
     "{\"type\": \"object\", \"required\": [\"metric\", \"unit\", " SCORE_NEEDS
     ", \"skill\", \"best_baseline\", \"baselines\"], \"properties\": {\"metric\": " TEXT ", \"unit\": " MAYBE_TEXT
     ", \"model\": " TEXT ", \"server_name\": " TEXT ", \"profile\": " REF(
         "Profile") ", \"horizon\": {\"type\": \"object\", \"required\": [\"first_step\", \"last_step\", "
                    "\"from_minutes\", \"to_minutes\"]}, " SCORE_FIELDS ", \"skill\": " MAYBE_NUMBER
                    ", \"best_baseline\": " MAYBE_TEXT
                    ", \"baselines\": {\"type\": \"object\", \"additionalProperties\": " REF("Scores") "}}}"},
    {"QualityIncidents",
     "{\"type\": \"object\", \"required\": [\"horizon\", \"n\", \"positives\", \"base_rate\", \"brier\", "
     "\"brier_skill\", \"log_loss\", \"log_loss_skill\", \"ece\", \"lead_minutes_p50\", \"levels\", "
     "\"reliability\"], \"properties\": {\"horizon\": {\"enum\": [\"30m\", \"1h\", \"2h\", \"4h\", \"8h\"]}, "
     "\"model\": " TEXT ", \"server_name\": " TEXT ", \"profile\": " REF(
         "Profile") ", \"n\": " COUNT ", \"positives\": " COUNT ", \"base_rate\": " MAYBE_NUMBER
                    ", \"brier\": " MAYBE_NUMBER ", \"brier_skill\": " MAYBE_NUMBER ", \"log_loss\": " MAYBE_NUMBER
                    ", \"log_loss_skill\": " MAYBE_NUMBER ", \"ece\": " MAYBE_NUMBER
                    ", \"lead_minutes_p50\": " MAYBE_NUMBER ", \"levels\": " LIST(
                        "{\"type\": \"object\", \"required\": [\"level\", \"precision\", "
                        "\"recall\"]}") ", \"reliability\": " LIST("{\"type\": \"object\", \"required\": [\"from\", "
                                                                   "\"to\", \"n\", \"said\", \"came\"]}") "}}"},
    {"Quality", "{\"type\": \"object\", \"required\": [\"from\", \"to\", \"scored_to\", \"items\", \"incidents\"], "
                "\"properties\": {\"from\": " TIME ", \"to\": " TIME ", \"scored_to\": " MAYBE_TIME
                ", \"items\": " LIST(REF("QualityItem")) ", \"incidents\": " LIST(REF("QualityIncidents")) "}}"},
    {"PastForecast",
     "{\"type\": \"object\", \"required\": [\"origin\", \"first\", \"step_seconds\", \"model\", \"model_type\", "
     "\"incident_probability\", \"metrics\"], \"properties\": {\"origin\": " TIME ", \"first\": " TIME
     ", \"step_seconds\": " COUNT ", \"model\": " TEXT ", \"model_type\": {\"enum\": [\"TFT\", \"heuristic\"]}, "
     "\"incident_probability\": " REF(
         "Probabilities") ", \"metrics\": {\"type\": \"object\", "
                          "\"additionalProperties\": {\"type\": \"object\", \"required\": [\"quantiles\", \"actual\"], "
                          "\"properties\": "
                          "{\"quantiles\": {\"type\": \"object\", \"additionalProperties\": " LIST(
                              NUMBER) "}, \"actual\": " LIST(MAYBE_NUMBER) "}}}}}"},
    {"Model",
     "{\"type\": \"object\", \"required\": [\"id\", \"role\", \"pinned\", \"valid\", \"reason\", "
     "\"contract\", \"metrics\", "
     "\"parameters\", \"trained_at\", \"training_seconds\", \"validation_loss\", \"sha256\"], \"properties\": "
     "{\"id\": " TEXT ", \"role\": {\"enum\": [\"served\", \"next\", \"shadow\", \"previous\", \"available\", "
     "\"invalid\"]}, \"pinned\": " FLAG ", \"valid\": " FLAG ", \"reason\": " MAYBE_TEXT ", \"contract\": " MAYBE_TEXT
     ", \"metrics\": " LIST(TEXT) ", \"parameters\": " COUNT ", \"trained_at\": " MAYBE_TIME
                                  ", \"training_seconds\": " MAYBE_NUMBER ", \"validation_loss\": " MAYBE_NUMBER
                                  ", \"sha256\": " MAYBE_TEXT "}}"},
    {"Models", PAGE("Model", "", "")},
    {"Setting",
     "{\"type\": \"object\", \"required\": [\"key\", \"value\", \"default\", \"source\", \"kind\", \"reloads\", "
     "\"help\"], "
     "\"properties\": {\"key\": " TEXT ", \"source\": {\"enum\": [\"default\", \"file\", \"environment\", \"flag\"]}, "
     "\"kind\": " TEXT ", \"reloads\": " FLAG ", \"help\": " TEXT "}}"},
    {"Config", "{\"type\": \"object\", \"required\": [\"file\", \"items\"], \"properties\": {\"file\": " MAYBE_TEXT
               ", \"items\": " LIST(REF("Setting")) "}}"},
    {"PastForecasts", PAGE("PastForecast", ", \"server_name\": " TEXT, ", \"server_name\"")},
    {"Track",
     "{\"type\": \"object\", \"description\": \"How good the forecasts of this model were\", \"required\": [\"days\", "
     "\"metrics\", \"incidents\"], \"properties\": {\"days\": " COUNT ", \"metrics\": {\"type\": \"object\", "
     "\"additionalProperties\": {\"type\": \"object\", \"required\": [\"n\", \"coverage_p10_p90\", \"skill\"], "
     "\"properties\": {\"n\": " COUNT ", \"coverage_p10_p90\": " MAYBE_NUMBER ", \"skill\": " MAYBE_NUMBER
     "}}}, \"incidents\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"object\", \"required\": "
     "[\"n\", \"brier\", \"brier_skill\"], \"properties\": {\"n\": " COUNT ", \"brier\": " MAYBE_NUMBER
     ", \"brier_skill\": " MAYBE_NUMBER "}}}}}"},
    {"PastIncident",
     "{\"type\": \"object\", \"required\": [\"server_name\", \"state\", \"start\", \"end\", \"planned\", "
     "\"first_warning\", \"lead_time_s\"], \"properties\": {\"server_name\": " TEXT ", \"state\": " REF(
         "State") ", \"start\": " TIME ", \"end\": " MAYBE_TIME ", \"planned\": " FLAG
                  ", \"first_warning\": {\"anyOf\": [{\"type\": \"object\", \"required\": [\"id\", \"kind\", "
                  "\"severity\", "
                  "\"since\"], \"properties\": {\"id\": " TEXT ", \"kind\": " TEXT ", \"severity\": " TEXT
                  ", \"since\": " TIME "}}, {\"type\": \"null\"}]}, \"lead_time_s\": " MAYBE_NUMBER "}}"},
    {"PastIncidents", PAGE("PastIncident", "", "")},
    {"PastStepOfFleet",
     "{\"type\": \"object\", \"required\": [\"start\", \"servers\", \"stale\", \"in_incident\", "
     "\"high_risk_servers\", \"alerts\", \"states\", \"any\", \"expected\"], \"properties\": {\"start\": " TIME
     ", \"servers\": " COUNT ", \"stale\": " COUNT ", \"in_incident\": " COUNT ", \"high_risk_servers\": " COUNT
     ", \"alerts\": {\"type\": \"object\", \"required\": [\"warning\", \"critical\"], "
     "\"additionalProperties\": " COUNT "}, \"states\": {\"type\": \"object\", \"additionalProperties\": " COUNT
     "}, \"any\": " HORIZONS(SHARE) ", \"expected\": " HORIZONS(NUMBER) "}}"},
    {"PastEnvironment", PAGE("PastStepOfFleet", "", "")},
    {"RiskScore", "{\"type\": \"object\", \"required\": [" RISK_NEEDS "], \"properties\": {" RISK_FIELDS "}}"},
    {"Predictions",
     "{\"type\": \"object\", \"required\": [\"predictions\"], \"properties\": {\"predictions\": {\"type\": "
     "\"object\", "
     "\"additionalProperties\": {\"type\": \"object\", \"required\": [\"profile\", \"state\", \"model_type\", "
     "\"last_seen\", \"stale\", \"records\", \"history_steps\", \"risk_score\", \"priority\", "
     "\"incident_probability\"]}}, \"alerts\": " LIST(
         REF("ActiveAlert")) ", \"environment\": {\"type\": \"object\"}, "
                             "\"metadata\": {\"type\": \"object\"}, \"error\": " TEXT ", \"message\": " TEXT "}}"},
    {"ActiveAlert",
     "{\"type\": \"object\", \"required\": [\"id\", \"server\", \"metric\", \"severity\", \"message\"], "
     "\"properties\": "
     "{\"id\": " TEXT ", \"server\": " TEXT ", \"metric\": " MAYBE_TEXT ", \"severity\": {\"enum\": [\"warning\", "
     "\"critical\"]}, \"message\": " TEXT "}}"},
    {"ActiveAlerts", "{\"type\": \"object\", \"required\": [\"timestamp\", \"count\", \"alerts\"], \"properties\": "
                     "{\"timestamp\": " TIME ", \"count\": " COUNT ", \"alerts\": " LIST(REF("ActiveAlert")) "}}"},
    {"Status",
     "{\"type\": \"object\", \"required\": [\"running\", \"tick_count\", \"window_size\", \"warmup\", "
     "\"records_total\", \"servers_tracked\", \"servers_ready\", \"servers_active\", \"version\", \"uptime_s\", "
     "\"started_at\", \"draining\", \"model\", \"last_forecast_at\", \"forecast_age_s\"], \"properties\": "
     "{\"running\": " FLAG ", \"tick_count\": " COUNT ", \"window_size\": " COUNT ", \"warmup\": {\"type\": "
     "\"object\", \"required\": [\"is_warmed_up\", \"progress_percent\", \"message\"]}, \"records_total\": " COUNT
     ", \"servers_tracked\": " COUNT ", \"servers_ready\": " COUNT ", \"servers_active\": " COUNT ", \"version\": " TEXT
     ", \"uptime_s\": " NUMBER ", \"started_at\": " TIME ", \"draining\": " FLAG
     ", \"model\": {\"type\": \"object\"}, \"last_forecast_at\": " MAYBE_TIME ", \"forecast_age_s\": " MAYBE_NUMBER
     "}}"},
    {"Health", "{\"type\": \"object\", \"required\": [\"status\", \"service\", \"running\"], \"properties\": "
               "{\"status\": {\"enum\": [\"healthy\", \"starting\", \"draining\", \"unhealthy\"]}, \"service\": " TEXT
               ", \"running\": " FLAG ", \"reason\": " TEXT "}}"},
    {"Server", "{\"type\": \"object\", " SERVER_NEEDS ", \"properties\": {" SERVER_FIELDS "}}"},
    {"ServerChange", "{\"type\": \"object\", \"minProperties\": 1, \"properties\": {\"profile\": {\"anyOf\": [" REF(
                         "Profile") ", {\"type\": "
                                    "\"null\"}]}, \"labels\": {\"type\": [\"object\", \"null\"], \"maxProperties\": "
                                    "32, \"propertyNames\": {\"pattern\": "
                                    "\"^[A-Za-z_][A-Za-z0-9_.-]{0,62}$\"}, \"additionalProperties\": {\"type\": "
                                    "\"string\", \"maxLength\": 256}}, "
                                    "\"decommissioned\": {\"enum\": [true, null]}}}"},
    {"Servers", PAGE("Server", ", \"total\": " COUNT, ", \"total\"")},
    {"ServerDetail",
     "{\"allOf\": [" REF("Server") ", {\"type\": \"object\", \"required\": [\"open_alerts\"], "
                                   "\"properties\": {\"open_alerts\": " LIST("{\"type\": \"object\"}") "}}]}"},
    {"Contract",
     "{\"type\": \"object\", \"required\": [\"version\", \"step_seconds\", \"horizon_steps\", \"metrics\"], "
     "\"properties\": {\"version\": " TEXT ", \"step_seconds\": " COUNT ", \"context_steps\": " COUNT
     ", \"horizon_steps\": " COUNT ", \"memory_steps\": " COUNT ", \"metrics\": " LIST(
         "{\"type\": \"object\", \"required\": [\"name\", \"legacy_name\", \"unit\", \"min\", \"max\", \"role\", "
         "\"missing_allowed\"], \"properties\": {\"name\": " TEXT ", \"legacy_name\": " MAYBE_TEXT ", \"unit\": " TEXT
         ", \"min\": " MAYBE_NUMBER ", \"max\": " MAYBE_NUMBER ", \"role\": {\"enum\": [\"target\", \"observed\"]}, "
         "\"missing_allowed\": " FLAG "}}") ", \"states\": " LIST(TEXT) ", \"profiles\": " LIST(TEXT) "}}"},
    {"ForecastItem",
     "{\"anyOf\": [{\"type\": \"object\", \"required\": [\"server_name\", \"profile\", \"model_type\", \"metrics\"], "
     "\"properties\": {\"server_name\": " TEXT ", \"metrics\": {\"type\": \"object\", \"additionalProperties\": "
     "{\"type\": \"object\", \"required\": [\"unit\", \"values\"], \"properties\": {\"unit\": " TEXT
     ", \"values\": {\"type\": \"object\", \"additionalProperties\": " LIST(
         NUMBER) "}}}}}}, "
                 "{\"type\": \"object\", \"required\": [\"server_name\", \"metric\", \"timestamp\", \"values\"], "
                 "\"properties\": "
                 "{\"server_name\": " TEXT ", \"metric\": " TEXT ", \"timestamp\": " TIME
                 ", \"values\": {\"type\": \"object\", "
                 "\"additionalProperties\": " NUMBER "}}}]}"},
    {"Forecasts",
     PAGE("ForecastItem",
          OF_FORECAST ", \"age_s\": " NUMBER ", \"clock\": {\"enum\": [\"wall\", \"data\"]}, "
                      "\"step_seconds\": " COUNT ", \"quantiles\": " LIST(SHARE) ", \"timestamps\": " LIST(TIME),
          NEEDS_FORECAST ", \"age_s\", \"clock\", \"step_seconds\", \"quantiles\", \"timestamps\"")},
    {"IncidentCalibration", "{\"type\": \"object\", \"required\": [\"incident\", \"validation\"], \"properties\": "
                            "{\"incident\": {\"type\": [\"object\", "
                            "\"null\"]}, \"validation\": {\"type\": [\"object\", \"null\"]}}}"},
    {"Incident",
     "{\"type\": \"object\", \"required\": [\"server_name\", \"profile\", \"state\", \"in_incident\", \"model_type\", "
     "\"incident_probability\"], \"properties\": {\"server_name\": " TEXT
     ", \"profile\": " REF("Profile") ", \"in_incident\": " FLAG ", \"incident_probability\": " REF(
         "Probabilities") ", \"curve\": " LIST(SHARE) "}}"},
    {"Incidents",
     PAGE("Incident",
          OF_FORECAST ", \"total\": " COUNT ", \"timestamps\": " LIST(
              TIME) ", \"fleet\": {\"type\": "
                    "\"object\", \"required\": [\"any\", \"expected\"], \"properties\": {\"any\": " REF(
                        "Probabilities") ", \"expected\": " HORIZONS(NUMBER) "}}, \"calibration\": " REF("IncidentCalib"
                                                                                                         "ration"),
          NEEDS_FORECAST ", \"total\", \"fleet\", \"calibration\"")},
    {"IncidentDetail", "{\"type\": \"object\", \"required\": [\"forecast_id\", \"origin\", \"finished_at\", \"model\", "
                       "\"item\", \"calibration\"], "
                       "\"properties\": {\"item\": " REF("Incident") ", \"calibration\": " REF(
                           "IncidentCalibration") ", \"timestamps\": " LIST(TIME) OF_FORECAST "}}"},
    {"Risk", "{\"type\": \"object\", \"required\": [\"server_name\", \"profile\", \"state\", " RISK_NEEDS
             "], \"properties\": {\"server_name\": " TEXT ", \"profile\": " REF("Profile") ", " RISK_FIELDS "}}"},
    {"Risks", PAGE("Risk", OF_FORECAST ", \"total\": " COUNT, NEEDS_FORECAST ", \"total\"")},
    {"Alert",
     "{\"type\": \"object\", \"required\": [\"id\", \"kind\", \"status\", \"severity\", \"server\", \"profile\", "
     "\"metric\", \"metric_name\", \"unit\", \"predicted_value\", \"threshold\", \"current\", \"probability\", "
     "\"crossing_probability\", \"steps_ahead\", \"minutes_ahead\", \"expected_at\", \"crossing\", \"starts_at\", "
     "\"since\", \"ends_at\", \"acknowledged\", \"ack\", \"silenced\", \"silenced_by\", \"maintenance\", "
     "\"inhibited_by\", \"message\", \"expected_precision\", \"precision_basis\", \"description\"], \"properties\": "
     "{\"id\": " TEXT
     ", \"kind\": {\"enum\": [\"threshold\", \"incident\", \"silent\", \"drift\", \"quality\"]}, \"status\": "
     "{\"enum\": [\"pending\", \"firing\", \"resolved\"]}, \"severity\": {\"enum\": [\"warning\", "
     "\"critical\"]}, \"server\": " MAYBE_TEXT ", \"profile\": " MAYBE_TEXT ", \"metric\": " MAYBE_TEXT
     ", \"metric_name\": " MAYBE_TEXT ", \"unit\": " MAYBE_TEXT ", \"predicted_value\": " MAYBE_NUMBER
     ", \"threshold\": " MAYBE_NUMBER ", \"current\": " MAYBE_NUMBER ", \"probability\": " MAYBE_NUMBER
     ", \"crossing_probability\": " MAYBE_NUMBER
     ", \"steps_ahead\": {\"type\": [\"integer\", \"null\"]}, \"minutes_ahead\": {\"type\": [\"integer\", "
     "\"null\"]}, \"expected_at\": " MAYBE_TIME ", \"crossing\": {\"type\": \"object\", \"required\": [\"p10\", "
     "\"p50\", \"p90\"], \"properties\": {\"p10\": " MAYBE_TIME ", \"p50\": " MAYBE_TIME ", \"p90\": " MAYBE_TIME
     "}}, \"starts_at\": " TIME ", \"since\": " MAYBE_TIME ", \"ends_at\": " MAYBE_TIME ", \"acknowledged\": " FLAG
     ", \"ack\": {\"type\": [\"object\", \"null\"]}, \"silenced\": " FLAG ", \"silenced_by\": " LIST(
         TEXT) ", \"maintenance\": " FLAG ", \"inhibited_by\": " MAYBE_TEXT ", \"message\": " TEXT
               ", \"expected_precision\": {\"type\": [\"number\", \"null\"], \"minimum\": 0, \"maximum\": 1}, "
               "\"precision_basis\": {\"type\": [\"object\", \"null\"], \"required\": [\"source\", \"alerts\", "
               "\"followed\", "
               "\"within_minutes\"], \"properties\": {\"source\": {\"enum\": [\"model\", \"own record\"]}, "
               "\"alerts\": " COUNT ", \"followed\": " COUNT ", \"within_minutes\": " COUNT
               "}}, \"description\": " MAYBE_TEXT "}}"},
    {"AlertList", PAGE("Alert", "", "")},
    {"Silence",
     "{\"type\": \"object\", \"required\": [\"id\", \"version\", \"status\", \"kind\", \"matchers\", \"starts_at\", "
     "\"ends_at\", \"rrule\", \"timezone\", \"created_by\", \"comment\", \"created_at\", \"updated_at\", "
     "\"window_starts_at\", \"window_ends_at\"], \"properties\": {\"id\": " TEXT ", \"version\": " COUNT
     ", \"status\": {\"enum\": [\"pending\", \"active\", \"expired\"]}, \"kind\": {\"enum\": [\"silence\", "
     "\"maintenance\"]}, \"matchers\": {\"type\": \"object\", \"additionalProperties\": " TEXT "}, \"starts_at\": " TIME
     ", \"ends_at\": " TIME ", \"rrule\": " MAYBE_TEXT ", \"timezone\": " TEXT ", \"created_by\": " TEXT
     ", \"comment\": " TEXT ", \"created_at\": " TIME ", \"updated_at\": " TIME ", \"window_starts_at\": " MAYBE_TIME
     ", \"window_ends_at\": " MAYBE_TIME ", \"windows\": {\"type\": \"array\", \"maxItems\": 100, \"items\": "
     "{\"type\": \"object\", \"required\": [\"starts_at\", \"ends_at\"], \"properties\": {\"starts_at\": " TIME
     ", \"ends_at\": " TIME "}}}}}"},
    {"SilenceList", PAGE("Silence", "", "")},
    {"Receiver",
     "{\"type\": \"object\", \"required\": [\"name\", \"kind\", \"send_resolved\", \"resend_s\", \"targets\"], "
     "\"properties\": {\"name\": " TEXT ", \"kind\": {\"enum\": [\"webhook\", \"alertmanager\", \"command\"]}, "
     "\"send_resolved\": " FLAG ", \"resend_s\": {\"type\": [\"integer\", \"null\"]}, \"targets\": " LIST(
         "{\"type\": \"object\", \"required\": [\"target\", \"url\", \"delivered\", \"failed\", \"dropped\", "
         "\"waiting\", \"last_attempt_at\", \"last_success_at\", \"last_error\", \"deliveries\"], \"properties\": "
         "{\"target\": " TEXT ", \"url\": " TEXT ", \"delivered\": " COUNT ", \"failed\": " COUNT
         ", \"dropped\": " COUNT ", \"waiting\": " COUNT ", \"last_attempt_at\": " MAYBE_TIME
         ", \"last_success_at\": " MAYBE_TIME ", \"last_error\": " MAYBE_TEXT
         ", \"deliveries\": {\"type\": \"array\", \"maxItems\": 20, \"items\": "
         "{\"type\": \"object\", \"required\": [\"at\", \"result\", \"alerts\", \"firing\", \"error\"], "
         "\"properties\": "
         "{\"at\": " TIME ", \"result\": {\"enum\": [\"delivered\", \"refused\", \"failed\"]}, \"alerts\": " COUNT
         ", \"firing\": " COUNT ", \"error\": " MAYBE_TEXT "}}}}}") "}}"},
    {"ReceiverList", PAGE("Receiver", "", "")},
    {"ReceiverTest",
     "{\"type\": \"object\", \"required\": [\"receiver\", \"targets\", \"ok\"], \"properties\": {\"receiver\": " TEXT
     ", \"ok\": " FLAG
     ", \"targets\": " LIST("{\"type\": \"object\", \"required\": [\"target\", \"ok\", \"status\", \"error\"]}") "}}"},
    {"Weights", LIST("{\"type\": \"object\", \"required\": [\"name\", \"weight\"], \"properties\": {\"name\": " TEXT
                     ", \"weight\": " SHARE "}}")},
    {"Explanation",
     "{\"type\": \"object\", \"required\": [\"server_name\", \"forecast_id\", \"model\", \"origin\", "
     "\"metric\", \"unit\", "
     "\"step\", \"timestamp\", \"p10\", \"p50\", \"p90\", \"same_records\", \"drivers\", "
     "\"selection\", \"attention\", "
     "\"occlusion\"], \"properties\": {\"server_name\": " TEXT ", \"origin\": " TIME ", \"timestamp\": " TIME
     ", \"step\": " COUNT ", \"same_records\": " FLAG ", \"drivers\": " LIST(
         TEXT) ", \"selection\": {\"type\": \"object\", "
               "\"required\": [\"static\", \"encoder\", \"decoder\"], \"properties\": "
               "{\"static\": " REF("Weights") ", \"encoder\": " REF("Weights") ", \"decoder\": " REF(
                   "Weights") "}}, \"attention\": " LIST("{\"type\": \"object\", \"required\": "
                                                         "[\"timestamp\", \"weight\"], \"properties\": "
                                                         "{\"timestamp\": " TIME ", \"weight\": " SHARE
                                                         "}}") ", \"occlusion\": " LIST("{\"type\": "
                                                                                        "\"object\", "
                                                                                        "\"required\": "
                                                                                        "[\"hidden\", "
                                                                                        "\"p50\", "
                                                                                        "\"change\"], "
                                                                                        "\"properties\""
                                                                                        ": "
                                                                                        "{\"hidden\":"
                                                                                        " " TEXT ", "
                                                                                        "\"p50\":"
                                                                                        " " MAYBE_NUMBER ", "
                                                                                        "\"change\":"
                                                                                        " " MAYBE_NUMBER "}}") "}}"},
    {"Version",
     "{\"type\": \"object\", \"required\": [\"version\", \"commit\", \"compiler\", \"build\", \"simd\", "
     "\"libraries\"], \"properties\": {\"version\": " TEXT ", \"commit\": " MAYBE_TEXT ", \"compiler\": " TEXT
     ", \"build\": " TEXT ", \"simd\": " MAYBE_TEXT ", \"libraries\": {\"type\": \"object\", "
     "\"additionalProperties\": " TEXT "}}}"},
    {0}};
