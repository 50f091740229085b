import Glibc
package import Testing

/// Fails a test after which the kernel lists other memory regions, or more pinned or locked memory, than before.
///
/// Objects that were dropped go in the background, so that the test has a moment until it is judged.
package struct DeviceLeavesNothingBehind: SuiteTrait, TestTrait, TestScoping {
    /// Applies to every test of a suite, not to the suite as a whole.
    package var isRecursive: Bool { true }

    /// How often and how far apart the system is asked before something counts as left.
    private static let attempts = 100
    private static let pauseMicroseconds: UInt32 = 20_000

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let before = try DeviceOracle.now()
        let result = await attempt(function)
        var after = try DeviceOracle.now()
        for _ in 0..<Self.attempts where after != before {
            usleep(Self.pauseMicroseconds)
            after = try DeviceOracle.now()
        }
        if after != before {
            Issue.record(
                "left behind: before the test \(before); after it \(after)", sourceLocation: test.sourceLocation)
        }
        try result.get()
    }

    private func attempt(_ function: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await function()) } catch { return .failure(error) }
    }
}

extension Trait where Self == DeviceLeavesNothingBehind {
    /// The kernel's regions of this process, VmPin and VmLck are the same after each test as before it.
    package static var leavesNothingBehind: Self { Self() }
}
