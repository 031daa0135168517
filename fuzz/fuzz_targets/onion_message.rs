//! `fuzz/run onion_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltlab_fuzz::onion_message(data));
