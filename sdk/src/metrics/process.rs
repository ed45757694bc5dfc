use crate::wire::Memory;

/// What this process uses, from `/proc/self/status`; zeros where there is none.
///
/// Nine services in one process say the same, and that is the truth.
pub fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |field: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kilobytes| kilobytes * 1024)
    };
    Memory {
        rss: bytes("VmRSS"),
        heap_total: bytes("VmData"),
        heap_used: bytes("RssAnon"),
        external: bytes("RssFile") + bytes("RssShmem"),
    }
}

/// Processor time that this process has used since it began, in seconds.
pub fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}
