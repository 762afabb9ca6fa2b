/* A program, not a shared object; it even has the entry. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST("executable"));
}

int main(void) {
    return 0;
}
