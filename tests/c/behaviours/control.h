/* The control requests to the upstream. Each ends the program if the upstream refuses it. */
#ifndef CONTROL_H
#define CONTROL_H

#include "list.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The upstream's URL, http://127.0.0.1:PORT. First of all. */
void control_use(const char *url);

/* Where the entry with this number is played: the text of `{base}`, until the next call. */
const char *base_of(unsigned id);

void put_script(unsigned id, struct bytes script);

void open_gate(unsigned id, struct bytes gate);

/* What the upstream received, as JSON: a fresh C string. */
char *received(unsigned id);

/* Waits until it received something. */
void wait_until_sent(unsigned id);

#ifdef __cplusplus
}
#endif
#endif
