/* http_check.c - see http_check.h. */
#include "server/http_check.h"

#include <stdlib.h>
#include <string.h>

#include "server/http_target.h"
#include "server/negotiate.h"

typedef struct query_check {
    const http_route *route;
    http_reply *reply;
    uint64_t seen; // bit k: the k-th parameter of the route
    bool refused;
} query_check;

/* The number behind a word of a schema ("maxLength": 256), or `none`. */
static size_t schema_number(const char *schema, const char *word, size_t none)
{
    const char *const at = schema != NULL ? strstr(schema, word) : NULL;
    return at != NULL ? (size_t)strtoul(at + strlen(word), NULL, 10) : none;
}

/* Whether a text is as long as its schema says, in characters. */
static bool length_fits(const char *schema, const char *text)
{
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++)
        n += ((unsigned char)*c & 0xc0) != 0x80;
    return n >= schema_number(schema, "\"minLength\": ", 0) && n <= schema_number(schema, "\"maxLength\": ", SIZE_MAX);
}

/* Which parameter of the query this is; where the list ends if it is none of them. */
static size_t find_parameter(const http_route *route, const char *key)
{
    const http_parameter *const list = route->parameters;
    size_t k = 0;
    while (list != NULL && list[k].name != NULL &&
           (strcmp(list[k].name, key) != 0 || http_path_variable(route->path, key) >= 0))
        k++;
    return k;
}

static bool check_parameter(void *context, const char *key, size_t n_key, const char *value, size_t n_value)
{
    query_check *const check = context;
    const http_parameter *const list = check->route->parameters;
    check->refused = true; // until it is known to be good
    if (!http_is_text(key, n_key) || !http_is_text(value, n_value)) {
        http_reply_problem(check->reply, 400, "bad-parameter", "Bad parameter",
                           "The query is not valid UTF-8, or holds a NUL");
        return false;
    }
    const size_t k = find_parameter(check->route, key);
    if (list == NULL || list[k].name == NULL) {
        http_reply_problem(check->reply, 400, "unknown-parameter", "Unknown parameter",
                           "This path has no parameter \"%.80s\"", key);
        return false;
    }
    if ((check->seen & (UINT64_C(1) << k)) != 0) {
        http_reply_problem(check->reply, 400, "bad-parameter", "Bad parameter", "\"%s\" is given twice", key);
        return false;
    }
    check->seen |= UINT64_C(1) << k;
    if (!length_fits(list[k].schema, value)) {
        http_reply_problem(check->reply, 400, "bad-parameter", "Bad parameter",
                           "The value of \"%s\" is too short or too long", key);
        return false;
    }
    check->refused = false;
    return true;
}

static bool check_query(const http_request *request, http_reply *reply)
{
    query_check check = {.route = request->route, .reply = reply};
    http_each_query(request, check_parameter, &check);
    const http_parameter *const list = check.route->parameters;
    for (size_t k = 0; !check.refused && list != NULL && list[k].name != NULL; k++) {
        if (list[k].required && (check.seen & (UINT64_C(1) << k)) == 0 &&
            http_path_variable(check.route->path, list[k].name) < 0) {
            http_reply_problem(reply, 400, "missing-parameter", "Missing parameter", "The parameter \"%s\" is needed",
                               list[k].name);
            check.refused = true;
        }
    }
    return !check.refused;
}

bool http_check_strictly(const http_request *request, uint64_t declared, http_reply *reply)
{
    const http_route *const route = request->route;
    const char *const offers = route->produces != NULL ? route->produces : "application/json";
    const char *const type = http_header(request, "Content-Type");
    if (negotiate_type(http_header(request, "Accept"), offers) < 0) {
        http_reply_problem(reply, 406, "not-acceptable", "Not acceptable", "This path sends %s", offers);
        return false;
    }
    if (route->takes != NULL && declared > 0 && !negotiate_takes(type, route->takes)) {
        http_reply_problem(reply, 415, "unsupported-media-type", "Unsupported media type",
                           "This path takes %s in UTF-8, not \"%.100s\"", route->takes, type);
        return false;
    }
    return check_query(request, reply);
}
