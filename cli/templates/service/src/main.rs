//! Runs the service by itself.

fn main() -> std::process::ExitCode {
    syscall_sdk::host::main_in(sample_contracts::REGISTRY, sample_service::service)
}
