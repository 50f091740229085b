import FileService
import Glibc
import Testing

@Suite struct ServedDirectoryTests {
    private let outside = TemporaryDirectory()
    private let inside = TemporaryDirectory()

    init() {
        outside.write([1], to: "secret")
        inside.write([2, 3], to: "file")
        inside.makeDirectory("sub")
        inside.write([4, 5, 6], to: "sub/file")
        inside.link("link", to: outside.path + "/secret")
        inside.link("way", to: outside.path)
        inside.link("sub/up", to: "..")
        inside.link("harmless", to: "file")
    }

    private func open(_ name: String) throws(FileError) -> UInt64 {
        try ServedDirectory(inside.path).openFile(FileName(name)).byteCount
    }

    private func create(_ name: String) throws(FileError) {
        try ServedDirectory(inside.path).createFile(FileName(name), byteCount: 0).commit()
    }

    @Test func `files are opened at any depth`() throws {
        #expect(try open("file") == 2)
        #expect(try open("sub/file") == 3)
    }

    @Test(arguments: [
        ("", NameFault.length), (String(repeating: "x", count: 901), .length), ("/etc/passwd", .absolute),
        ("/", .absolute), ("..", .component), ("../secret", .component), ("sub/../../secret", .component),
        ("sub/..", .component), ("./file", .component), ("sub//file", .component), ("sub/", .component),
        ("//file", .absolute), (".", .component), ("file\0", .zeroByte), ("sub/\u{301}/../../x", .component),
    ])
    func `a name that could lead out is refused before any file is touched`(_ name: String, _ fault: NameFault) {
        #expect(throws: FileError.badName(name, fault)) { try FileName(name) }
    }

    @Test(arguments: ["link", "harmless", "sub/up"])
    func `a symbolic link is not followed at the end`(_ name: String) {
        #expect(throws: FileError.notRegular(name)) { try open(name) }
        #expect(throws: FileError.notRegular(name)) { try create(name) }
    }

    @Test(arguments: ["way/secret", "sub/up/file", "way/new", "file/x", "absent/x"])
    func `a symbolic link is not followed on the way`(_ name: String) {
        #expect(throws: FileError.noSuchDirectory(name)) { try open(name) }
        #expect(throws: FileError.noSuchDirectory(name)) { try create(name) }
        #expect(outside.names == ["secret"])
    }

    @Test func `only regular files are opened`() {
        _ = unsafe mkfifo(inside.path + "/fifo", 0o600)
        #expect(throws: FileError.notRegular("fifo")) { try open("fifo") }
        #expect(throws: FileError.notRegular("sub")) { try open("sub") }
        #expect(throws: FileError.notRegular("fifo")) { try create("fifo") }
        #expect(throws: FileError.notRegular("sub")) { try create("sub") }
    }

    @Test func `a missing file and a missing directory say so`() {
        #expect(throws: FileError.noSuchFile("absent")) { try open("absent") }
        #expect(throws: FileError.noSuchDirectory(inside.path + "/absent")) {
            _ = try ServedDirectory(inside.path + "/absent")
        }
        #expect(throws: FileError.noSuchDirectory(inside.path + "/file")) {
            _ = try ServedDirectory(inside.path + "/file")
        }
    }

    @Test func `text of a peer cannot command a terminal`() {
        let shown = FileError.noSuchFile("a\u{1B}[2Jb\u{202E}c\n").description
        #expect(shown == "there is no file 'a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}'")
    }
}
