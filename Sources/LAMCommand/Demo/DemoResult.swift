import LAM

/// What the demonstration showed, and whether it is as it must be.
package struct DemoResult: Sendable {
    /// One of the two processes.
    package struct Side: Sendable, Equatable {
        package var built = 0
        package var released = 0
        package var deferred = 0
        package var longestRelease = Duration.zero
        package var pinnedBefore: Int?
        package var pinnedDuring: Int?
        package var pinnedAfter: Int?

        package init() {}
    }

    package let file: String
    package let byteCount: UInt64
    package var client = Side()
    package var server = Side()
    package var regionsBefore: Int?
    package var regionsDuring: Int?
    package var regionsAfter: Int?
    /// Whether both copies have the bytes of the file.
    package var areEqual = false

    package init(file: String, byteCount: UInt64) {
        self.file = file
        self.byteCount = byteCount
    }

    mutating func note(_ seen: DemoObserver.Most) {
        client.pinnedDuring = seen.pinnedKilobytes[0]
        server.pinnedDuring = seen.pinnedKilobytes[1]
        regionsDuring = seen.memoryRegions
    }

    mutating func note(client statistics: [AdapterStatistics], server entry: ServerLog.Entry) {
        for statistics in statistics {
            client.built += statistics.builds
            client.released += statistics.releases
            client.deferred += statistics.deferredReleases
            client.longestRelease = max(client.longestRelease, statistics.longestRelease)
        }
        server.built = entry.mappingsBuilt ?? 0
        server.released = entry.mappingsReleased ?? 0
        server.deferred = entry.releasesDeferred ?? 0
        server.longestRelease = .microseconds(entry.longestReleaseMicroseconds ?? 0)
    }
}

// MARK: The verdict

extension DemoResult {
    /// What is not as it must be.
    package var failures: [String] {
        var failures: [String] = []
        func expect(_ isTrue: Bool, _ failure: String) {
            if !isTrue { failures.append(failure) }
        }
        expect(areEqual, "a copy differs from \(file)")
        expect(built == released, "\(built) mappings were built and \(released) released")
        expect(byteCount == 0 || client.deferred > 0, "the client released no mapping with its window open")
        expect(byteCount == 0 || server.deferred > 0, "the server released no mapping with its request outstanding")
        for (name, side) in [("client", client), ("server", server)] {
            expect((side.pinnedAfter ?? 0) == 0, "\(side.pinnedAfter ?? 0) kB of the \(name) are still pinned")
        }
        if let regionsBefore, let regionsAfter {
            expect(
                regionsAfter <= regionsBefore,
                "the kernel has \(regionsAfter) memory regions of the device, before it had \(regionsBefore)")
        }
        return failures
    }

    private var built: Int { client.built + server.built }
    private var released: Int { client.released + server.released }

    /// The report; its last line says whether everything is as it must be.
    package var lines: [String] {
        var table = TextTable(headings: ["", "CLIENT", "SERVER"])
        func add(_ title: String, _ text: (Side) -> String) { table.add([title, text(client), text(server)]) }
        func kilobytes(_ count: Int?) -> String { count.map { "\($0) kB" } ?? "-" }
        add("mappings built") { "\($0.built)" }
        add("mappings released") { "\($0.released)" }
        add("releases deferred") { "\($0.deferred)" }
        add("longest release") { Quantity.time($0.longestRelease) }
        add("VmPin before") { kilobytes($0.pinnedBefore) }
        add("VmPin during (most seen)") { kilobytes($0.pinnedDuring) }
        add("VmPin after") { kilobytes($0.pinnedAfter) }
        return table.lines + [regionLine, verdict]
    }

    private var regionLine: String {
        guard let regionsBefore, let regionsDuring, let regionsAfter else {
            return
                "memory regions that the kernel has: not known, because `rdma resource show` fails (package iproute2)"
        }
        return """
            memory regions that the kernel has: \(regionsBefore) before, \(regionsDuring) during, \(regionsAfter) after
            """
    }

    private var verdict: String {
        guard failures.isEmpty else { return "failed: " + failures.joined(separator: "; ") }
        let pinned = (client.pinnedAfter ?? 0) + (server.pinnedAfter ?? 0)
        return "ok: \(byteCount) bytes, \(built) mappings built, \(released) released, \(pinned) kB pinned"
    }
}
