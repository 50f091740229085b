import Glibc

/// A pipe that makes a descriptor readable as long as there are events.
struct FakePipe {
    let readEnd: CInt
    private let writeEnd: CInt

    init() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { fatalError("FakePipe: no pipe, errno \(errno)") }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    /// Adds an event.
    func put() {
        var byte: UInt8 = 1
        guard unsafe write(writeEnd, &byte, 1) == 1 else { fatalError("FakePipe: full") }
    }

    /// Takes an event that is there.
    func take() {
        var byte: UInt8 = 0
        guard unsafe read(readEnd, &byte, 1) == 1 else { fatalError("FakePipe: empty") }
    }

    /// Closes both ends.
    func close() {
        _ = Glibc.close(readEnd)
        _ = Glibc.close(writeEnd)
    }
}
