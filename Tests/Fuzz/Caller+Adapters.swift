import CNDK
import Glibc
import NDK
import TestSupport
import TrackingModel

/// `ndk.h`, and what is asked of an adapter.
extension Caller {
    func openAdapter(_ entry: EntryPoint) {
        // Nobody can close it from within a callback.
        guard !isInside, !isFull(.adapter) else { return }
        let options = Cell(
            NDK_OPEN_OPTIONS(
                Size: rarely() ? 8 : MemoryLayout<NDK_OPEN_OPTIONS>.size,
                Version: NDK_VERSION(Major: rarely() ? 1 : 2, Minor: UInt16(random.below(rarely() ? 9 : 2))),
                Callbacks: NDK_CALLBACKS(UInt32(random.below(rarely() ? 4 : 2))),
                PinBudget: random.chance(20) ? UInt64(random.below(1 << 20)) : 0))
        let hasOptions = random.chance(80)
        let room = unsafe Cell<UnsafeMutablePointer<NDK_ADAPTER>?>(nil)
        let isNull = rarely(50)
        let status = call(entry) {
            let options = unsafe hasOptions ? UnsafePointer(options.pointer) : nil
            let result = unsafe isNull ? nil : room.pointer
            switch entry {
            case .openAdapterByAddress:
                let address = Address.local(&random)
                return unsafe NdkOpenAdapterByAddress(address.pointer, address.length, options, result)
            case .openAdapterByInterfaceIndex:
                return unsafe NdkOpenAdapterByInterfaceIndex(
                    rarely(5) ? ULONG(random.below(9)) : if_nametoindex("lo"), options, result)
            default:
                let name = rarely(5) ? "no such device" : "fake0"
                return unsafe random.chance(50)
                    ? NdkOpenAdapter(name, options, result) : NdkOpenAdapter(nil, options, result)
            }
        }
        guard status == STATUS_SUCCESS else { return }
        let adapter = Object(.adapter, at: unsafe UInt(bitPattern: room.value), of: nil)
        let descriptor = unsafe NdkGetCallbackDescriptor(UnsafeMutablePointer(bitPattern: adapter.address))
        if descriptor >= 0, random.chance(50) { adapter.loop = CallbackLoop(adapter.address, descriptor) }
        program.withLock { $0.add(adapter) }
    }

    /// Closes what is no adapter, or an adapter from within a callback, which would wait for itself.
    func closeWrongAdapter() {
        // A callback is one of the only adapter's.
        let adapters = program.withLock { $0.objects[.adapter] ?? [] }
        let isOwn = isInside && adapters.count == 1 && random.chance(50)
        let choice = isOwn ? Choice(adapters[0], isRight: false) : wrong(.adapter)
        call(.closeAdapter, [choice]) { unsafe NdkCloseAdapter(choice.pointer()) }
    }

    /// What is closed, or of another kind.
    private func wrong(_ kind: Kind) -> Choice {
        guard random.chance(50) else { return stale() }
        let others = Kind.allCases.filter { $0 != kind }
        return claim(random.pick(others)!).map { Choice($0, isRight: false) } ?? Choice(address: 0)
    }

    func runCallbacks(_ entry: EntryPoint) {
        let choice = choose(.adapter)
        // One thread at a time.
        let isOthers = choice.object?.loop != nil
        if entry == .getCallbackDescriptor || isOthers {
            ask(.getCallbackDescriptor, [choice]) { unsafe NdkGetCallbackDescriptor(choice.pointer()) }
        } else {
            ask(.dispatchCallbacks, [choice]) { unsafe NdkDispatchCallbacks(choice.pointer()) }
        }
    }

    func getStatistics() {
        let choice = choose(.adapter)
        let statistics = Cell(NDK_ADAPTER_STATISTICS())
        unsafe statistics.pointer.pointee.Size = rarely() ? random.below(64) : MemoryLayout<NDK_ADAPTER_STATISTICS>.size
        call(.getAdapterStatistics, [choice]) {
            unsafe NdkGetAdapterStatistics(choice.pointer(), rarely() ? nil : statistics.pointer)
        }
    }

