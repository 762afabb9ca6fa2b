internal import PluginABI
internal import PluginKit

/// Workload identity federation: another issuer's token is exchanged for Google's. The subject token comes by URL,
/// since plugins read no files and start no programs.
struct ExternalAccount: Sendable {
    let audience: String
    let subjectTokenType: String
    let tokenURL: String
    let subjectURL: String
    let headers: [(String, String)]
    /// The member of a JSON answer that is the token; nil: the answer is.
    let field: String?
    /// Who the client is at the token endpoint, if it wants to know.
    let clientID: String?
    let clientSecret: String?
    let userProject: String?
    let quotaProject: String?

    init(_ file: CredentialsFile) throws(PluginFailure) {
        audience = try file.required("audience")
        subjectTokenType = try file.required("subject_token_type")
        guard let tokenURL = try file.url("token_url") else { throw file.lacks("token_url") }
        self.tokenURL = tokenURL
        guard let source = file.object("credential_source") else { throw file.lacks("credential_source") }
        subjectURL = try Self.subjectURL(source)
        headers = source.pairs("headers")
        let format = source.object("format")
        let isJSON = format?.text("type") == "json"
        field = isJSON ? format?.text("subject_token_field_name") ?? "access_token" : nil
        clientID = file.text("client_id")
        clientSecret = file.text("client_secret")
        userProject = file.text("workforce_pool_user_project")
        quotaProject = file.text("quota_project_id")
    }

    private static func subjectURL(_ source: CredentialsFile) throws(PluginFailure) -> String {
        for kind in ["file", "executable", "environment_id", "certificate"] where source.has(kind) {
            throw .config(
                "\(source.name(kind)): a subject token from there is not supported, only one by 'url'; use a "
                    + "service account's key, or a credential_source with url.")
        }
        guard let url = try source.url("url") else { throw source.lacks("url") }
        return url
    }
}
