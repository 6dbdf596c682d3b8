/* Compares what came out with what an entry expects. */
#ifndef COMPARE_H
#define COMPARE_H

#include "list.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What came out of an operation. */
struct outcome {
    int32_t status;
    int32_t http_status;
    struct bytes body;
    struct bytes info;
    struct bytes lines; /* each followed by one LF */
};

/* Prints every difference, with the entry's name and the way it was performed; answers whether
 * there is none. `received` is the upstream's list of requests. */
bool behaves(const struct behaviour *behaviour, const char *way, const struct outcome *outcome, const char *received);

#ifdef __cplusplus
}
#endif
#endif
