import Crypto
import DashboardAssets
import HTTPTypes
import Hummingbird
import NIOCore

/// The page's files, which are part of the binary. Any thread.
final class Assets: Sendable {
    /// No script or style but our own files; nothing from elsewhere; no frame around it.
    private static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
        """

    private struct File {
        let type: String
        let body: ByteBuffer
        let tag: String
    }

    private let files: [String: File]

    init() {
        var files: [String: File] = [:]
        var index = 0
        while let asset = kimi_dashboard_asset(index)?.pointee {
            index += 1
            let bytes = UnsafeRawBufferPointer(start: asset.bytes, count: asset.count)
            let digest = SHA256.hash(data: bytes).prefix(16)
            let tag = "\"" + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\""
            files[String(cString: asset.name)] = File(
                type: String(cString: asset.type), body: ByteBuffer(bytes: bytes), tag: tag)
        }
        self.files = files
    }

    func page(_ request: Request) -> Response { file("index.html", request) }

    func file(_ name: String, _ request: Request) -> Response {
        guard let file = files[name] else { return DashboardError.notFound("no such file").response }
        var headers = Reply.headers(file.type)
        // Asked for again each time, and answered with 304 until the host is another one.
        headers[.cacheControl] = "no-cache"
        headers[.eTag] = file.tag
        if let name = Reply.contentSecurityPolicy { headers[name] = Self.policy }
        let known = request.headers[.ifNoneMatch]?.split(separator: ",") ?? []
        if known.contains(where: { $0.hasSuffix(file.tag) }) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: file.body))
    }
}
