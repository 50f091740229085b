import Glibc
import TestSupport
import Testing
import Verbs

struct MemoryTests {
    @Test func `A region is what was registered, and is gone once`() throws {
        let fixture = try Fixture()
        let pages = Pages(2)
        let region = try pages.register(in: fixture.domain, at: 0x10_0000)
        let live = try #require(fixture.device.regions.first)
        #expect(live.key == region.localKey)
        #expect(live.deviceAddress == 0x10_0000)
        #expect(live.length == 2 * fakePageSize)
        #expect(live.rights == [.localWrite, .bindWindows])
        #expect(fixture.device.pinnedPageCount == 2)
        region.end()
        #expect(fixture.device.pinnedPageCount == 0)
        #expect(fixture.device.callCount(.deregisterRegion) == 1)
    }

    @Test func `Without remote rights there is no remote key`() throws {
        let fixture = try Fixture()
        let pages = Pages()
        let local = try pages.register(in: fixture.domain)
        let remote = try pages.register(in: fixture.domain, rights: [.remoteRead])
        #expect(local.remoteKey == 0)
        #expect(remote.remoteKey == remote.localKey)
        local.end()
        remote.end()
    }

    @Test(arguments: [EINVAL, EBUSY, EIO])
    func `A refused deregistration gives the region back`(code: CInt) throws {
        let fixture = try Fixture()
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        let key = region.localKey
        fixture.device.inject(code, into: .deregisterRegion)
        switch region.deregister() {
        case .done:
            Issue.record("deregistered against an error")
        case .refused(let region, let error):
            #expect(error == VerbError(.deregisterRegion, code))
            #expect(region.localKey == key)
            #expect(fixture.device.pinnedPageCount == 1)
            region.end()
        }
        #expect(fixture.device.pinnedPageCount == 0)
    }

    @Test(arguments: 1...3)
    func `The n-th registration fails and pins nothing`(n: Int) throws {
        let fixture = try Fixture()
        let pages = Pages()
        fixture.device.inject(ENOMEM, into: .registerRegion, call: n)
        for _ in 1..<n { try pages.register(in: fixture.domain).end() }
        #expect(throws: VerbError(.registerRegion, ENOMEM)) {
            try pages.register(in: fixture.domain).end()
        }
        #expect(fixture.device.pinnedPageCount == 0)
    }

    @Test func `A replaced entry is the one that is called`() throws {
        let device = FakeDevice()
        var verbs = device.verbs
        unsafe verbs.memory.allocateDomain = { _, _ in EPERM }
        let context = try #require(try DeviceList(verbs: verbs).devices.first).open()
        #expect(throws: VerbError(.allocateDomain, EPERM)) { try ProtectionDomain(in: context) }
        #expect(device.callCount(.allocateDomain) == 0)
    }

    @Test func `A window keeps its upper bits, and its low ones run round`() throws {
        let fixture = try Fixture()
        let window = try MemoryWindow(in: fixture.domain)
        let first = window.key
        #expect(window.nextKey == first + 1)
        window.key = first | 0xff
        #expect(window.nextKey == first)
        #expect(fixture.device.windows.map(\.key) == [first])
        window.end()
        #expect(fixture.device.windows == [])
        #expect(fixture.device.violations == [])
    }

    @Test func `A refused deallocation gives the window back`() throws {
        let fixture = try Fixture()
        let window = try MemoryWindow(in: fixture.domain)
        fixture.device.inject(EBUSY, into: .deallocateWindow)
        guard case .refused(let same, let error) = window.deallocate() else {
            Issue.record("deallocated against an error")
            return
        }
        #expect(error == VerbError(.deallocateWindow, EBUSY))
        same.end()
    }

    @Test func `Dropping a registered region traps and names the rule`() async throws {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let fixture = try Fixture()
            _ = try Pages().register(in: fixture.domain)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("MemoryRegion: dropped while registered"))
    }

    @Test func `Dropping an allocated window traps and names the rule`() async throws {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = try MemoryWindow(in: Fixture().domain)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("MemoryWindow: dropped while allocated"))
    }
}
