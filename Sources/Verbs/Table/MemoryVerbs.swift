package import CRDMA

/// The entries for memory.
@safe
package struct MemoryVerbs: Sendable {
    /// `ibv_alloc_pd`.
    package var allocateDomain:
        @Sendable (
            UnsafeMutablePointer<ibv_context>,
            _ domain: UnsafeMutablePointer<UnsafeMutablePointer<ibv_pd>?>
        ) -> CInt
    /// `ibv_dealloc_pd`.
    package var deallocateDomain: @Sendable (UnsafeMutablePointer<ibv_pd>) -> CInt
    /// `ibv_reg_mr_iova2`: base, length in bytes, the device's address of the first byte, access
    /// bits.
    package var registerRegion:
        @Sendable (
            UnsafeMutablePointer<ibv_pd>, _ base: UnsafeMutableRawPointer?, _ length: Int,
            _ deviceAddress: UInt64, _ access: CUnsignedInt,
            _ region: UnsafeMutablePointer<UnsafeMutablePointer<ibv_mr>?>
        ) -> CInt
    /// `ibv_dereg_mr`.
    package var deregisterRegion: @Sendable (UnsafeMutablePointer<ibv_mr>) -> CInt
    /// `ibv_alloc_mw`.
    package var allocateWindow:
        @Sendable (
            UnsafeMutablePointer<ibv_pd>, ibv_mw_type,
            _ window: UnsafeMutablePointer<UnsafeMutablePointer<ibv_mw>?>
        ) -> CInt
    /// `ibv_dealloc_mw`.
    package var deallocateWindow: @Sendable (UnsafeMutablePointer<ibv_mw>) -> CInt

    /// The calls of libibverbs.
    package static let system = unsafe MemoryVerbs(
        allocateDomain: crdma_alloc_pd,
        deallocateDomain: { unsafe ibv_dealloc_pd($0) },
        registerRegion: crdma_reg_mr_iova2,
        deregisterRegion: { unsafe ibv_dereg_mr($0) },
        allocateWindow: crdma_alloc_mw,
        deallocateWindow: { unsafe ibv_dealloc_mw($0) })
}
