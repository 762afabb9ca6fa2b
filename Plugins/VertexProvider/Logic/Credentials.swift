internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Where access tokens come from. Keys are references to what the host holds.
indirect enum Credentials: Sendable {
    /// A token from the configuration, sent as it is.
    case accessToken(String)
    case serviceAccount(ServiceAccount)
    case authorizedUser(AuthorizedUser)
    /// Another account's tokens, asked for with the tokens of `source`.
    case impersonated(source: Credentials, Impersonation, quotaProject: String?)
    case external(ExternalAccount)
    /// The metadata server of the machine or pod that the host runs on.
    case metadata(origin: String)

    /// An account with a private key.
    struct ServiceAccount: Sendable {
        let email: String
        /// The host's reference to the key.
        let key: String
        let keyID: String?
        let tokenURL: String
        let projectID: String?
        let quotaProject: String?
    }

    /// A person, by refresh token.
    struct AuthorizedUser: Sendable {
        let clientID: String
        let clientSecret: String
        let refreshToken: String
        let tokenURL: String
        let quotaProject: String?
    }

    /// The account that the tokens are to be for.
    struct Impersonation: Sendable {
        let url: String
        let delegates: [String]
        let seconds: Int64
    }

    static let tokenURL = "https://oauth2.googleapis.com/token"

    /// From the whole configuration: an access token, a credentials file, or the metadata server.
    init(_ config: JSONValue) throws(PluginFailure) {
        if let token = config["accessToken"]?.string, !token.isEmpty {
            guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .config("accessToken has white space or other characters that no token has.")
            }
            self = .accessToken(token)
        } else if let file = [config["credentialsPath"], config["credentials"]].lazy.compactMap({ $0 }).first(where: {
            $0.isObject
        }) {
            self = try Self.read(CredentialsFile(file))
        } else if config["credentials"]?.isNull == false || config["credentialsPath"]?.isNull == false {
            throw .config(
                "credentials (GOOGLE_APPLICATION_CREDENTIALS) is no JSON object; give the path of a credentials file, "
                    + "or its JSON.")
        } else {
            let host = config["metadataHost"]?.string ?? "metadata.google.internal"
            self = .metadata(origin: try Self.metadataOrigin(host))
        }
    }

    /// The project that the credentials belong to.
    var projectID: String? {
        if case .serviceAccount(let account) = self { account.projectID } else { nil }
    }

    /// The project that pays, if the credentials say so.
    var quotaProject: String? {
        switch self {
        case .serviceAccount(let account): account.quotaProject
        case .authorizedUser(let user): user.quotaProject
        case .external(let account): account.quotaProject
        case .impersonated(_, _, let project): project
        case .accessToken, .metadata: nil
        }
    }

    /// Names the token for the host's cache: whose it is, not a secret.
    var key: String {
        switch self {
        case .accessToken: "accessToken"
        case .serviceAccount(let account): "service_account \(account.email) \(account.keyID ?? "")"
        case .authorizedUser(let user): "authorized_user \(user.clientID)"
        case .impersonated(let source, let target, _): "\(source.key) as \(target.url)"
        case .external(let account): "external_account \(account.audience)"
        case .metadata(let origin): "metadata \(origin)"
        }
    }

    /// `GCE_METADATA_HOST` is a host with or without port; it speaks plain HTTP.
    private static func metadataOrigin(_ host: String) throws(PluginFailure) -> String {
        let text = host.lowercased().hasPrefix("http") ? host : "http://" + host
        return try VertexHost.origin(text, "metadataHost (GCE_METADATA_HOST)")
    }

    static func read(_ file: CredentialsFile) throws(PluginFailure) -> Credentials {
        let type = try file.required("type")
        switch type {
        case "service_account": return .serviceAccount(try serviceAccount(file))
        case "authorized_user": return .authorizedUser(try authorizedUser(file))
        case "impersonated_service_account":
            guard let source = file.object("source_credentials") else { throw file.lacks("source_credentials") }
            let target = try impersonation(file, required: true)
            guard let target else { throw file.lacks("service_account_impersonation_url") }
            return .impersonated(source: try read(source), target, quotaProject: file.text("quota_project_id"))
        case "external_account":
            let account = Credentials.external(try ExternalAccount(file))
            guard let target = try impersonation(file, required: false) else { return account }
            return .impersonated(source: account, target, quotaProject: file.text("quota_project_id"))
        default:
            throw .config(
                "\(file.name("type")) is '\(type)'; this plugin knows service_account, authorized_user, "
                    + "impersonated_service_account and external_account.")
        }
    }

    private static func serviceAccount(_ file: CredentialsFile) throws(PluginFailure) -> ServiceAccount {
        ServiceAccount(
            email: try file.required("client_email"), key: try file.required("private_key"),
            keyID: file.text("private_key_id"), tokenURL: try file.url("token_uri") ?? tokenURL,
            projectID: file.text("project_id"), quotaProject: file.text("quota_project_id"))
    }

    private static func authorizedUser(_ file: CredentialsFile) throws(PluginFailure) -> AuthorizedUser {
        AuthorizedUser(
            clientID: try file.required("client_id"), clientSecret: try file.required("client_secret"),
            refreshToken: try file.required("refresh_token"), tokenURL: try file.url("token_uri") ?? tokenURL,
            quotaProject: file.text("quota_project_id"))
    }

    private static func impersonation(
        _ file: CredentialsFile, required: Bool
    ) throws(PluginFailure) -> Impersonation? {
        guard let url = try file.url("service_account_impersonation_url") else {
            if required { throw file.lacks("service_account_impersonation_url") }
            return nil
        }
        let wanted = file.object("service_account_impersonation")?.number("token_lifetime_seconds") ?? 3600
        return Impersonation(url: url, delegates: file.texts("delegates"), seconds: max(600, min(wanted, 43_200)))
    }
}
