#ifndef CRDMA_H
#define CRDMA_H
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#endif
