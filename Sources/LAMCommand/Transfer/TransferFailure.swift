import FileService
import LAM

/// Why a transfer ended before its time, where no error of a library says it.
enum TransferFailure: Error {
    /// The other end gave up and said why.
    case peer(String)
    /// A request failed, and with it the connection.
    case request(LAM.Operation, CompletionStatus)
    /// The other end has disconnected, or its process is gone.
    case disconnected
    /// Nothing has happened for too long.
    case silence(Duration)
    /// A message that makes no sense where it came.
    case unexpected(Message)
    /// More was asked than was answered.
    case flood
    /// The file has not the checksum that it had at the other end.
    case checksum(expected: UInt32, found: UInt32)
    /// So little may be pinned that no chunk fits.
    case pinLimit(PinLimitReport)
    /// Nobody listens at the address.
    case noServer(SocketAddress)
    /// The server refused the connection.
    case refused(SocketAddress, String)
}

extension TransferFailure: CustomStringConvertible {
    /// What happened, for people.
    var description: String {
        switch self {
        case .peer(let reason): "the other end ended the transfer: \(printable(reason))"
        case .request(let operation, let status):
            "the \(operation) failed (\(status)); the other end is dead, cut off, or does not allow it"
        case .disconnected: "the other end has disconnected before the transfer was complete; was it killed?"
        case .silence(let duration): "the other end has said nothing for \(Quantity.time(duration)); is it stopped?"
        case .unexpected(let message): "the other end sent what makes no sense here: \(printable("\(message)"))"
        case .flood: "the other end asks without taking the answers"
        case .checksum(let expected, let found):
            "the file arrived damaged: checksum \(hexadecimal(found)), at the other end \(hexadecimal(expected)); try again"
        case .pinLimit(let report): report.description
        case .noServer(let address): "no one serves at \(address); start `lam serve` there, or is it another port?"
        case .refused(let address, let reason): "the server at \(address) refuses: \(printable(reason))"
        }
    }
}

/// A checksum as other programs show it: eight hexadecimal digits.
func hexadecimal(_ checksum: UInt32) -> String {
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
