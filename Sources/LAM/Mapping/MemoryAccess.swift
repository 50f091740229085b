import Verbs

/// What an adapter may do with the memory of a mapping. A peer may do nothing; see ``MemoryWindow``.
public enum MemoryAccess: Hashable, Sendable {
    /// Read and write: the memory can be source and sink of every request. It must be writable (`PROT_WRITE`).
    case readWrite
    /// Read: the memory can be the source of sends and writes, and need not be writable.
    ///
    /// No window can be bound over it: Linux takes the right to bind windows for a right to write. It also refuses
    /// memory that is shared with a file and may not be written.
    case readOnly

    var rights: AccessRights {
        switch self {
        case .readWrite: [.localWrite, .bindWindows]
        case .readOnly: []
        }
    }
}
