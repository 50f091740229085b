// The same program in C++.
#include "../NDKConsumer/device.c"
