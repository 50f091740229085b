import LAM

// expected-error@+1 {{'region' used after consume}}
func bindAfterTheEnd(_ region: consuming MemoryRegion, _ queuePair: inout QueuePair) throws {
    // expected-note@+1 {{consumed here}}
    _ = consume region
    // expected-note@+1 {{used here}}
    try queuePair.invalidate(region)
}

func deregistrationOfABorrowedRegion(_ region: borrowing MemoryRegion) throws {
    // expected-error@+1 {{cannot use mutating member on immutable value: 'region' is a 'borrowing' parameter}}
    try region.deregister()
}
