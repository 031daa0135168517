//! What a node says of an HTLC that it neither passes on nor takes.

use bitcoin::hashes::{Hash, sha256};

use super::super::forwarding::Incoming;
use super::super::incoming::{BlindedRole, Forward, NextHop, Proof, Receive};
use super::super::invoices::{Decision, Expected, Invoices};
use super::*;
use crate::bolt::gossip::Now;
use crate::bolt::onion::failure::Failure;
use crate::bolt::onion::{PaymentRelay, amt_to_forward};
use crate::bolt::units::{BlockHeight, CltvExpiryDelta};
use crate::bolt::wire::{OnionPacket, PaymentSecret};

const HEIGHT: BlockHeight = BlockHeight(100);

fn incoming(amount: Msat, cltv_expiry: CltvExpiry) -> Incoming {
    Incoming {
        channel: Pair::normal(Anchors).handle(),
        id: HtlcId(0),
        amount,
        cltv_expiry,
        shared_secret: None,
        blinded: BlindedRole::Outside,
        sha256_of_onion: sha256::Hash::all_zeros(),
        since: 0,
    }
}

mod forward {
    use super::*;

    /// A node that keeps 40 blocks and charges a satoshi and 100 ppm, and has an HTLC of these
    /// blocks and this fee.
    fn check(amount: u64, fee: u64, blocks: u32) -> Result<(), Failure> {
        check_over(amount, fee, blocks, None)
    }

    /// The same over a blinded path that lets the node charge this.
    fn check_over(
        amount: u64,
        fee: u64,
        blocks: u32,
        relay: Option<PaymentRelay>,
    ) -> Result<(), Failure> {
        check_at(HEIGHT, amount, fee, blocks, relay)
    }

    /// The same at another height; the outgoing HTLC expires at 200.
    fn check_at(
        height: BlockHeight,
        amount: u64,
        fee: u64,
        blocks: u32,
        relay: Option<PaymentRelay>,
    ) -> Result<(), Failure> {
        let node = Node::new(Seed::derive("payments", "bob"), height, FeeratePerKw(1000));
        let forward = Forward {
            next: NextHop::Channel(ShortChannelId(1)),
            amount: Msat(amount),
            cltv_expiry: CltvExpiry(200),
            packet: OnionPacket(Box::new([0; OnionPacket::LENGTH])),
            path_key: None,
            relay,
        };
        node.check_forward(&incoming(Msat(amount + fee), CltvExpiry(200 + blocks)), &forward)
    }

    #[test]
    fn what_meets_the_terms_is_passed_on() {
        assert_eq!(check(10_000_000, 2_000, 40), Ok(()));
        assert_eq!(check(10_000_000, 3_000, 50), Ok(()));
    }

    #[test]
    fn too_small_a_fee_is_told_with_the_incoming_amount() {
        let Err(Failure::FeeInsufficient { htlc_msat, .. }) = check(10_000_000, 1_999, 40) else {
            panic!("another answer")
        };
        assert_eq!(htlc_msat, Msat(10_001_999));
    }

    #[test]
    fn too_few_blocks_are_told_with_the_outgoing_expiry() {
        let Err(Failure::IncorrectCltvExpiry { cltv_expiry, .. }) = check(10_000_000, 2_000, 39)
        else {
            panic!("another answer")
        };
        assert_eq!(cltv_expiry, CltvExpiry(200));
    }

    #[test]
    fn an_outgoing_htlc_has_three_blocks_left_at_least() {
        let at = |height| check_at(BlockHeight(height), 10_000_000, 2_000, 40, None);
        assert_eq!(at(197), Ok(()));
        assert!(matches!(at(198), Err(Failure::ExpiryTooSoon { .. })));
    }

    /// BOLT 4, "`max_htlc_cltv` Selection".
    #[test]
    fn an_incoming_htlc_expires_2016_blocks_ahead_at_most() {
        let ahead = |blocks: u32| check_at(BlockHeight(0), 10_000_000, 2_000, blocks - 200, None);
        assert_eq!(ahead(2016), Ok(()));
        assert_eq!(ahead(2017), Err(Failure::ExpiryTooFar {}));
    }

    const RELAY: PaymentRelay = PaymentRelay {
        cltv_expiry_delta: CltvExpiryDelta(40),
        fee_proportional_millionths: 100,
        fee_base_msat: 1_000,
    };

    /// BOLT 4 rounds the amount up that a blinded path passes on. So the node may get a
    /// millisatoshi less than it asks for, and must not refuse that.
    #[test]
    fn what_a_blinded_path_rounds_up_is_passed_on() {
        for incoming in (1_002_000..1_003_000).chain(1_010_900..1_011_200) {
            let amount = amt_to_forward(&RELAY, Msat(incoming)).unwrap().0;
            let checked = check_over(amount, incoming - amount, 40, Some(RELAY));
            assert_eq!(checked, Ok(()), "{incoming} msat come, {amount} msat go on");
        }
    }

