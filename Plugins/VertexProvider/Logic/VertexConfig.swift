internal import PluginABI
internal import PluginKit
internal import WireJSON

/// An instance's configuration.
struct VertexConfig: Sendable {
    /// How schemas of functions and of answers are sent.
    enum SchemaForm: String, Sendable { case openapi, json }

    let project: String
    /// Where models other than Google's are.
    let location: String
    /// Where Google's are.
    let geminiLocation: String
    let chatOrigin: String?
    let geminiOrigin: String?
    let api: ModelName.API?
    /// `v1` or `v1beta1`, for generateContent.
    let apiVersion: String
    let schemaForm: SchemaForm
    let quotaProject: String?
    let credentials: Credentials
    /// JSON texts that go into each request for Gemini as they are.
    let safetySettings: [UInt8]?
    let labels: [UInt8]?
    let thinking: [UInt8]?
    let extraBody: [UInt8]?

    init(_ root: JSONValue) throws(PluginFailure) {
        func text(_ key: String) -> String? { root.member(key)?.string.flatMap { $0.isEmpty ? nil : $0 } }
        func json(_ key: String) -> [UInt8]? {
            root.member(key).flatMap { ($0.isObject || $0.isArray) && $0.elementCount > 0 ? $0.json : nil }
        }
        credentials = try Credentials(root)
        guard let project = text("projectId") ?? credentials.projectID else {
            throw .config(
                "projectId is missing: set it in provider_config, or the variable VERTEX_PROJECT_ID; the credentials "
                    + "name no project_id either.")
        }
        self.project = project
        location = text("location") ?? "global"
        geminiLocation = text("geminiLocation") ?? "global"
        try VertexHost.check(project, "projectId")
        try VertexHost.check(location, "location")
        try VertexHost.check(geminiLocation, "geminiLocation")
        chatOrigin = try text("endpointOverride").map { text throws(PluginFailure) in
            try VertexHost.origin(text, "endpointOverride")
        }
        geminiOrigin = try text("geminiEndpoint").map { text throws(PluginFailure) in
            try VertexHost.origin(text, "geminiEndpoint")
        }
        api = text("api").flatMap(ModelName.API.init(rawValue:))
        apiVersion = text("apiVersion") ?? "v1"
        schemaForm = text("schemaForm").flatMap(SchemaForm.init(rawValue:)) ?? .openapi
        quotaProject = text("quotaProject") ?? credentials.quotaProject
        safetySettings = json("safetySettings")
        labels = json("labels")
        thinking = json("thinkingConfig")
        extraBody = json("extraBody")
    }

    /// The address of the chat endpoint without `/chat/completions`.
    var chatBase: String {
        let origin = chatOrigin ?? VertexHost.base(location: location)
        return "\(origin)/v1/projects/\(project)/locations/\(location)/endpoints/openapi"
    }

    /// The address of a model's method.
    func geminiURL(_ model: ModelName, stream: Bool) -> String {
        let place = model.location ?? (model.isGoogle ? geminiLocation : location)
        let origin = geminiOrigin ?? VertexHost.base(location: place)
        let method = stream ? "streamGenerateContent?alt=sse" : "generateContent"
        return "\(origin)/\(apiVersion)/\(model.resource(project: project, location: place)):\(method)"
    }
}
