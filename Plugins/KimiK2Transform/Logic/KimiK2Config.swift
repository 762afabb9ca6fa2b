import WireJSON

/// The plugin's configuration, as its manifest's schema describes it.
package struct KimiK2Config: Sendable {
    /// nil: by the upstream's model name.
    package var family: ModelFamily?
    /// nil: by family, request and what arrives.
    package var startsInThinking: Bool?
    /// nil: by family.
    package var maxHeldThinkingBytes: Int?
    package var ids: IDStyle
    package var repairs: RepairSet
    package var history: HistoryOptions

    package init(
        family: ModelFamily? = nil, startsInThinking: Bool? = nil, maxHeldThinkingBytes: Int? = nil,
        ids: IDStyle = .short, repairs: RepairSet = .all, history: HistoryOptions = HistoryOptions()
    ) {
        self.family = family
        self.startsInThinking = startsInThinking
        self.maxHeldThinkingBytes = maxHeldThinkingBytes
        self.ids = ids
        self.repairs = repairs
        self.history = history
    }

    /// Reads the configuration, which the host has checked against the schema; nil if it is not JSON.
    package init?(json: [UInt8]) {
        guard !json.isEmpty else {
            self.init()
            return
        }
        let read = withJSON(json) { root in
            KimiK2Config(
                family: root["family"]?.string.flatMap(ModelFamily.init(rawValue:)),
                startsInThinking: root["startsInThinking"]?.bool,
                maxHeldThinkingBytes: root["maxHeldThinkingBytes"]?.int.map { Int($0) },
                ids: root["ids"]?.string.flatMap(IDStyle.init(rawValue:)) ?? .short,
                repairs: Self.repairs(root["repairs"]), history: HistoryOptions(root))
        }
        guard let read else { return nil }
        self = read
    }

    private static func repairs(_ value: JSONValue?) -> RepairSet {
        var set = RepairSet.all
        for repair in Repair.allCases where value?.member(repair.word)?.bool == false { set.remove(repair) }
        return set
    }

    /// How the answer of the model called `modelName` is to be read. `asksForThought`: what the request says about
    /// thinking, nil if it says nothing.
    package func options(modelName: some StringProtocol, asksForThought: Bool?) -> NormaliserOptions {
        let family = family ?? ModelFamily(modelName: modelName)
        var starts = NormaliserOptions.StartsInThinking.unknown
        if let startsInThinking {
            starts = startsInThinking ? .yes : .no
        } else if asksForThought == false || family == .k2 {
            starts = .no
        }
        var options = NormaliserOptions(
            startsInThinking: starts, isThinker: family?.thinks ?? false, maxHeldThinkingBytes: maxHeldThinkingBytes)
        options.family = family
        options.ids = ids
        options.repairs = repairs
        return options
    }
}
