#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| blackroad_fuzz::token(data));
