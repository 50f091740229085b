/// What this machine and this process allow to pin: a snapshot.
public struct HostLimits: Hashable, Sendable {
}
