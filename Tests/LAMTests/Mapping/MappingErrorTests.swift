import LAM
import Testing

@Suite("The text of a mapping error")
struct MappingErrorTests {
    @Test(
        "says what was asked, what stands in the way and what to do",
        arguments: [
            (MappingError.empty, ["no bytes", "at least one"]),
            (.lengthExceedsDescriptors(asked: 151, available: 150), ["151 bytes", "have 150", "ask for less"]),
            (
                .notContiguous(descriptor: 2, expectedAddress: 0x1064, foundAddress: 0x9000),
                ["descriptor 2", "0x9000", "0x1064", "one for each piece"]
            ),
            (.addressOverflow(address: 0xFFF0, length: 77), ["77 bytes at 0xfff0", "end of the address space"]),
            (.unmapped(address: 0x7F00), ["no memory is mapped at 0x7f00"]),
            (.notReadable(address: 0x7F00), ["0x7f00 may not be read", "PROT_READ"]),
            (.notWritable(address: 0x7F00), ["0x7f00 may not be written", "PROT_WRITE", "other memory"]),
            (.tooManyMappings(limit: 524_287), ["524287", "release mappings"]),
            (.tooLong(asked: 10, limit: 9), ["10 bytes", "at most 9", "several shorter ones"]),
            (.allocationFailed(bytes: 4_097, errno: 12), ["4097 bytes", "Cannot allocate memory (errno 12)"]),
            (.verbFailed(verb: "ibv_reg_mr_iova2", errno: 14), ["ibv_reg_mr_iova2", "Bad address (errno 14)"]),
        ])
    func text(error: MappingError, parts: [String]) {
        for part in parts {
            #expect(error.description.contains(part), "\(error)")
        }
    }

    @Test("is one line, so that it can be logged")
    func oneLine() {
        let report = PinLimitReport(askedBytes: 1, pinnedBytes: nil, limit: .unknown, isForbidden: false)
        let errors: [MappingError] = [
            .empty, .notContiguous(descriptor: 0, expectedAddress: 0, foundAddress: 1), .notWritable(address: 0),
            .pinLimit(report), .allocationFailed(bytes: 1, errno: 12),
        ]
        for error in errors {
            #expect(!error.description.contains("\n"), "\(error)")
        }
    }
}
