import ArgumentParser

@main
struct LAMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "lam")
}
