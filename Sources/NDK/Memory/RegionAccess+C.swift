import CNDK
import LAM

extension RegionAccess {
    /// Of `NDK_MR_FLAG_*`, whose numbers are the library's own.
    ///
    /// - Throws: ``StatusError`` for others, and for a peer that writes where this side may not.
    init(programFlags flags: ULONG) throws(StatusError) {
        self.init(rawValue: flags)
        let all: RegionAccess = [.localWrite, .remoteRead, .remoteWrite, .readSink]
        guard isSubset(of: all), isDisjoint(with: .remoteWriteAlone) || contains(.localWrite) else {
            throw StatusError(.invalidParameter, "0x\(String(flags, radix: 16)) is no combination of NDK_MR_FLAG_*")
        }
    }

    /// Of the rights among `NDK_OP_FLAG_*`, which a fast registration has.
    ///
    /// - Throws: ``StatusError`` for a peer that writes where this side may not.
    init(operationFlags flags: ULONG) throws(StatusError) {
        self = []
        let flags = CInt(bitPattern: flags)
        if flags & NDK_OP_FLAG_ALLOW_LOCAL_WRITE != 0 { insert(.localWrite) }
        if flags & NDK_OP_FLAG_ALLOW_REMOTE_READ != 0 { insert(.remoteRead) }
        if flags & NDK_OP_FLAG_RDMA_READ_SINK != 0 { insert(.readSink) }
        switch flags & NDK_OP_FLAG_ALLOW_REMOTE_WRITE {
        case NDK_OP_FLAG_ALLOW_REMOTE_WRITE: insert(.remoteWrite)
        case 0, NDK_OP_FLAG_ALLOW_LOCAL_WRITE: break
        default: throw StatusError(.invalidParameter, "a peer that writes needs NDK_OP_FLAG_ALLOW_REMOTE_WRITE")
        }
    }

    private static var remoteWriteAlone: RegionAccess { remoteWrite.subtracting(localWrite) }
}
