// The same program in C++.
#include "../NDKConsumer/lifetime.c"
