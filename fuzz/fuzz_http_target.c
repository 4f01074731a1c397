/* fuzz_http_target.c - http_target_read() on any text: pieces stay inside their space, and what is called sound is UTF-8. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *const text = malloc(n + 1), *const space = malloc(http_target_space(n));
    if (text != NULL && space != NULL) {
        memcpy(text, data, n);
        text[n] = '\0';
        http_target target;
        http_target_read(text, space, &target);
        for (size_t i = 0; i < target.n_segments; i++) {
            if (target.sound && !http_is_text(target.segments[i], strlen(target.segments[i])))
                abort();
        }
        const char *params[HTTP_MAX_PARAMS];
        size_t n_params;
        http_path_fits("/api/v1/servers/{name}", &target, params, &n_params);
        http_path_fits("/ui/{path*}", &target, params, &n_params);
    }
    free(text);
    free(space);
    return 0;
}
