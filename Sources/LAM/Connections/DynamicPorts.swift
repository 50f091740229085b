/// The ports from which one is chosen where the user has no wish: those that IANA assigns to nobody.
enum DynamicPorts {
    static let range: ClosedRange<UInt16> = 49152...65535

    /// All of them, once each, from a random one on.
    static var shuffled: some Sequence<UInt16> {
        let offset = Int.random(in: 0..<range.count)
        return (0..<range.count).lazy.map { range.lowerBound + UInt16(($0 + offset) % range.count) }
    }
}
