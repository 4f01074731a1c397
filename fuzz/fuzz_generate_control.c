/* fuzz_generate_control.c - the body of POST /scenario/set on the generator's control port. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    tft_error err = {0};
    const int scenario = generate_control_scenario((const char *)bytes, n, &err);
    assert(scenario < GENERATE_N_SCENARIOS && (scenario >= 0 || err.text[0] != '\0'));
    (void)scenario;
    return 0;
}
