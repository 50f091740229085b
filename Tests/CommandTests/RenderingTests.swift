import LAMCommand
import Logging
import Testing

@Suite struct RenderingTests {
    @Test(
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (4097, "4097 bytes"), (9999, "9999 bytes"), (10_240, "10.0 KiB"),
            (1_048_575, "1.0 MiB"), (16 << 20, "16.0 MiB"), (1 << 40, "1.0 TiB"), (.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func `bytes are exact where they are few, and short where they are many`(_ count: UInt64, _ text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test(
        arguments: [
            (.nanoseconds(50), "0.1 µs"), (.microseconds(3200), "3.2 ms"), (.milliseconds(12_500), "12.5 s"),
            (.seconds(125), "2:05"), (.seconds(3725), "1:02:05"),
        ] as [(Duration, String)])
    func `a duration has the unit that suits it`(_ duration: Duration, _ text: String) {
        #expect(Quantity.time(duration) == text)
    }

    @Test func `a rate needs time`() {
        #expect(Quantity.rate(30 << 20, in: .seconds(2)) == "15.0 MiB/s")
        #expect(Quantity.rate(1, in: .zero) == "-")
    }

    private func line(_ done: UInt64, of total: UInt64, after seconds: Double = 2) -> ProgressLine {
        ProgressLine(name: "image.raw", doneBytes: done, totalBytes: total, elapsed: .seconds(seconds))
    }

    @Test func `progress shows share, amount, rate and what is left`() {
        #expect(
            line(8 << 20, of: 32 << 20).text(width: 79)
                == "image.raw [=======>                     ]  25%  8.0 MiB  4.0 MiB/s  0:06 left")
        #expect(line(0, of: 100).text(width: 79).hasSuffix("  0%  0 bytes  0 bytes/s  -:-- left"))
        #expect(line(100, of: 100).text(width: 79).hasSuffix("=] 100%  100 bytes  50 bytes/s  done"))
        #expect(line(0, of: 0, after: 0).text(width: 79).hasSuffix("=] 100%  0 bytes  -  done"))
    }

    @Test(arguments: 0...200)
    func `progress never exceeds the line`(_ width: Int) {
        let name = String(repeating: "directory/", count: 20) + "file"
        for (done, total) in [(0, 0), (0, 1), (1, 3), (.max - 1, .max), (.max, .max)] as [(UInt64, UInt64)] {
            let line = ProgressLine(name: name, doneBytes: done, totalBytes: total, elapsed: .milliseconds(1))
            #expect(line.text(width: width).count <= width)
        }
    }

    @Test func `the end of a long name is kept`() {
        let line = ProgressLine(
            name: "a/very/long/way/to/the/file.raw", doneBytes: 1, totalBytes: 2, elapsed: .seconds(1))
        #expect(line.text(width: 60).contains("ile.raw ["))
        #expect(line.text(width: 60).hasPrefix("…"))
    }

    @Test func `a log line has its level and its facts in order`() {
        #expect(TerminalLogHandler.line(.debug, "adapter closed", [:]) == "lam: debug: adapter closed")
        let line = TerminalLogHandler.line(.warning, "refused", ["lam.verb": "ibv_dereg_mr", "lam.errno": "EBUSY"])
        #expect(line == "lam: warning: refused (lam.errno EBUSY, lam.verb ibv_dereg_mr)")
    }

    @Test func `columns are as wide as their widest cell`() {
        var table = TextTable(headings: ["A", "LONG"])
        table.add(["wide", "x"])
        table.add(["", "", "third"])
        #expect(table.lines == ["A     LONG", "wide  x", "            third"])
    }
}
