#include <cfuzzer.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void cfuzzer_found(const char *message) {
    fprintf(stderr, "FOUND: %s\n", message);
    abort();
}
