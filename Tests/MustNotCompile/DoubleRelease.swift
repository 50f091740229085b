import LAM

func doubleRelease(_ adapter: Adapter, _ buffer: PageBuffer) throws {
    // expected-error@+1 {{'mapping' consumed more than once}}
    let mapping = try adapter.buildLam(over: buffer)
    // expected-note@+1 {{consumed here}}
    mapping.release()
    // expected-note@+1 {{consumed again here}}
    adapter.releaseLam(mapping)
}

func releaseInALoop(_ adapter: Adapter, _ buffer: PageBuffer) throws {
    // expected-error@+1 {{'mapping' consumed in a loop}}
    let mapping = try adapter.buildLam(over: buffer)
    // expected-note@+1 {{consumed here}}
    for _ in 0..<2 { mapping.release() }
}

// expected-error@+1 {{'mapping' is borrowed and cannot be consumed}}
func releaseOfABorrowedMapping(_ mapping: borrowing LogicalAddressMapping) {
    // expected-note@+1 {{consumed here}}
    mapping.release()
}

// expected-error@+1 {{'mapping' consumed more than once}}
func awaitedTwice(_ mapping: consuming LogicalAddressMapping) async {
    // expected-note@+1 {{consumed here}}
    await mapping.released()
    // expected-note@+1 {{consumed again here}}
    await mapping.released()
}

// expected-error@+1 {{'mapping' consumed more than once}}
func triedAndReleased(_ mapping: consuming LogicalAddressMapping) {
    // expected-note@+1 {{consumed here}}
    _ = mapping.tryRelease()
    // expected-note@+1 {{consumed again here}}
    mapping.release()
}
