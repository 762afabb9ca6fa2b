internal import WireJSON

/// Content parts.
extension CanonicalAdapter {
    mutating func content(_ value: JSONSpan, _ shape: CanonicalMessage, _ copy: inout CanonicalCopy) {
        // A member that is there twice counts as its last one.
        guard value.raw.baseAddress == shape.content?.raw.baseAddress else { return }
        if shape.role == .tool, toolContent(value, shape, &copy) { return }
        guard value.kind == .array else { return }
        var cut = CanonicalCut()
        var isEmptied = false
        if value.elements.allSatisfy(Self.isNative) {
            isEmptied = value.elements.contains { _ in true }
            if isEmptied { copy.replace(value, with: shape.role == .assistant && shape.hasCalls ? "null" : #""""#) }
        }
        for part in value.elements {
            if Self.isNative(part) {
                losses.add(.nativePart, type: part["native"]?["type"])
                if !isEmptied { cut.remove(copy.range(part), in: &copy) }
            } else {
                cut.keep(copy.range(part), in: &copy)
                self.part(part, &copy)
            }
        }
        cut.finish(in: &copy)
    }

    static func isNative(_ part: JSONSpan) -> Bool { part["type"]?.matches("native") == true }

    /// A part that stays, without what Chat's parts do not have.
    mutating func part(_ part: JSONSpan, _ copy: inout CanonicalCopy) {
        guard part.kind == .object, let type = part["type"], type.kind == .string else { return }
        let isFile = type.matches("file")
        let url = isFile ? Self.documentURL(part) : nil
        let isTold = url != nil && options.documentURL == .text
        var cut = CanonicalCut()
        if let url, isTold { name(url, part, &copy) }
        for (key, value) in part.members {
            let range = copy.range(key, value)
            if let loss = loss(key, isFile: isFile) {
                if value.kind != .null { losses.add(loss) }
                if !isTold { cut.remove(range, in: &copy) }
            } else if !isTold {
                cut.keep(range, in: &copy)
                if url != nil, options.documentURL == .fileData, key.matches("file") { rename(value, &copy) }
            }
        }
        cut.finish(in: &copy)
    }

    /// For a text that is in a message already.
    mutating func countLosses(of part: JSONSpan) {
        for (key, value) in part.members where value.kind != .null {
            if let loss = loss(key, isFile: false) { losses.add(loss) }
        }
    }

    private func loss(_ key: JSONSpan, isFile: Bool) -> CanonicalLoss? {
        if key.matches("cache_control") { return options.keepsCacheControl ? nil : .partCache }
        if key.matches("citations") { return .citations }
        if key.matches("document") { return .document }
        if key.matches("search_result") { return .searchResult }
        if key.matches("title") { return .title }
        if key.matches("context") { return .context }
        return isFile && key.matches("detail") ? .detail : nil
    }

    // MARK: Documents by URL

    private static func documentURL(_ part: JSONSpan) -> JSONSpan? {
        guard let file = part["file"], let url = file["file_url"], url.kind == .string, !isGiven(file["file_data"]),
            !isGiven(file["file_id"])
        else { return nil }
        return url
    }

    private static func isGiven(_ value: JSONSpan?) -> Bool { value.map { $0.kind != .null } ?? false }

    /// In place of the whole part: a text such as `Document "report.pdf": https://…`.
    private mutating func name(_ url: JSONSpan, _ part: JSONSpan, _ copy: inout CanonicalCopy) {
        losses.add(.documentURL)
        copy.remove(copy.range(part))
        let out = copy.out
        out.append(#"{"type":"text","text":"Document"#)
        if let name = part["file"]?["filename"], name.kind == .string, !name.inner.isEmpty {
            out.append(#" \""#)
            out.append(bytes: name.inner)
            out.append(#"\""#)
        }
        out.append(": ")
        out.append(bytes: url.inner)
        out.append("\"")
        if options.keepsCacheControl, let control = part["cache_control"] {
            out.append(#","cache_control":"#)
            out.append(bytes: control.raw)
        }
        out.append("}")
    }

    private func rename(_ file: JSONSpan, _ copy: inout CanonicalCopy) {
        var cut = CanonicalCut()
        for (key, value) in file.members {
            let range = copy.range(key, value)
            if key.matches("file_data") {
                cut.remove(range, in: &copy)
            } else {
                cut.keep(range, in: &copy)
                if key.matches("file_url") { copy.replace(key, with: #""file_data""#) }
            }
        }
        cut.finish(in: &copy)
    }
}
