/* problems.c - every kind of problem that /api/v1 answers with, explained at /docs/problems/<slug>. See openapi.h. */
#include "server/openapi.h"

const problem_kind problem_kinds[] = {
    {"bad-path", 400, "Bad path",
     "The path is not percent-encoded UTF-8, or holds a NUL byte. Encode each segment by itself."},
    {"bad-parameter", 400, "Bad parameter",
     "A parameter of the query is out of its range, of the wrong form, or given twice. The detail names it and says "
     "what "
     "it must be."},
    {"unknown-parameter", 400, "Unknown parameter",
     "The path does not take this parameter. Unknown parameters are refused, so that a misspelled filter does not "
     "silently select everything."},
    {"missing-parameter", 400, "Missing parameter", "The path needs a parameter that was not given."},
    {"malformed-body", 400, "Malformed body",
     "The body is not what its Content-Type says, or its compression is damaged. Sending it again will not help."},
    {"bad-header", 400, "Bad header", "A header of the request does not have the form that it must have."},
    {"bad-framing", 400, "Ambiguous request",
     "Two readers could take the request for two different ones: two lengths, a length together with chunks, two "
     "hosts, "
     "an odd header. The connection is closed."},
    {"target-too-long", 414, "Target too long", "Path and query together are longer than 8 KiB."},
    {"headers-too-large", 431, "Headers too large", "The headers together are longer than 32 KiB."},
    {"unauthorized", 401, "Unauthorized",
     "This daemon asks for a key: send X-API-Key, or Authorization: Bearer. Keys are made with `tftd keys add`."},
    {"forbidden", 403, "Forbidden", "The key's role may not do this. Roles are read, write and admin."},
    {"foreign-host", 403, "Foreign host",
     "A loopback listener without authentication answers only to loopback names and to http.allowed_hosts, so that no "
     "web "
     "page can reach it under another name."},
    {"foreign-origin", 403, "Foreign origin",
     "A page of another origin may only write where http.cors_origins names its origin."},
    {"not-found", 404, "Not found", "There is nothing at this path. /docs lists what there is."},
    {"too-many-groups", 422, "Too many groups",
     "Scores by so many servers and models do not fit one answer: ask for one server, or group by less."},
    {"unknown-server", 404, "Unknown server",
     "No server of this name has ever sent a record. Names are compared byte for byte, and an odd character must be "
     "percent-encoded."},
    {"unknown-model", 404, "Unknown model", "There is no model of this name in the models directory."},
    {"model-refused", 409, "Model refused",
     "The model is damaged, its metrics are not those of the fleet, there is none to go back to, or the model was "
     "fixed when "
     "the daemon was started (--model, --no-model). What served before goes on serving."},
    {"unknown-alert", 404, "Unknown alert",
     "No alert of this id is open, and none that has ended within store.retention.alerts had it."},
    {"idempotency-key-reused", 422, "Idempotency key reused",
     "A request with this Idempotency-Key, but another body, has made something already. Use a key for one thing "
     "only."},
    {"unknown-silence", 404, "Unknown silence",
     "No silence or maintenance window has this id; it may have been deleted."},
    {"no-generator", 503, "No generator",
     "No demo generator answers at dashboard.generator_url: start the daemon with --demo, or `tftd generate --stream "
     "--control`."},
    {"unknown-receiver", 404, "Unknown receiver", "alerts.receivers of the configuration has none of this name."},
    {"method-not-allowed", 405, "Method not allowed",
     "The path exists, but not for this method; Allow lists those it has."},
    {"not-acceptable", 406, "Not acceptable", "None of the media types of Accept is one that this path sends."},
    {"request-timeout", 408, "Request timeout",
     "The headers took longer than http.header_timeout, or the body stood still for http.body_timeout or came "
     "slower than 500 bytes/s. The connection is closed."},
    {"conflict", 409, "Conflict", "What was asked for does not fit the present state; read it again."},
    {"not-explainable", 409, "Not explainable",
     "Only forecasts of the network can be explained; this server's is heuristic (too few records, or no model), or it "
     "has "
     "no values of that metric."},
    {"precondition-failed", 412, "Precondition failed",
     "If-Match names another version than the present one: somebody has changed it meanwhile. Read it again."},
    {"body-too-large", 413, "Body too large",
     "The body is larger than http.max_body, also after decompression, or holds "
     "more records than http.max_records. Send less at once."},
    {"unsupported-media-type", 415, "Unsupported media type",
     "The body's Content-Type, charset or Content-Encoding is not one that this path takes."},
    {"invalid", 422, "Invalid content", "The body is well-formed, but something in it is wrong; errors lists what."},
    {"rejected", 422, "Records rejected",
     "Every record was rejected, or one of them with atomic=true; errors lists them."},
    {"precondition-required", 428, "Precondition required",
     "Two writers could overwrite each other here: send If-Match with the ETag of the version that was read."},
    {"too-many-requests", 429, "Too many requests", "A limit on requests was reached; Retry-After says when to go on."},
    {"internal", 500, "Internal error", "A defect of the daemon. incident_id stands in its log beside what happened."},
    {"too-large-to-send", 500, "Reply too large", "The answer does not fit into memory. Ask for less at once."},
    {"no-forecast", 503, "No forecast yet",
     "The first forecast is made when there are forecast.min_records records. Send records, then ask again."},
    {"draining", 503, "Shutting down", "The daemon is about to stop. Nothing of the request was done; try again."},
    {"overloaded", 503, "Overloaded", "Too much of this at once; Retry-After says when to try again."},
    {"store-unavailable", 503, "Store unavailable",
     "The store cannot be written or read: the disk is full or fails. Nothing of the request was stored."},
    {0}};
