/// How many values a label of `/metrics` may have. What is more is counted under `other`, so that the page, and what a
/// collector stores of it, stay bounded however many models a configuration has had since the start.
///
/// Names that clients make up never become labels: a request for a model that is not configured counts as `other`.
package enum MetricLabels {
    package static let other = "other"
    /// Names of models that clients ask for.
    package static let maxModels = 200
    /// Pairs of a provider and its name of a model.
    package static let maxRoutes = 100
    /// Whole sets of labels of one family, where they are more than a route.
    package static let maxSets = 1_000
    /// Entries of the configuration that have gauges of their own.
    package static let maxEntries = 500
    /// Kinds of notes that are told apart, for each plugin.
    package static let maxKinds = 64
    /// Plugins whose notes are told apart.
    package static let maxPlugins = 100

    /// The OpenTelemetry conventions' name of a provider, where they have one; else the plugin's.
    static func conventional(_ provider: String) -> String { provider == "vertex" ? "gcp.vertex_ai" : provider }

    /// The conventions' `gen_ai.operation.name` of a client's API.
    package static func operation(ofDialect dialect: String) -> String {
        switch dialect {
        case "openai.completions": "text_completion"
        case "openai.embeddings": "embeddings"
        case "anthropic.count_tokens": "count_tokens"
        default: "chat"
        }
    }
}

extension Dictionary {
    /// `key`, while there is room for it; else `other`.
    func bounded(_ key: Key, other: @autoclosure () -> Key, most: Int) -> Key {
        count < most || self[key] != nil ? key : other()
    }

    /// Adds to a counter, under `other` when there are too many.
    mutating func count(_ key: Key, other: @autoclosure () -> Key, most: Int, by number: Int = 1) where Value == Int {
        self[bounded(key, other: other(), most: most), default: 0] += number
    }
}

/// Which label values there are already, over all families.
package struct LabelBounds: Sendable {
    private var models: Set<String> = []
    private var routes: Set<HostMetrics.RouteKey> = []

    /// The name, as long as there are few.
    mutating func model(_ name: String) -> String {
        if models.contains(name) { return name }
        guard models.count < MetricLabels.maxModels else { return MetricLabels.other }
        models.insert(name)
        return name
    }

    mutating func route(_ key: HostMetrics.RouteKey) -> HostMetrics.RouteKey {
        if routes.contains(key) { return key }
        guard routes.count < MetricLabels.maxRoutes else { return .other }
        routes.insert(key)
        return key
    }
}
