import LAM

func useAfterRelease(_ adapter: Adapter, _ buffer: PageBuffer) throws {
    // expected-error@+1 {{'mapping' used after consume}}
    let mapping = try adapter.buildLam(over: buffer)
    // expected-note@+1 {{consumed here}}
    mapping.release()
    // expected-note@+1 {{used here}}
    print(mapping.length)
}

// expected-error@+1 {{'mapping' used after consume}}
func useAfterTheAwaitedRelease(_ mapping: consuming LogicalAddressMapping) async -> ScatterGatherElement {
    // expected-note@+1 {{consumed here}}
    await mapping.released()
    // expected-note@+1 {{used here}}
    return mapping.element
}
