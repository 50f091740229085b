import LAM

// expected-error@+1 {{'mapping' used after consume}}
func send(_ mapping: consuming LogicalAddressMapping, on queuePair: inout QueuePair) throws {
    // expected-note@+1 {{consumed here}}
    mapping.release()
    // expected-note@+1 {{used here}}
    try queuePair.send(mapping, 0..<8)
}

// expected-error@+1 {{'mapping' used after consume}}
func receive(_ mapping: consuming LogicalAddressMapping, on queuePair: inout QueuePair) throws {
    // expected-note@+1 {{consumed here}}
    _ = mapping.tryRelease()
    // expected-note@+1 {{used here}}
    try queuePair.receive(into: mapping, 0..<8)
}

func bind(
    // expected-error@+1 {{'mapping' used after consume}}
    _ window: borrowing MemoryWindow, over mapping: consuming LogicalAddressMapping, on queuePair: inout QueuePair
) throws {
    // expected-note@+1 {{consumed here}}
    mapping.release()
    // expected-note@+1 {{used here}}
    _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
}
