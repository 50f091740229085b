// The same program in C++.
#include "../NDKConsumer/adapter.c"
