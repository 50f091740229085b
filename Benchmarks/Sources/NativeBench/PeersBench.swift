import Glibc
import LAM
import Measuring
import PeerCache

/// Hits of our cache and of somebody else's, over the same memory, in turn.
struct PeersBench {
    private static let rounds = 101
    private static let variable = "PEER_CACHE"

    func report() throws -> String {
        guard let path = getenv(Self.variable), let peer = peer_cache_open(String(cString: path)) else {
            fatalError("\(Self.variable) must be the path of a library such as Scripts/bench makes of Benchmarks/Peers")
        }
        defer { peer_cache_close(peer) }
        let cache = try CacheBench.cache(of: Adapter.open())
        var table = Table("acquired and released, in random order", "ours ns", "peer ns", "ours over peer")
        for count in [1, 128, 1024, 16_384] {
            let buffers = try ShuffledBuffers(count)
            let addresses = buffers.order.map(\.address)
            let operations = max(20_000, count)
            let comparison = try Comparison(
                rounds: Self.rounds, operations: operations,
                ours: { try CacheBench.hit(operations, cache, buffers) },
                baseline: {
                    let code = peer_cache_use(
                        peer, addresses, addresses.count, ShuffledBuffers.pageBytes, UInt64(operations))
                    if code != 0 { fatalError("the peer's cache: \(code)") }
                })
            table.add(
                "one of \(count)", comparison.ours.text(digits: 1), comparison.baseline.text(digits: 1),
                comparison.ratio.text(digits: 2))
        }
        return table.text
    }
}
