/* http_reply.c - what handlers fill replies with: headers, details, problems, tags. See http.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/http.h"
#include "server/http_target.h"

void http_reply_field(http_reply *reply, const char *name, const char *format, ...)
{
    assert(reply->n_fields < HTTP_MAX_FIELDS);
    http_field *const field = &reply->fields[reply->n_fields++];
    field->name = name;
    va_list args;
    va_start(args, format);
    vsnprintf(field->value, sizeof field->value, format, args);
    va_end(args);
    char *out = field->value;
    for (const char *in = field->value; *in != '\0'; in++) {
        if ((unsigned char)*in >= 0x20 && (unsigned char)*in != 0x7f)
            *out++ = *in;
    }
    *out = '\0';
}

static void put_string(tft_text *out, const char *text)
{
    tft_text_json_string(out, text, strlen(text));
}

void http_reply_detail(http_reply *reply, int status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reply->status = status;
    tft_text_clear(&reply->text);
    tft_text_puts(&reply->text, "{\"detail\": ");
    put_string(&reply->text, text);
    tft_text_puts(&reply->text, "}");
}

/* ---- problems ------------------------------------------------------------------------------------------ */

/* vsnprintf may cut inside a character; what is left of it goes too. */
static void cut_to_text(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && !http_is_text(text, n))
        n--;
    text[n] = '\0';
}

static void put_problem(http_reply *reply, int status, const char *slug, const char *title, char *detail)
{
    tft_text *const out = &reply->text;
    cut_to_text(detail);
    reply->status = status;
    reply->content_type = "application/problem+json";
    tft_text_clear(out);
    tft_text_printf(out, "{\"type\": \"/docs/problems/%s\", \"title\": ", slug);
    put_string(out, title);
    tft_text_printf(out, ", \"status\": %d, \"detail\": ", status);
    put_string(out, detail);
    if (reply->request != NULL) {
        tft_text_puts(out, ", \"instance\": ");
        put_string(out, reply->request->path);
    }
    tft_text_puts(out, "}");
    bool has_rule = false;
    for (size_t i = 0; i < reply->n_fields; i++)
        has_rule |= strcmp(reply->fields[i].name, "Cache-Control") == 0;
    if (!has_rule)
        http_reply_field(reply, "Cache-Control", "no-store");
}

void http_reply_problem(http_reply *reply, int status, const char *slug, const char *title, const char *format, ...)
{
    char detail[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    put_problem(reply, status, slug, title, detail);
}

void http_reply_refusal(http_reply *reply, int status, const char *slug, const char *title, const char *format, ...)
{
    char detail[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (reply->request != NULL && reply->request->strict)
        put_problem(reply, status, slug, title, detail);
    else
        http_reply_detail(reply, status, "%s", detail);
}

tft_text *http_problem_member(http_reply *reply, const char *key)
{
    tft_text *const out = &reply->text;
    if (out->n > 0)
        out->bytes[--out->n] = '\0'; // the closing brace
    tft_text_printf(out, ", \"%s\": ", key);
    return out;
}

void http_problem_end(http_reply *reply)
{
    tft_text_puts(&reply->text, "}");
}

/* ---- tags ---------------------------------------------------------------------------------------------- */

/* Whether a list of tags has `tag`, compared weakly (RFC 9110 §8.8.3.2), or is "*". */
static bool list_has(const char *list, const char *tag)
{
    const size_t length = strlen(tag);
    for (;;) {
        list += strspn(list, " \t,");
        if (*list == '\0')
            return false;
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        const size_t n = strcspn(list, ", \t");
        if (n == length + 2 && list[0] == '"' && list[n - 1] == '"' && memcmp(list + 1, tag, length) == 0)
            return true;
        list += n;
    }
}

bool http_not_modified(const http_request *request, http_reply *reply, const char *tag)
{
    http_reply_field(reply, "ETag", "W/\"%s\"", tag);
    const char *const list = http_header(request, "If-None-Match");
    if (list == NULL || !list_has(list, tag))
        return false;
    reply->status = 304;
    return true;
}

bool http_if_match(const http_request *request, http_reply *reply, const char *tag)
{
    const char *const list = http_header(request, "If-Match");
    if (list == NULL) {
        http_reply_problem(reply, 428, "precondition-required", "Precondition required",
                           "Send If-Match with the ETag of the version that this change was made from");
        return false;
    }
    if (list_has(list, tag))
        return true;
    http_reply_problem(reply, 412, "precondition-failed", "Precondition failed",
                       "It has been changed since: its ETag is now W/\"%s\"", tag);
    return false;
}
