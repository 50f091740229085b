import FileService
import Glibc
import Testing

@Suite struct PartialFileTests {
    private let directory = TemporaryDirectory()

    private func begin(_ name: String, byteCount: UInt64 = 0) throws(FileError) -> PartialFile {
        try PartialFile(directory.path + "/" + name, byteCount: byteCount)
    }

    private func refuse(_ name: String, byteCount: UInt64 = 0) throws(FileError) {
        _ = try begin(name, byteCount: byteCount)
    }

    private func write(_ bytes: [UInt8], at offset: UInt64, to file: borrowing PartialFile) throws {
        try file.write(unsafe bytes.span.bytes, at: offset)
    }

    private func read(_ count: Int, of file: borrowing SourceFile, at offset: UInt64) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var buffer = bytes.mutableSpan
        var span = unsafe buffer.mutableBytes
        try file.read(into: &span, at: offset)
        return bytes
    }

    @Test func `a file appears with its bytes when it is complete`() throws {
        let file = try begin("new", byteCount: 5)
        try write([3, 4, 5], at: 2, to: file)
        try write([1, 2], at: 0, to: file)
        #expect(directory.read("new") == nil)
        try file.commit()
        #expect(directory.names == ["new"])
        #expect(directory.read("new") == [1, 2, 3, 4, 5])
    }

    @Test func `a file that was given up leaves nothing`() throws {
        do {
            let file = try begin("new")
            try write([1], at: 0, to: file)
        }
        #expect(directory.names == [])
    }

    @Test func `an older file stays until the new one is complete`() throws {
        directory.write([9], to: "old")
        do {
            let file = try begin("old")
            try write([1], at: 0, to: file)
            #expect(directory.read("old") == [9])
        }
        #expect(directory.read("old") == [9])
        let file = try begin("old")
        try write([1, 2], at: 0, to: file)
        try file.commit()
        #expect(directory.names == ["old"])
        #expect(directory.read("old") == [1, 2])
    }

    @Test func `a name of the greatest length works`() throws {
        let name = String(repeating: "é", count: 127)
        try begin(name).commit()
        #expect(directory.names == [name])
    }

    @Test func `more bytes than the file system has room for are refused at once`() {
        let path = directory.path + "/huge"
        #expect(throws: FileError.noSpace(path, byteCount: 1 << 60)) { try refuse("huge", byteCount: 1 << 60) }
        #expect(throws: FileError.noSpace(path, byteCount: .max)) { try refuse("huge", byteCount: .max) }
        #expect(directory.names == [])
    }

    @Test func `where nothing can be put, the path is named`() {
        #expect(throws: FileError.noSuchDirectory(directory.path + "/absent/x")) { try refuse("absent/x") }
        #expect(throws: FileError.noSuchDirectory(directory.path + "/")) { try refuse("") }
        directory.makeDirectory("sub")
        #expect(throws: FileError.notRegular(directory.path + "/sub")) { try refuse("sub") }
    }

    @Test func `a source reads what is there and notices when it shrinks`() throws {
        directory.write([1, 2, 3, 4], to: "source")
        let path = directory.path + "/source"
        let source = try SourceFile(path)
        #expect(source.byteCount == 4)
        #expect(try read(2, of: source, at: 1) == [2, 3])
        try source.checkLength()
        _ = unsafe truncate(path, 2)
        #expect(throws: FileError.changed(path)) { try source.checkLength() }
        #expect(throws: FileError.changed(path)) { try read(4, of: source, at: 0) }
    }

    @Test func `the checksum is CRC-32, in one piece or several`() {
        var whole = Checksum()
        whole.append(unsafe Array("123456789".utf8).span.bytes)
        #expect(whole.value == 0xCBF4_3926)
        var pieces = Checksum()
        #expect(pieces.value == 0)
        for piece in ["1234", "", "56789"] { pieces.append(unsafe Array(piece.utf8).span.bytes) }
        #expect(pieces == whole)
    }
}
