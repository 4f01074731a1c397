/* openapi.h - the OpenAPI 3.1 document, and the pages of /docs, made of the routes' rows themselves.
 *
 * What a row says is what the document says: nothing is written twice, and a route without a summary is not in it.
 * The bodies' schemas are in openapi_schemas.c, by name; the problems' explanations in problems.c.
 *
 * Memory:  the caller owns the texts. Threads: any.
 */
#ifndef TFTD_SERVER_OPENAPI_H
#define TFTD_SERVER_OPENAPI_H

#include "server/http.h"

/* The document for these families. */
void openapi_write(const http_route *const *families, size_t n_families, const char *version, tft_text *out);

/* A schema by its name; the table ends with a NULL name. */
typedef struct openapi_schema {
    const char *name, *json;
} openapi_schema;
extern const openapi_schema openapi_schemas[];

/* A kind of problem: what /docs/problems/<slug> says. The table ends with a NULL slug. */
typedef struct problem_kind {
    const char *slug;
    int status;
    const char *title;
    const char *text; // what happened, and what to do about it
} problem_kind;
extern const problem_kind problem_kinds[];

/* The next word of a list by commas or blanks; false at its end. *at moves behind it. */
bool openapi_next_word(const char **at, const char **word, size_t *n);
/* Calls visit for every status that a route may answer with, in ascending order, each once. */
void openapi_each_status(const http_route *route, void (*visit)(void *context, int status), void *context);
/* Whether the route is below /api/v1, where errors are problems. */
bool openapi_is_strict(const http_route *route);
const char *openapi_role_name(http_role role); // "open", "read", "write", "admin"

#endif
