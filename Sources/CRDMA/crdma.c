#include "crdma.h"
