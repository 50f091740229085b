import ConsumerPrograms
import Glibc

/// Runs the programs in C and C++ one after the other, for tools that look at a whole process, such as valgrind.
@main
enum Consumers {
    static func main() {
        if CommandLine.arguments.dropFirst() == ["canary"] { haveMishap() }
        var isRight = true
        for program in ConsumerTopic.allCases.flatMap(\.programs) {
            let findings = program.findings()
            print("\(program.topic) in \(program.language): \(findings.isEmpty ? "passed" : "\(findings)")")
            isRight = isRight && findings.isEmpty
        }
        exit(isRight ? 0 : 1)
    }

    /// What such a tool must find: it shows that the tool is at work.
    private static func haveMishap() -> Never {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        unsafe byte.initialize(to: 0)
        unsafe byte.deallocate()
        unsafe puts(byte.pointee == 0 ? "read" : "read something")
        // The last of them may still be in a register.
        for _ in 0..<10 { unsafe malloc(1000)?.storeBytes(of: 1, as: UInt8.self) }
        exit(0)
    }
}
