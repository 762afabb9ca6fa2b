import PluginHost
import Testing

/// Only files that nobody but root and this user can have written are loaded.
@Suite struct FileTrustTests {
    private static let good = "good_transform.so"

    private func lines(_ folder: String, insecure: Bool = false, notice: @escaping (String) -> Void = { _ in })
        -> [String]
    {
        let report = TestHost.shared.loader(insecurePaths: insecure, notice: notice).loadAll(folder: folder)
        return report.errors.map { $0.description.replacing(folder, with: "plugins.d") }
            + report.plugins.map(\.manifest.id)
    }

    private func folder(_ name: String) throws -> String {
        try BuiltPlugins.pluginsFolder("trust-\(name)", with: [Self.good])
    }

    @Test(arguments: [(0o666, "everybody", "0666"), (0o664, "its group", "0664"), (0o646, "everybody", "0646")])
    func `a file that others can write is refused`(_ mode: UInt32, _ writers: String, _ text: String) throws {
        let folder = try folder("file-\(text)")
        try TestFiles.chmod("\(folder)/\(Self.good)", mode)
        #expect(
            lines(folder) == [
                "plugins.d/good_transform.so: trust: plugins.d/good_transform.so can be written by \(writers) (mode "
                    + "\(text)); cure: chmod go-w plugins.d/good_transform.so"
            ])
    }

    @Test func `a folder that others can write is refused, and so is one above it`() throws {
        let folder = try folder("folder")
        try TestFiles.chmod(folder, 0o775)
        #expect(
            lines(folder) == [
                "plugins.d: trust: the folder plugins.d can be written by its group (mode 0775); cure: chmod go-w plugins.d"
            ])
        try TestFiles.chmod(folder, 0o755)
        let above = String(folder.dropLast("/plugins.d".count))
        try TestFiles.chmod(above, 0o777)
        #expect(
            lines(folder) == [
                "plugins.d: trust: the folder \(above) can be written by everybody (mode 0777); cure: chmod go-w \(above)"
            ])
    }

    @Test func `the development override loads it all the same and says so`() throws {
        let folder = try folder("insecure")
        try TestFiles.chmod(folder, 0o777)
        var notices: [String] = []
        #expect(lines(folder, insecure: true) { notices.append($0) } == ["test.good"])
        #expect(notices == ["\(folder): owners and modes of plugin files are NOT checked (insecure paths)"])
    }

    @Test(.enabled(if: TestFiles.isRoot, "only root can give a file away"))
    func `a file of another user is refused`() throws {
        let folder = try folder("owner")
        try TestFiles.chown("\(folder)/\(Self.good)", 4321)
        #expect(
            lines(folder) == [
                "plugins.d/good_transform.so: trust: plugins.d/good_transform.so belongs to user 4321, neither to root nor "
                    + "to this process's user 0 (mode 0644); cure: chown 0 plugins.d/good_transform.so"
            ])
    }

    @Test(.enabled(if: TestFiles.isRoot, "only root can give a folder away"))
    func `a sticky folder is accepted if it is root's, refused if it is anybody else's`() throws {
        let folder = try folder("sticky")
        let above = String(folder.dropLast("/plugins.d".count))
        try TestFiles.chmod(above, 0o1777)
        #expect(lines(folder) == ["test.good"])
        try TestFiles.chown(above, 4321)
        #expect(lines(folder).first?.contains("belongs to user 4321") == true)
        try TestFiles.chown(above, 0)
    }

    @Test func `a sidecar that others can write is refused, because it chooses what is loaded`() throws {
        let folder = try folder("sidecar")
        try TestFiles.write("\(folder)/good_transform.yaml", "enabled: true\n")
        try TestFiles.chmod("\(folder)/good_transform.yaml", 0o666)
        #expect(
            lines(folder) == [
                "plugins.d/good_transform.yaml: trust: plugins.d/good_transform.yaml can be written by everybody (mode "
                    + "0666); cure: chmod go-w plugins.d/good_transform.yaml"
            ])
    }

    @Test func `a link in place of the file is refused, a link among the folders is followed`() throws {
        let real = try folder("link")
        let linked = try TestFiles.folder("trust-linked/plugins.d")
        try TestFiles.link("\(real)/\(Self.good)", "\(linked)/x.so")
        #expect(
            lines(linked) == [
                "plugins.d/x.so: trust: plugins.d/x.so is a symbolic link; cure: put the file itself there, or name its "
                    + "real place in a sidecar's 'path'"
            ])
        let alias = "\(try TestFiles.folder("trust-alias"))/plugins.d"
        try TestFiles.link(real, alias)
        #expect(lines(alias) == ["test.good"])
    }

    @Test func `what is no regular file is refused without waiting for it`() throws {
        let folder = try TestFiles.folder("trust-kinds/plugins.d")
        try TestFiles.run(["mkfifo", "-m", "644", "\(folder)/a_pipe.so"])
        _ = try TestFiles.folder("trust-kinds/plugins.d/b_folder.so")
        #expect(
            lines(folder) == [
                "plugins.d/a_pipe.so: trust: plugins.d/a_pipe.so is not a regular file; cure: remove it",
                "plugins.d/b_folder.so: trust: plugins.d/b_folder.so is not a regular file; cure: remove it",
            ])
    }

    @Test func `a file larger than any plugin is refused unread`() throws {
        let folder = try TestFiles.folder("trust-large/plugins.d")
        try TestFiles.run(["truncate", "-s", "257M", "\(folder)/large.so"])
        try TestFiles.chmod("\(folder)/large.so", 0o644)
        #expect(
            lines(folder) == [
                "plugins.d/large.so: trust: plugins.d/large.so has 269484032 bytes, more than the 268435456 this host "
                    + "reads; cure: make it smaller, for example with strip"
            ])
    }
}
