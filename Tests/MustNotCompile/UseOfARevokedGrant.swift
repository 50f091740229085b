import LAM

// expected-error@+1 {{'grant' used after consume}}
func useAfterRevocation(_ grant: consuming Grant) -> RemoteMemory {
    // expected-note@+1 {{consumed here}}
    grant.revoke()
    // expected-note@+1 {{used here}}
    return grant.remoteMemory
}

// expected-error@+1 {{'grant' consumed more than once}}
func revokedTwice(_ grant: consuming Grant) async {
    // expected-note@+1 {{consumed here}}
    grant.revoke()
    // expected-note@+1 {{consumed again here}}
    await grant.revoked()
}

func copyOfAGrant(_ grants: [RemoteMemory], _ mapping: borrowing LogicalAddressMapping, _ queuePair: inout QueuePair) async throws {
    let grant = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
    // expected-error@+1 {{type 'Grant' does not conform to protocol 'Copyable'}}
    let copies = [grant]
    _ = copies
}
