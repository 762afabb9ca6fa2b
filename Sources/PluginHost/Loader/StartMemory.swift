import CPlatform

/// What only the start needed. Any thread.
package enum StartMemory {
    /// Gives it back to the system, once the host serves.
    package static func release() {
        cp_release_free_memory()
        cp_release_code()
    }
}
