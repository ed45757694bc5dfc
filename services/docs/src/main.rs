//! Runs the service by itself.

fn main() -> std::process::ExitCode {
    syscall_sdk::host::main(blackroad_os_docs::service)
}
