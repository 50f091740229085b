import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite struct DeviceDescriptionTests {
    private func describe(_ device: FakeDevice) throws -> DeviceDescription {
        let devices = try DeviceDescription.all(over: device.verbs)
        #expect(devices.count == 1)
        return try #require(devices.first)
    }

    @Test func `a device is described with its limits, ports and addresses, and is closed again`() throws {
        let device = FakeDevice(name: "rxe7")
        let description = try describe(device)
        #expect(description.name == "rxe7")
        #expect(description.guid == 0x0250_56FF_FE00_0001)
        let details = try description.details.get()
        #expect(details.vendorID == 0xFFFFFF)
        #expect(details.hasWindows)
        #expect(details.limits.registrations == 524_287)
        #expect(details.limits.queueDepth == 1_048_576)
        let port = try #require(details.ports.first)
        #expect(details.ports.count == 1)
        #expect(port.number == 1)
        #expect(port.state == .active)
        #expect(port.linkLayer == .ethernet)
        #expect(port.gigabitsPerSecond == 2.5)
        #expect(port.pathMTU == 1024)
        #expect(port.addresses.map(\.index) == [0, 1])
        #expect(port.addresses.map { "\($0.address)" } == ["fe80::50:56ff:fe00:1", "10.0.0.1"])
        #expect(port.addresses.allSatisfy { $0.technology == .roceV2 })
        #expect(device.callCount(.closeDevice) == 1)
        #expect(device.violations.isEmpty && device.abandoned.isEmpty)
    }

    @Test func `a device that may not be opened is in the list with the reason`() throws {
        let device = FakeDevice()
        device.inject(EACCES, into: .openDevice)
        let description = try describe(device)
        #expect(throws: AdapterError.verbFailed(verb: "ibv_open_device", errno: EACCES)) {
            try description.details.get()
        }
    }

    @Test func `a device that answers no question is closed again`() throws {
        let device = FakeDevice()
        device.inject(EIO, into: .queryPort)
        #expect(throws: AdapterError.self) { try describe(device).details.get() }
        #expect(device.callCount(.closeDevice) == 1)
    }

    @Test func `a kernel without RDMA has no devices`() throws {
        let device = FakeDevice()
        device.inject(ENOSYS, into: .getDeviceList, times: 2)
        #expect(try DeviceDescription.all(over: device.verbs).isEmpty)
        #expect(throws: AdapterError.noDevice) { try Adapter.open(over: device.verbs) }
    }

    @Test func `a list that cannot be had for another reason is an error`() {
        let device = FakeDevice()
        device.inject(ENOMEM, into: .getDeviceList)
        #expect(throws: AdapterError.verbFailed(verb: "ibv_get_device_list", errno: ENOMEM)) {
            try DeviceDescription.all(over: device.verbs)
        }
    }
}
