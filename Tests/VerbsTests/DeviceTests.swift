import Glibc
import TestSupport
import Testing
import Verbs

struct DeviceTests {
    @Test func `A device says what it is before it is opened`() throws {
        let list = try DeviceList(verbs: FakeDevice(name: "fake7").verbs)
        let device = try #require(list.devices.first)
        #expect(list.devices.count == 1)
        #expect(device.name == "fake7")
        #expect(device.nodeName == "uverbs0")
        #expect(device.sysfsPath == "/sys/class/infiniband/fake7")
        #expect(device.guid == 0x0250_56ff_fe00_0001)
        #expect(device.nodeType == .channelAdapter)
        #expect(device.transport == .infiniBand)
    }

    @Test func `A list of a kernel without RDMA is an error, not a crash`() {
        var verbs = FakeDevice().verbs
        unsafe verbs.devices.getList = { _, _ in ENOSYS }
        #expect(throws: VerbError(.getDeviceList, ENOSYS)) { try DeviceList(verbs: verbs) }
    }

    @Test func `The machine's own devices are listed, or it is said why not`() {
        do throws(VerbError) {
            for device in try DeviceList().devices { #expect(!device.name.isEmpty) }
        } catch {
            #expect(error == VerbError(.getDeviceList, ENOSYS))
        }
    }

    @Test func `An open device tells its limits, its port and its addresses`() throws {
        let context = try FakeDevice().open()
        let attributes = try context.attributes()
        #expect(attributes.maxElements == 32)
        #expect(attributes.maxCompletions == 32767)
        #expect(attributes.capabilities.contains([.memoryManagement, .windowType2B]))
        let port = try context.port(1)
        #expect(port.state == .active)
        #expect(port.linkLayer == .ethernet)
        #expect(port.activePathMTU.bytes == 1024)
        #expect(port.maxMessageBytes == 8 << 20)
        let addresses = try context.addresses()
        #expect(addresses.map(\.index) == [0, 1])
        #expect(addresses.map(\.kind) == [.roceV2, .roceV2])
        #expect(addresses[1].identifier.interface == 0xffff_0a00_0001)
        #expect(throws: VerbError(.queryPort, EINVAL)) { try context.port(2) }
    }

    @Test(arguments: [Verb.queryDevice, .queryPort, .queryAddresses])
    func `A failed query keeps its verb and its code`(verb: Verb) throws {
        let device = FakeDevice()
        let context = try device.open()
        device.inject(EIO, into: verb)
        #expect(throws: VerbError(verb, EIO)) { try context.addresses() }
    }

    @Test func `The barrier of the process is there or says why not`() {
        do throws(VerbError) {
            try Membarrier().issue()
        } catch {
            #expect(error.verb == .membarrier)
            #expect(error.code == ENOSYS || error.code == EINVAL)
        }
    }
}
