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
