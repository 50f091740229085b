import LAM

// expected-error@+1 {{'region' used after consume}}
func invalidationAfterTheEnd(_ region: consuming MemoryRegion, _ queuePair: inout QueuePair) throws {
    // expected-note@+1 {{consumed here}}
    _ = consume region
    // expected-note@+1 {{used here}}
    try queuePair.invalidate(region)
}
