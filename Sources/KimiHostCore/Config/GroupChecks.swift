import JSONSchema

/// What can only be seen by looking at all entries of one name and profile together.
enum GroupChecks {
    private struct Key: Hashable {
        var name: String
        var profile: String?
    }

    static func check(_ routes: [RouteConfig], marks: [Mark?], log: inout DiagnosticLog) {
        let groups = Dictionary(grouping: routes.filter { !$0.modelName.isEmpty }) {
            Key(name: $0.modelName, profile: $0.profile)
        }
        for (key, group) in groups {
            guard let first = group.first else { continue }
            if group.allSatisfy({ $0.weight == 0 }) {
                let scope = key.profile.map { " in profile '\($0)'" } ?? ""
                let cure = "give one a weight above 0, or remove them"
                let message = "every entry of '\(key.name)'\(scope) has weight 0, so none is left; \(cure)"
                log.error(at: marks[first.index], first.path + ".weight", message)
            }
            let deciding = group.first { $0.strategy != nil }
            for route in group where route.strategy != nil && route.strategy != deciding?.strategy {
                let message = "ignored: \(deciding?.path ?? "") already sets the strategy of '\(key.name)'; remove one"
                log.warning(at: marks[route.index], route.path + ".strategy", message)
            }
        }
    }
}
