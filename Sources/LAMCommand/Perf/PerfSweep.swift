import LAM

/// Several measurements against one server, each with terms of its own.
struct PerfSweep: Sendable {
    let server: SocketAddress
    let device: String?
    let terms: [PerfTerms]
    /// Each terms are measured with all of these, one after the other.
    let sources: [MappingSource]

    var count: Int { terms.count * sources.count }

    /// Measures, and hands over what came of it.
    ///
    /// - Parameters:
    ///   - begin: called before each measurement, which is the so-many-th.
    ///   - end: called with the result of each.
    /// - Throws: what breaks one of them off; the others are not begun.
    func run(
        begin: (_ number: Int, PerfTerms, MappingSource) -> Void, end: (PerfResult) -> Void
    ) async throws {
        var number = 0
        for terms in terms {
            for source in sources {
                number += 1
                begin(number, terms, source)
                end(try await connect(terms).run(source))
            }
        }
    }

    /// A server that has just ended with one client takes a moment until it is there for the next.
    private func connect(_ terms: PerfTerms) async throws -> PerfClient {
        let patience = ContinuousClock.now + .seconds(2)
        while true {
            do {
                return try await PerfClient(to: server, device: device, terms)
            } catch PerfEnd.Failure.refused where ContinuousClock.now < patience {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
