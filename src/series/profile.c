/* profile.c - the kind of a server, read off its name (CONTRACT 1.7).
 *
 * A prefix counts only where a digit follows: "ppdb001" is a database, "ppdbx" is not. The longest match wins, so that
 * a site's own "ppdbcache" can be set beside "ppdb" in the configuration.
 */
#include <string.h>
#include <strings.h>

#include "series/record.h"

static const tft_profile_prefix built_in[] = {
    {"ppml", TFT_PROFILE_ML_COMPUTE},
    {"ppgpu", TFT_PROFILE_ML_COMPUTE},
    {"cptrain", TFT_PROFILE_ML_COMPUTE},
    {"ppdb", TFT_PROFILE_DATABASE},
    {"psdb", TFT_PROFILE_DATABASE},
    {"oracle", TFT_PROFILE_DATABASE},
    {"mongo", TFT_PROFILE_DATABASE},
    {"postgres", TFT_PROFILE_DATABASE},
    {"mysql", TFT_PROFILE_DATABASE},
    {"ppweb", TFT_PROFILE_WEB_API},
    {"ppapi", TFT_PROFILE_WEB_API},
    {"nginx", TFT_PROFILE_WEB_API},
    {"tomcat", TFT_PROFILE_WEB_API},
    {"ppcon", TFT_PROFILE_CONDUCTOR_MGMT},
    {"conductor", TFT_PROFILE_CONDUCTOR_MGMT},
    {"egomgmt", TFT_PROFILE_CONDUCTOR_MGMT},
    {"ppetl", TFT_PROFILE_DATA_INGEST},
    {"ppkafka", TFT_PROFILE_DATA_INGEST},
    {"stream", TFT_PROFILE_DATA_INGEST},
    {"spark", TFT_PROFILE_DATA_INGEST},
    {"pprisk", TFT_PROFILE_RISK_ANALYTICS},
    {"varrisk", TFT_PROFILE_RISK_ANALYTICS},
    {"credit", TFT_PROFILE_RISK_ANALYTICS},
};

/* Length of the prefix where it matches, else 0. */
static size_t match(const tft_profile_prefix *entry, const char *name, size_t n)
{
    const size_t length = strnlen(entry->prefix, sizeof entry->prefix);
    if (length >= n || strncasecmp(entry->prefix, name, length) != 0)
        return 0;
    return name[length] >= '0' && name[length] <= '9' ? length : 0;
}

tft_profile tft_profile_of_name(const char *name, size_t n, const tft_profile_prefix *extra, size_t n_extra)
{
    tft_profile found = TFT_PROFILE_GENERIC;
    size_t longest = 0;
    for (size_t i = 0; i < n_extra; i++) {
        const size_t length = match(&extra[i], name, n);
        if (length > longest) {
            longest = length;
            found = extra[i].profile;
        }
    }
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        const size_t length = match(&built_in[i], name, n);
        if (length > longest) {
            longest = length;
            found = built_in[i].profile;
        }
    }
    return found;
}
