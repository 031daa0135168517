//! A signature that does not fit says what was probably signed.

use super::*;

/// Bob has an HTLC of each side pending, a change of the fee rate and one more HTLC to be signed in.
fn busy() -> Pair {
    let mut pair = Pair::new();
    let dust_limits = [Amount::from_sat(700), Amount::from_sat(354)];
    pair.open_with_dust(dust_limits, Anchors, Msat(300_000_000));
    pair.drive();
    pair.mine(3);
    for side in [ALICE, BOB] {
        let mut request = InvoiceRequest::of(Msat(20_000_000));
        request.hold = true;
        pair.hold(side, &request);
        pair.drive();
    }
    let handle = pair.handle();
    pair.command(ALICE, NodeCommand::UpdateFee(handle, FeeratePerKw(2_000))).unwrap();
    pair.offer(ALICE, Msat(500_000)).unwrap();
    // Alice signs the fee rate alone; Bob hears of the HTLC before he has that signature.
    let signed = pair.wire.remove(1).unwrap();
    pair.wire.push_back(signed);
    pair.until("commitment_signed");
    pair
}

#[test]
fn each_mistake_of_the_signer_is_named() {
    let pair = busy();
    let secrets = |node: usize| pair.nodes[node].channel(&pair.handle()).unwrap().secrets.clone();
    let mistakes = pair.commitments(BOB).mistaken(&secrets(BOB), &secrets(ALICE).funding).unwrap();
    let mut named = Vec::new();
    for (guess, signature) in mistakes {
        let mut pair = busy();
        pair.deliver(change!(CommitmentSigned, m => m.signature = signature));
        let told = pair.events.iter().find_map(|(at, event)| match event {
            ChannelEvent::Violation { message, .. } if *at == BOB => Some(message.clone()),
            _ => None,
        });
        let told = told.expect("a violation");
        assert!(told.ends_with(&format!("the peer probably signed {guess}")), "{guess}: {told}");
        named.push(told);
    }
    insta::assert_snapshot!(named.join("\n"));
}

/// The signature that Alice made is of a commitment without the HTLC, as it is.
#[test]
fn the_mistake_that_was_made_is_named() {
    let mut pair = busy();
    pair.deliver(|_| {});
    assert!(format!("{:?}", pair.events).contains("one without its HTLC 1, which is given back"));
}

#[test]
fn nonsense_is_not_taken_for_a_commitment() {
    let mut pair = busy();
    pair.deliver(change!(CommitmentSigned, m => m.signature = other(m.signature)));
    assert_eq!(pair.violation(BOB), "bolt02/any/signature-valid");
    assert!(!format!("{:?}", pair.events).contains("probably"));
}
