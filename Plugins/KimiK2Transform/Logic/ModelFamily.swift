/// The generations of the model that write differently.
package enum ModelFamily: String, Sendable, CaseIterable {
    /// K2-Instruct: never thinks.
    case k2
    /// K2-Thinking: opens its thought itself, unless the server's template did.
    case k2Thinking = "k2-thinking"
    /// K2.5 to K2.7: the template opens the thought.
    case k25 = "k2.5"
    /// K3: XTML, always thinks.
    case k3

    /// The family that an upstream's model name tells of; nil if it does not.
    package init?(modelName: some StringProtocol) {
        let name = modelName.lowercased()
        if name.contains("thinking") {
            self = .k2Thinking
        } else if ["k2.5", "k2.6", "k2.7", "k2-5", "k2-6", "k2-7", "k2p5", "k2p6", "k2p7"].contains(
            where: name.contains)
        {
            self = .k25
        } else if name.contains("k3") {
            self = .k3
        } else if name.contains("k2"), ["instruct", "0711", "0905", "turbo"].contains(where: name.contains) {
            self = .k2
        } else {
            return nil
        }
    }

    /// Does it think at all?
    var thinks: Bool { self != .k2 }
}
