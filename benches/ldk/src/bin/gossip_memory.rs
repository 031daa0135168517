//! How many bytes a channel takes of what boltlab and LDK believe of the same network: what is
//! allocated while they hear of it and still is when they have, counted by the allocator. What the
//! allocator itself adds to each piece is not in it.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use boltlab_ldk::{Gossip, Random};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Hears all announcements and updates, and gives the bytes a channel that they take, twice: with the
/// announcements alone, and with all.
fn grown(
    gossip: &Gossip,
    channels: usize,
    announce: &mut dyn FnMut(usize) -> bool,
    update: &mut dyn FnMut(usize) -> bool,
) -> [usize; 2] {
    let before = ALLOCATED.current_usage();
    let known = (0..gossip.announcements.len()).filter(|number| announce(*number)).count();
    let announced = ALLOCATED.current_usage();
    let updates = (0..gossip.updates.len()).filter(|number| update(*number)).count();
    assert_eq!((known, updates), (channels, 2 * channels));
    [announced, ALLOCATED.current_usage()].map(|now| (now - before) / channels)
}

fn main() {
    for (nodes, channels) in [(2_000, 10_000), (2_800, 14_000)] {
        let gossip = Gossip::random(&mut Random::new(1), nodes, channels);
        let mut believed = Gossip::nothing();
        let (ours, ldk) = (&mut believed.ours, &believed.ldk);
        let ours = &std::cell::RefCell::new(ours);
        let [bare, full] = grown(
            &gossip,
            channels,
            &mut |number| gossip.announce(&mut ours.borrow_mut(), number),
            &mut |number| gossip.update(&mut ours.borrow_mut(), number),
        );
        println!(
            "{channels} channels, boltlab: {bare} bytes a channel announced, {full} with updates"
        );
        let [bare, full] = grown(
            &gossip,
            channels,
            &mut |number| gossip.ldk_announce(ldk, number),
            &mut |number| gossip.ldk_update(ldk, number),
        );
        println!("{channels} channels, LDK: {bare} bytes a channel announced, {full} with updates");
        believed.count();
    }
}
