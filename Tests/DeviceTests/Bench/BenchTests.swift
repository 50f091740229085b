import Foundation
import TestSupport
import Testing

extension OnDevice {
    /// `lam bench` on the device.
    @Suite(.timeLimit(.minutes(10)))
    struct BenchTests {
        private struct Result: Decodable {
            let isComplete: Bool
            let host: Host
            let figures: [Figure]

            struct Host: Decodable {
                let device, driver, rdmaCore: String
            }
        }

        private struct Figure: Decodable {
            let subject: Subject
            let ours, plain: Times?
            let note: String?

            struct Subject: Decodable {
                let group, name: String
                let baseline: String?
            }

            struct Times: Decodable {
                let rounds: Int
                let median: Double
            }
        }

        private let path = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID()).json").path

        private func result() throws -> Result {
            try JSONDecoder().decode(Result.self, from: Data(contentsOf: URL(filePath: path)))
        }

        @Test func `measures every group beside plain C, and leaves nothing pinned`() throws {
            let outcome = try LamProcess.run(["bench", "run", "--quick", "--seconds", "0.01", "--json", path])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let result = try result()
            #expect(result.isComplete)
            #expect(result.host.driver == "rdma_rxe" || !result.host.device.hasPrefix("rxe"))
            #expect(result.host.rdmaCore.hasPrefix("libibverbs.so"))
            for group in ["register", "release", "arena", "cache", "window", "post", "threads", "live"] {
                let figures = result.figures.filter { $0.subject.group == group }
                let measured = figures.filter { $0.ours != nil }
                #expect(!measured.isEmpty, "\(group): \(figures.compactMap(\.note))")
                #expect(outcome.output.contains("\n\(group): "))
                for figure in measured {
                    #expect(figure.subject.baseline == nil || figure.plain != nil, "\(figure.subject)")
                    #expect(figure.ours!.rounds >= 5 && figure.ours!.median > 0)
                }
            }
            let missing = result.figures.filter { $0.ours == nil }
            #expect(missing.allSatisfy { $0.note?.contains("huge") == true }, "\(missing.compactMap(\.note))")
        }

        @Test func `keeps what it has measured when it is interrupted`() throws {
            let process = try LamProcess(["bench", "run", "post", "--seconds", "3600", "--json", path])
            try process.waitUntilPinned(1...)
            usleep(500_000)
            process.send(SIGINT)
            let outcome = try process.wait()
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasSuffix("lam: interrupted\n"))
            #expect(try result().isComplete == false)
        }
    }
}
