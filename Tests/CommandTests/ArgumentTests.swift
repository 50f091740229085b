import TestSupport
import Testing

@Suite struct ArgumentTests {
    @Test(arguments: [
        [], ["devices"], ["doctor"], ["serve"], ["get"], ["put"], ["demo"], ["perf"], ["perf", "serve"],
        ["perf", "run"], ["bench"], ["bench", "run"], ["bench", "compare"],
    ])
    func `help teaches with an example`(_ command: [String]) throws {
        let help = try Lam.run(arguments: command + ["--help"])
        #expect(help.status == 0)
        #expect(help.errors.isEmpty)
        #expect(help.output.contains("lam \(command.isEmpty ? "doctor" : command.joined(separator: " ")) "))
        #expect(help.output.contains("Exit status: 0"))
        // The usage is ArgumentParser's, and is broken to the width of a terminal only.
        #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 120 || $0.hasPrefix("USAGE:") })
    }

    @Test(arguments: [
        ["nonsense"], ["devices", "--jsn"], ["devices", "rxe0"], ["doctor", "--device"], ["serve"],
        ["serve", "--directory", ".", "--port", "65536"], ["serve", "--directory", ".", "--address", "host.example"],
        ["serve", "--directory", ".", "--clients", "0"],
        ["serve", "--directory", ".", "--device", "rxe0", "--address", "192.0.2.1"],
        ["get", "a", "b"], ["get", "a", "--from", "192.0.2.1"], ["get", "a", "b", "--from", "nowhere"],
        ["get", "a", "b", "--from", "192.0.2.1:x"], ["get", "a", "b", "--from", "192.0.2.1:99999"],
        ["get", "", "b", "--from", "192.0.2.1"], ["put", "a"], ["put", "/", "--to", "192.0.2.1"],
        ["put", "a", "--to", "192.0.2.1", "--log-level", "loud"],
        ["put", "a", "--as", "", "--to", "192.0.2.1"],
        ["perf", "run", "write"], ["perf", "run", "copy", "--to", "192.0.2.1"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--size", "0"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--depth", "5000"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--latency", "--mappings", "fresh"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--size", "4096,"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--size", "4096,0"],
        ["perf", "run", "write", "--to", "192.0.2.1", "--mappings", "once,stale"],
        ["perf", "serve", "--device", "rxe0", "--address", "192.0.2.1"],
        ["bench", "nonsense"], ["bench", "run", "--sizes", "0"], ["bench", "run", "--seconds", "0"],
        ["bench", "compare", "one.json"],
    ])
    func `a call that makes no sense has status 64 and shows the usage`(_ arguments: [String]) throws {
        let outcome = try Lam.run(arguments: arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("Usage: lam"))
        #expect(outcome.output.isEmpty)
    }

    @Test func `without arguments it shows its help`() throws {
        let outcome = try Lam.run(arguments: [])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("SUBCOMMANDS:"))
    }

    @Test func `a file that cannot be put is named before anything is connected`() throws {
        let absent = try Lam.run(arguments: ["put", "/absent/file", "--to", "192.0.2.1"])
        #expect(absent.status == 1)
        #expect(absent.errors == "lam: there is no file '/absent/file'\n")
        let directory = try Lam.run(arguments: ["put", "/tmp", "--to", "192.0.2.1"])
        #expect(directory.errors == "lam: '/tmp' is not a regular file, and only these are moved\n")
    }

    @Test func `a directory that cannot be served is named before any device is looked for`() throws {
        let outcome = try Lam.run(arguments: ["serve", "--directory", "/absent"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("lam: the directory"))
    }
}
