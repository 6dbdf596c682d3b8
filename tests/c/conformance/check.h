/* What a chapter checks with. A check that fails prints where and what, and the run goes on. */
#ifndef CHECK_H
#define CHECK_H

#include <modelwire.h>
#include <stdbool.h>

#define CHECK(condition) check_true((condition), #condition, __FILE__, __LINE__)

/* Two integers are equal; a failure shows both. */
#define CHECK_EQ(actual, expected) \
    check_equal((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)

/* Two NUL-terminated texts are equal; a failure shows both. */
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)

/* The text holds `fragment`. */
#define CHECK_HAS(text, len, fragment) check_has((text), (len), (fragment), true, #text, __FILE__, __LINE__)
#define CHECK_HAS_NOT(text, len, fragment) check_has((text), (len), (fragment), false, #text, __FILE__, __LINE__)

/* Checks an operation's outcome and whatever holds for every result, and frees it. `body` and
 * `info` are fragments those hold; NULL asks for none. */
#define EXPECT(result, status) check_result((result), (status), NULL, NULL, #result, __FILE__, __LINE__)
#define EXPECT_BODY(result, status, body) check_result((result), (status), (body), NULL, #result, __FILE__, __LINE__)
#define EXPECT_INFO(result, status, info) check_result((result), (status), NULL, (info), #result, __FILE__, __LINE__)

/* A NUL-terminated text as the two arguments of an input. */
#define BYTES(text) (const uint8_t *)(text), strlen(text)

void check_true(bool condition, const char *what, const char *file, int line);
void check_equal(long long actual, long long expected, const char *what, const char *file, int line);
void check_text(const char *actual, const char *expected, const char *what, const char *file, int line);
void check_has(const void *text, size_t len, const char *fragment, bool wanted, const char *what,
               const char *file, int line);
void check_result(modelwire_result *result, int32_t status, const char *body, const char *info,
                  const char *what, const char *file, int line);

/* Whether `fragment` occurs in the text. */
bool holds(const void *text, size_t len, const char *fragment);

/* Prints the counts; answers whether nothing failed. */
bool check_summary(void);

#endif
