import Glibc

extension MappingError: CustomStringConvertible {
    /// What was asked, what stands in the way, and what to do about it.
    public var description: String {
        switch self {
        case .empty:
            "a mapping of no bytes was asked for; ask for at least one"
        case .lengthExceedsDescriptors(let asked, let available):
            "\(asked) bytes were asked for, but the descriptors have \(available); ask for less or describe more memory"
        case .notContiguous(let descriptor, let expected, let found):
            """
            descriptor \(descriptor) begins at \(hexadecimal(found)), but the bytes before it end at \
            \(hexadecimal(expected)); a mapping is one contiguous range, so build one for each piece
            """
        case .addressOverflow(let address, let length):
            "\(length) bytes at \(hexadecimal(address)) run over the end of the address space; check both numbers"
        case .unmapped(let address):
            "no memory is mapped at \(hexadecimal(address)); the whole range must be mapped until it is released"
        case .notReadable(let address):
            "the memory at \(hexadecimal(address)) may not be read; give it PROT_READ with mprotect"
        case .notWritable(let address):
            """
            the memory at \(hexadecimal(address)) may not be written; give it PROT_WRITE with mprotect or \
            map other memory
            """
        case .pinLimit(let report):
            report.description
        case .overBudget(let report):
            report.description
        case .tooManyMappings(let limit):
            "the device holds \(limit) registrations and has no room for another; release mappings that are done"
        case .tooLong(let asked, let limit):
            "\(asked) bytes were asked for, but one mapping has at most \(limit); build several shorter ones"
        case .allocationFailed(let bytes, let errno):
            """
            no memory for a buffer of \(bytes) bytes: \(errnoDescription(errno)); ask for less, or free memory \
            (ulimit -v and the memory limit of the cgroup count, too)
            """
        case .arenaFull(let asked, let pinned, let budget):
            """
            \(asked) bytes were asked of an arena whose \(pinned) pinned bytes are in use, with a budget of \(budget); \
            release mappings, poll the completions of those that are released, or raise ArenaOptions.budgetBytes
            """
        case .closed:
            "the adapter or the arena is closed; open another one"
        case .verbFailed(let verb, let errno):
            "\(verb) failed: \(errnoDescription(errno)); `lam doctor` looks for the cause"
        }
    }
}

/// An `errno` value in words with its number, such as `Bad address (errno 14)`.
func errnoDescription(_ value: CInt) -> String {
    // Thread-safe since glibc 2.32; the text is copied before anything else can run on this thread.
    guard let text = unsafe strerror(value) else { return "errno \(value)" }
    return "\(unsafe String(cString: text)) (errno \(value))"
}
