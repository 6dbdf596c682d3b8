/* The chapters of the conformance program, in the order they run. */
#ifndef CHAPTERS_H
#define CHAPTERS_H

void check_library(void);
void check_providers(void);
void check_results(void);
void check_blocking(void);
void check_flight(void);
void check_threads(void);
void check_poller(void);
void check_splitter(void);
void check_shutdown(void);

#endif
