// The same program in C++.
#include "../NDKConsumer/memory.c"
