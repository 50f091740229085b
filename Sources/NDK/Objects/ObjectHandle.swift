import CNDK
import LAM

/// The structure by which a program knows an object: header, table, and a reference to what stands behind it.
///
/// The memory of a closed object says so for a good while before it is used for something else, so that a call on it is
/// refused rather than wild.
// Sendable: the header and the table are written before the program has the object; `Provider` is set once before and
// once after that.
@safe
struct ObjectHandle: @unchecked Sendable {
    private let object: UnsafeMutablePointer<ndk_object>

    /// Makes the structure for an object of a kind.
    init(_ kind: NDK_OBJECT_TYPE) {
        unsafe object = Self.quarantine.take()?.object ?? .allocate(capacity: 1)
        unsafe object.initialize(to: ndk_object())
        unsafe object.pointee.Header.Version = Self.version
        unsafe object.pointee.Header.ObjectType = kind
        unsafe object.pointee.Dispatch = ndk_dispatch(kind)
    }

    /// The version of the interface that objects have.
    static let version = NDK_VERSION(Major: UInt16(NDK_VERSION_MAJOR), Minor: UInt16(NDK_VERSION_MINOR))

    /// The structure, as one of the interface's types.
    func pointer<Kind>(as kind: Kind.Type = Kind.self) -> UnsafeMutablePointer<Kind> {
        unsafe UnsafeMutableRawPointer(object).assumingMemoryBound(to: Kind.self)
    }

    // MARK: What stands behind it

    /// Has the structure keep an object.
    func bind(_ provider: ProviderObject) {
        unsafe object.pointee.Provider = Unmanaged.passRetained(provider).toOpaque()
    }

    /// Has calls on the structure be refused from now on.
    func refuseCalls() {
        unsafe object.pointee.Header.ObjectType = NdkObjectTypeUndefined
    }

    /// Ends all that: the structure's memory is used again only after many others.
    func unbind() {
        let provider = unsafe object.pointee.Provider.map { unsafe Unmanaged<ProviderObject>.fromOpaque($0) }
        unsafe object.pointee.Provider = nil
        refuseCalls()
        unsafe provider?.release()
        Self.quarantine.put(self)
    }

    private static let quarantine = Quarantine()

    /// Has `body` use the object behind a structure that a program passes.
    ///
    /// - Throws: ``StatusError`` for no pointer, an object that is closed, or one of another kind.
    @inline(__always)
    static func with<Object: ProviderObject, Value>(
        _ pointer: UnsafeMutableRawPointer?, _ kind: NDK_OBJECT_TYPE,
        _ body: (Object) throws(StatusError) -> Value
    ) throws(StatusError) -> Value {
        let object = try unsafe object(behind: pointer)
        guard unsafe object.pointee.Header.ObjectType == kind, let opaque = unsafe object.pointee.Provider else {
            throw .closed
        }
        // Its kind says what it is.
        let provider = unsafe Unmanaged<Object>.fromOpaque(opaque)
        let outcome = unsafe provider._withUnsafeGuaranteedRef { provider in
            Result { () throws(StatusError) in try body(provider) }
        }
        return try outcome.get()
    }

    /// The object behind a structure, for longer than a moment.
    ///
    /// - Throws: as ``with(_:_:_:)``.
    static func object<Object: ProviderObject>(
        _ pointer: UnsafeMutableRawPointer?, _ kind: NDK_OBJECT_TYPE
    ) throws(StatusError) -> Object {
        try unsafe with(pointer, kind) { (object: Object) in object }
    }

    /// The object behind a structure of whatever kind.
    ///
    /// - Throws: as ``with(_:_:_:)``.
    static func any(_ pointer: UnsafeMutableRawPointer?) throws(StatusError) -> ProviderObject {
        let object = try unsafe object(behind: pointer)
        guard unsafe object.pointee.Header.ObjectType != NdkObjectTypeUndefined,
            let opaque = unsafe object.pointee.Provider
        else { throw .closed }
        return unsafe Unmanaged<ProviderObject>.fromOpaque(opaque).takeUnretainedValue()
    }

    @inline(__always)
    private static func object(
        behind pointer: UnsafeMutableRawPointer?
    ) throws(StatusError) -> UnsafeMutablePointer<ndk_object> {
        guard let pointer = unsafe pointer else { throw StatusError(.invalidParameter, "no object was passed") }
        return unsafe pointer.assumingMemoryBound(to: ndk_object.self)
    }
}

extension StatusError {
    /// Of a call on a structure that stands for nothing, or for something else.
    fileprivate static let closed = StatusError(.invalidDeviceState, "the object is closed, or of another kind")
}

/// Structures of closed objects, in the order of their closing.
private final class Quarantine: Sendable {
    /// How many closed objects are told apart from those that took over their memory.
    private static let length = 4096

    private struct Ring {
        var objects: [ObjectHandle] = []
        /// The oldest one's, once there are as many as there may be.
        var next = 0
        /// One that has been here long enough.
        var released: [ObjectHandle] = []
    }

    private let ring = Monitor(Ring())

    func put(_ object: ObjectHandle) {
        ring.withLock { ring in
            guard ring.objects.count == Self.length else { return ring.objects.append(object) }
            ring.released.append(ring.objects[ring.next])
            ring.objects[ring.next] = object
            ring.next = (ring.next + 1) % Self.length
        }
    }

    /// Takes one out that has been here long enough, if there is any.
    func take() -> ObjectHandle? {
        ring.withLock { $0.released.popLast() }
    }
}
