// The same program in C++.
#include "../NDKConsumer/connections.c"