    /// Anybody can make a path through a node: it must not cost the node its fee, let alone the
    /// blocks that it needs to take what it has paid for.
    #[test]
    fn a_blinded_path_does_not_undercut_the_node() {
        let hasty = PaymentRelay { cltv_expiry_delta: CltvExpiryDelta(0), ..RELAY };
        let Err(Failure::IncorrectCltvExpiry { .. }) =
            check_over(10_000_000, 2_000, 0, Some(hasty))
        else {
            panic!("another answer")
        };
        let free = PaymentRelay { fee_base_msat: 0, fee_proportional_millionths: 0, ..RELAY };
        let Err(Failure::FeeInsufficient { .. }) = check_over(10_000_000, 0, 40, Some(free)) else {
            panic!("another answer")
        };
    }
}

mod receive {
    use super::*;

    const SECRET: PaymentSecret = PaymentSecret([3; 32]);

    /// What becomes of an HTLC that comes for an invoice, which ends at 60, at this time.
    fn receive_at(time: u64) -> Vec<Decision> {
        let preimage = PaymentPreimage([2; 32]);
        let mut invoices = Invoices::default();
        let expected = Expected {
            amount: Some(Msat(1_000)),
            preimage,
            proof: Proof::Secret(SECRET),
            payment_metadata: None,
            min_final_cltv_expiry_delta: CltvExpiryDelta(18),
            basic_mpp: true,
            expires_at: 60,
            hold: false,
        };
        invoices.expect(preimage.hash(), expected);
        let receive = Receive {
            amt_to_forward: Msat(1_000),
            outgoing_cltv_value: CltvExpiry(118),
            total: Msat(1_000),
            proof: Proof::Secret(SECRET),
            payment_metadata: None,
        };
        let htlc = incoming(Msat(1_000), CltvExpiry(118));
        invoices.receive(Now { height: HEIGHT, time }, preimage.hash(), htlc, &receive)
    }

    /// A payer may pay until then, and so the payee must take it.
    #[test]
    fn an_invoice_is_good_for_its_last_second() {
        assert!(matches!(
            receive_at(60).as_slice(),
            [Decision::Complete { .. }, Decision::Take(..)]
        ));
    }

    /// A payment that brings its own preimage is told of like any other.
    #[test]
    fn what_nobody_asked_for_is_paid() {
        let preimage = PaymentPreimage([2; 32]);
        let receive = |proof| {
            let receive = Receive {
                amt_to_forward: Msat(1_000),
                outgoing_cltv_value: CltvExpiry(118),
                total: Msat(1_000),
                proof,
                payment_metadata: None,
            };
            let (now, htlc) =
                (Now { height: HEIGHT, time: 0 }, incoming(Msat(1_000), CltvExpiry(118)));
            Invoices::default().receive(now, preimage.hash(), htlc, &receive)
        };
        let taken = receive(Proof::Keysend(preimage));
        assert!(
            matches!(
                taken.as_slice(),
                [Decision::Complete { amount: Msat(1_000), .. }, Decision::Take(..)]
            ),
            "{taken:?}"
        );
        let other = receive(Proof::Keysend(PaymentPreimage([9; 32])));
        assert!(matches!(other.as_slice(), [Decision::GiveBack(..)]), "{other:?}");
    }

    #[test]
    fn an_expired_invoice_is_not_paid() {
        let decisions = receive_at(61);
        let [Decision::GiveBack(_, failure)] = decisions.as_slice() else {
            panic!("{decisions:?}")
        };
        let (htlc_msat, height) = (Msat(1_000), HEIGHT);
        assert_eq!(*failure, Failure::IncorrectOrUnknownPaymentDetails { htlc_msat, height });
    }
}

mod pay {
    use super::*;
    use crate::bolt::features::{Feature, Features};
    use crate::bolt::invoice::{InvoiceDraft, InvoiceField, InvoiceNetwork};
    use crate::node::{PathHop, PayRequest, Payee, RelayPolicy};

    /// What a payer makes of an invoice with these features, in two parts.
    fn in_two_parts(features: Features) -> Result<usize, Unpayable> {
        let pair = Pair::normal(Anchors);
        let invoice = InvoiceDraft::new(InvoiceNetwork::Regtest, 0)
            .with(InvoiceField::PaymentHash(sha256::Hash::hash(&[1])))
            .with(InvoiceField::PaymentSecret(PaymentSecret([1; 32])))
            .with(InvoiceField::Description(String::new()))
            .with(InvoiceField::Features(features))
            .encode(&pair.nodes[BOB].seed.node_secret())
            .unwrap();
        let hop = PathHop {
            node_id: pair.id(BOB),
            channel: pair.phase(ALICE).short_channel_id().unwrap(),
            relay: RelayPolicy::default(),
        };
        let parts = vec![(Msat(1_000), vec![hop.clone()]), (Msat(1_000), vec![hop])];
        let request = PayRequest { payee: Payee::Invoice(invoice), parts };
        pair.nodes[ALICE].plan(&request).map(|plans| plans.len())
    }

    /// BOLT 4, "Basic Multi-Part Payments".
    #[test]
    fn parts_are_for_those_who_take_them() {
        let features = Features::default()
            .requiring(Feature::VAR_ONION_OPTIN)
            .requiring(Feature::PAYMENT_SECRET);
        assert_eq!(in_two_parts(features.clone()), Err(Unpayable::OnePart));
        assert_eq!(in_two_parts(features.offering(Feature::BASIC_MPP)), Ok(2));
    }
}
