import LAM

func keptInAnArray(_ mapping: consuming LogicalAddressMapping) {
    // expected-error@+1 {{generic struct 'Array' requires that 'LogicalAddressMapping' conform to 'Copyable'}}
    let mappings = [mapping]
    _ = mappings
}
