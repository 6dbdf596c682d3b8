/* The upstream as the chapters use it: each scenario is an address that behaves one way. */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <modelwire.h>

/* The provider that every scenario is reached through. */
#define UPSTREAM_PROVIDER "openai_compatible"

/* A key that must never be seen in a message or in info. */
#define UPSTREAM_KEY "sk-conformance-secret"

enum scenario {
    ANSWERS, /* a whole answer, or a stream that ends with [DONE] */
    REFUSES, /* status 429, Retry-After of 7 seconds, a JSON body */
    REJECTS, /* status 401 */
    BREAKS,  /* a stream that is cut off after one event */
    GOES_ON, /* a stream of one event, and then nothing, without an end */
    FLOODS,  /* a stream of several MB, more than a call buffers */
    ABSENT,  /* nobody listens */
    SCENARIOS
};

/* Puts the scenarios' scripts on the upstream at this URL. Ends the program if it cannot. */
void upstream_use(const char *url);

/* JSON inputs of a scenario, valid until the program ends. */
const char *config_of(enum scenario scenario);
const char *probe_of(enum scenario scenario);
const char *request_of(uint32_t operation);

/* Operations on a scenario, with its inputs. */
modelwire_result *complete(enum scenario scenario);
modelwire_result *stream(enum scenario scenario, modelwire_line_fn on_line, void *user_data);
modelwire_call start(uint32_t operation, enum scenario scenario);
modelwire_call start_polled(enum scenario scenario, modelwire_poller poller, uint64_t token);

#endif
