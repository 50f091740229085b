// The same program in C++.
#include "../NDKConsumer/queues.c"
