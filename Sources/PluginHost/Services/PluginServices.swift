import Synchronization

/// What the host lends to all plugins beside logs and clocks. One per process; it outlives configurations, so that
/// memories survive a reload. Any thread.
package final class PluginServices: Sendable {
    private let memoryBytes: Int
    private let memories = Mutex<[String: PluginMemory]>([:])

    /// `memoryBytes`: what each plugin may keep in `kimi.host.kv/1`; 0: nothing.
    package init(memoryBytes: Int) {
        self.memoryBytes = memoryBytes
    }

    /// The memory of the plugin with this manifest id; all its instances share it.
    package func memory(of plugin: String) -> PluginMemory {
        memories.withLock { memories in
            if let memory = memories[plugin] { return memory }
            let memory = PluginMemory(capacity: memoryBytes)
            memories[plugin] = memory
            return memory
        }
    }

    /// All memories there are, by plugin id, in order.
    package var memorySizes: [(plugin: String, size: PluginMemory.Size)] {
        memories.withLock { $0.map { ($0.key, $0.value.size) } }.sorted { $0.0 < $1.0 }
    }
}
