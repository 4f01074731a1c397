/* cmd_version.c - tftd version: what this binary is. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/flags.h"
#include "tensor/tensor.h"

int cmd_version(int argc, char **argv)
{
    bool json = false;
    const flag flags[] = {{"--json", NULL, "for machines", FLAG_SWITCH, &json}, {0}};
    const flag_page page = {"tftd version [--json]",
                            "Prints version, compiler, build type and the set of kernels that this machine runs.",
                            NULL};
    const int code = flags_parse(argc, argv, &page, flags, NULL);
    if (code >= 0)
        return code;
    if (json)
        printf("{\"version\": \"%s\", \"compiler\": \"%s\", \"build\": \"%s\", \"simd\": \"%s\"}\n", TFTD_VERSION,
               __VERSION__, TFTD_BUILD_TYPE, tft_isa_name(tft_tensor_isa()));
    else
        printf("tftd %s (gcc %s, %s, %s)\n", TFTD_VERSION, __VERSION__, TFTD_BUILD_TYPE,
               tft_isa_name(tft_tensor_isa()));
    return EXIT_DONE;
}
