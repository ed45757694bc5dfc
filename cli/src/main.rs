//! blackroad
fn main() {}
