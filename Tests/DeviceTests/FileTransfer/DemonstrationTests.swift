import Foundation
import Testing

extension OnDevice {
    /// The commands that look at the machine, on one that has a device.
    @Suite(.timeLimit(.minutes(5)))
    struct DemonstrationTests {
        @Test func `the demonstration moves its file and ends with the documented line`() throws {
            let demo = try LamProcess.run(["demo"] + LamProcess.device)
            #expect(demo.status == 0, "\(demo)")
            let last = try #require(demo.output.split(separator: "\n").last)
            let match = try #require(
                last.wholeMatch(of: /ok: (\d+) bytes, (\d+) mappings built, (\d+) released, 0 kB pinned/))
            #expect(try #require(Int(match.1)) >= 16 << 20)
            #expect(match.2 == match.3)
        }

        @Test func `the demonstration takes a file, and says when there is none`() throws {
            let demo = try LamProcess.run(["demo", "/absent"] + LamProcess.device)
            #expect(demo.status == 1)
            #expect(demo.output.split(separator: "\n").last == "failed: there is no file '/absent'")
        }

        @Test func `doctor builds a mapping, and devices lists an active port`() throws {
            let doctor = try LamProcess.run(["doctor"] + LamProcess.device)
            #expect(doctor.status == 0, "\(doctor)")
            #expect(doctor.output.contains("Mappings can be built here"))
            let devices = try LamProcess.run(["devices"])
            #expect(devices.status == 0)
            #expect(devices.output.contains("active"))
        }
    }
}
