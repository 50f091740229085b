import TestSupport
import Testing

/// Everything that needs a device, one test at a time: the suites are nested in extensions of this one.
///
/// A test here fails where there is no device. `Scripts/rxe exec -- COMMAND` runs a command where there is one. The
/// device's name comes from LAM_DEVICE; without it, the first active one is taken.
@Suite("On a device", .serialized, .leavesNothingBehind)
enum OnDevice {}
