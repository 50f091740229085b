// The same program in C++.
#include "../NDKConsumer/mapping.c"
