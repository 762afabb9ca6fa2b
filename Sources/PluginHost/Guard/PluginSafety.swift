internal import CPlatform
import JSONSchema
import Synchronization

/// What stands between the host and plugins that crash: probing before they are loaded, quarantine afterwards, and the
/// files that both need. One per process. Any thread; blocks on the disk and on child processes.
package final class PluginSafety: Sendable {
    private struct State {
        var quarantine: Quarantine
        var probed: ProbeCache
        /// Libraries that did not come back from the probe of this run.
        var broken: [String: QuarantineReason] = [:]
    }

    package let folder: StateFolder
    private let window: Int64
    private let insecurePaths: Bool
    private let distrust: String?
    private let wantsToWrite: Bool
    private let state: Mutex<State>

    /// - Parameter window: seconds that a crash file counts; 0: nothing is quarantined.
    package init(folder: StateFolder, window: Int64, insecurePaths: Bool) {
        distrust = insecurePaths ? nil : folder.distrust
        wantsToWrite = folder.mayWrite
        // What others may have written there is neither read nor mended.
        let folder = distrust == nil ? folder : StateFolder(path: "", mayWrite: false)
        (self.folder, self.window, self.insecurePaths) = (folder, window, insecurePaths)
        if folder.mayWrite { folder.pruneCrashFiles() }
        state = Mutex(State(quarantine: Quarantine(folder, window: window), probed: ProbeCache(folder)))
    }

    /// From now on crashes are named, and crash files written if the folder can be had. Returns what is wrong with it.
    package func install() -> String? {
        guard folder.mayWrite else {
            pg_install(-1, "")
            return wantsToWrite ? distrust.map(Self.warning) : nil
        }
        do {
            pg_install(try folder.openCrashes(), FileSystem.join(folder.path, StateFolder.crashes))
            return nil
        } catch {
            pg_install(-1, "")
            return Self.warning("\(error)")
        }
    }

    private static func warning(_ problem: String) -> String {
        """
        warning: state_dir cannot be used (\(problem)): crashes of plugins leave no file, so that they are not \
        quarantined, and libraries are probed at each start; cure: make it a folder that the user of this process owns \
        and nobody else may write to (chmod 700), or set state_dir or KIMI_STATE_DIR
        """
    }

    /// Brings the handlers back in front after foreign code has run that may have put its own there.
    static func rechain() { pg_rechain() }

    /// What to do with a library.
    enum Verdict {
        case load
        /// `manifest`: if it is known from earlier.
        case refuse(QuarantineReason, manifest: PluginManifest?)
    }

    /// Probes the library in a child process, unless that was done before, or it is quarantined.
    func verdict(file: String, sha256: String) -> Verdict {
        if let verdict = known(sha256) { return verdict }
        probe([(file, sha256)])
        return known(sha256) ?? .load
    }

    private func known(_ sha256: String) -> Verdict? {
        state.withLock { state in
            if let reason = state.quarantine[sha256] ?? state.broken[sha256] {
                let manifest = state.probed[sha256].flatMap { try? PluginManifest($0) }
                return .refuse(reason, manifest: manifest)
            }
            return state.probed[sha256] == nil ? nil : .load
        }
    }

    /// Probes those of which nothing is known, in as few child processes as can be.
    func probe(_ libraries: [(file: String, sha256: String)]) {
        var rest = libraries.filter { known($0.sha256) == nil }
        var isChanged = false
        while !rest.isEmpty {
            guard let outcomes = ProbeProcess.run(rest.map(\.file), insecurePaths: insecurePaths), !outcomes.isEmpty
            else { break }
            for (library, outcome) in zip(rest, outcomes) { isChanged = take(outcome, library) || isChanged }
            rest.removeFirst(min(rest.count, outcomes.count))
        }
        guard isChanged, folder.mayWrite else { return }
        // Unwritten, it is probed again next time; `install` has told what is wrong with the folder.
        try? state.withLock { $0.probed }.write(to: folder)
    }

    private func take(_ outcome: ProbeProcess.Outcome, _ library: (file: String, sha256: String)) -> Bool {
        switch outcome {
        case .refused: return false
        case .fine(let text):
            guard let manifest = try? ConfigNode(parsingJSON: Array(text.utf8)) else { return false }
            state.withLock { $0.probed.add(library.sha256, file: library.file, manifest: manifest) }
            return true
        case .failed(let failure):
            blame(failure, library)
            return false
        }
    }

    private func blame(_ failure: ProbeProcess.Failure, _ library: (file: String, sha256: String)) {
        let identity = PluginIdentity(file: library.file, sha256: library.sha256)
        let record = CrashRecord(
            kind: failure.isHang ? .hang : .crash, signal: failure.how, plugin: identity, function: failure.phase)
        let printed = failure.printed.isEmpty ? "" : "; it printed: \(failure.printed)"
        let reason = QuarantineReason(
            handle: identity.handle,
            message: """
                \(library.file) is not loaded: a child process that tried it first \(record.words)\(printed); cure: \
                replace the file, or 'kimi-host plugins unquarantine \(identity.handle)' and SIGHUP or a restart to try it again
                """)
        state.withLock { $0.broken[library.sha256] = reason }
        if folder.mayWrite { try? folder.add(record) }
    }
}