    func queryAdapterInfo() {
        let choice = choose(.adapter)
        let size = rarely(5) ? random.below(MemoryLayout<NDK_ADAPTER_INFO>.size) : MemoryLayout<NDK_ADAPTER_INFO>.size
        let room = Buffer(size)
        call(.queryAdapterInfo, [choice]) {
            unsafe Tables.adapter.NdkQueryAdapterInfo(
                choice.pointer(), rarely() ? nil : room.start.assumingMemoryBound(to: NDK_ADAPTER_INFO.self),
                rarely() ? nil : room.size)
        }
    }

    func askForText(_ entry: EntryPoint) {
        let length = ask(entry, []) {
            unsafe strlen(
                entry == .statusName ? NdkStatusName(NTSTATUS(truncatingIfNeeded: random.next())) : NdkErrorMessage())
        }
        program.withLock { $0.require(entry == .errorMessage || length > 0, "a status has no name") }
    }
}

/// A value for the interface to read or write.
@safe
final class Cell<Value> {
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    init(_ value: Value) { unsafe pointer.initialize(to: value) }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    var value: Value { unsafe pointer.pointee }
}

/// Bytes of exactly the size that the interface is told.
@safe
final class Buffer {
    let start: UnsafeMutableRawPointer
    let size = UnsafeMutablePointer<ULONG>.allocate(capacity: 1)

    init(_ count: Int) {
        unsafe start = .allocate(byteCount: count, alignment: 8)
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        unsafe size.initialize(to: ULONG(count))
    }

    deinit {
        unsafe start.deallocate()
        unsafe size.deallocate()
    }
}

/// A socket address of exactly the length that the interface is told.
@safe
struct Address {
    private let buffer: Buffer
    let isNull: Bool
    let length: ULONG

    /// One that the adapter has, mostly.
    static func local(_ random: inout RandomSource) -> Address {
        Address(
            random.chance(90) ? 0x0A00_0001 : 0x0A09_0909, port: random.chance(70) ? 0 : 7000 + random.below(16),
            &random)
    }

    /// One of somebody else.
    static func remote(_ random: inout RandomSource) -> Address {
        Address(0x0A4D_0001, port: 7000 + random.below(16), &random)
    }

    private init(_ address: UInt32, port: Int, _ random: inout RandomSource) {
        let isGood = random.chance(92)
        isNull = !isGood && random.chance(20)
        let lengths = [0, 1, 2, 3, 8, 28, 128]
        let count = isGood ? MemoryLayout<sockaddr_in>.size : lengths[random.below(lengths.count)]
        buffer = Buffer(max(count, MemoryLayout<sockaddr_in>.size))
        length = ULONG(count)
        let families = [AF_INET, AF_INET6, AF_UNIX, 77]
        let raw = unsafe buffer.start.assumingMemoryBound(to: sockaddr_in.self)
        unsafe raw.pointee.sin_family = sa_family_t(isGood ? AF_INET : families[random.below(families.count)])
        unsafe raw.pointee.sin_port = UInt16(port).bigEndian
        unsafe raw.pointee.sin_addr.s_addr = address.bigEndian
    }

    var pointer: UnsafeMutablePointer<sockaddr>? {
        unsafe isNull ? nil : buffer.start.assumingMemoryBound(to: sockaddr.self)
    }
}

/// A thread that runs the callbacks of an adapter.
final class CallbackLoop: Sendable {
    private let isOver = SharedValue(false)
    private let thread: TestThread

    init(_ adapter: UInt, _ descriptor: CInt) {
        thread = TestThread { [isOver] in
            while !isOver.value {
                var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                unsafe poll(&polled, 1, 1)
                _ = unsafe NdkDispatchCallbacks(UnsafeMutablePointer(bitPattern: adapter))
            }
        }
    }

    /// Nobody dispatches any more when this has returned.
    func end() {
        isOver.value = true
        thread.join()
    }
}
