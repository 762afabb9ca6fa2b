/// The version that `--version` prints.
enum HostVersion {
    static let text = "0.1.0"
}
