//! `fuzz/run gossip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| boltlab_fuzz::gossip(data));
