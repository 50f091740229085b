import LAM

func droppedThroughACopy(_ adapter: Adapter, _ buffer: PageBuffer) throws {
    // expected-error@+1 {{'mapping' consumed more than once}}
    let mapping = try adapter.buildLam(over: buffer)
    // expected-note@+1 {{consumed here}}
    let copy = mapping
    _ = consume copy
    // expected-note@+1 {{consumed again here}}
    mapping.release()
}

// expected-error@+1 {{'window' used after consume}}
func windowDroppedAndUsed(_ window: consuming MemoryWindow) {
    // expected-note@+1 {{consumed here}}
    _ = consume window
    // expected-note@+1 {{used here}}
    print(window.remoteMemory as Any)
}
