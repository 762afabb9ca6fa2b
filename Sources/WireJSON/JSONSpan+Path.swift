extension JSONSpan {
    /// How a value inside this one is reached, such as `messages[2].content`; empty for the value itself.
    ///
    /// For error messages: it walks down from here, in time linear in the members on the way. Long names are cut.
    public func path(to value: JSONSpan) -> String {
        var place = self
        var path = ""
        while place.index != value.index, let step = place.step(toward: value) {
            path += step.text(isFirst: path.isEmpty)
            place = step.child
        }
        return path
    }

    private func step(toward value: JSONSpan) -> PathStep? {
        for (number, child) in elements.enumerated() where child.contains(value) {
            return PathStep(child: child, name: nil, number: number)
        }
        for (key, child) in members where child.contains(value) {
            return PathStep(child: child, name: key.string, number: 0)
        }
        return nil
    }

    private func contains(_ value: JSONSpan) -> Bool {
        index <= value.index && value.index < Int(node.next)
    }
}

private struct PathStep {
    let child: JSONSpan
    let name: String?
    let number: Int

    /// Longer names are cut in messages.
    private static let maxName = 64

    func text(isFirst: Bool) -> String {
        guard let name else { return "[\(number)]" }
        let short = name.count > Self.maxName ? name.prefix(Self.maxName) + "…" : name[...]
        return isFirst ? String(short) : ".\(short)"
    }
}
