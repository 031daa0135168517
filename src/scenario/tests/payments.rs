//! The rules of payments, each broken once.

use bitcoin::Amount;

use super::rules::{CHANNEL, PAY};
use super::*;
use crate::bolt::units::Msat;

#[test]
fn a_payment_is_possible() {
    let pay = |to| mistake(PAY, &format!("{{from: alice, {to}}}"), "");
    assert_eq!(pay("to: alice, amount: 1 sat"), Mistake::PaysItself { role: "alice".into() });
    assert_eq!(pay("to: bob, amount: 0 sat"), Mistake::PaysNothing);
    let (capacity, channel) = (Amount::from_sat(1_000_000), "ab".into());
    let expected = Mistake::PaysTooMuch { amount: Msat(1_000_000_001), channel, capacity };
    assert_eq!(pay("to: bob, amount: 1000000001 msat"), expected);
    read(&changed(BREACH, "400_000 sat", "1_000_000 sat"));
}

#[test]
fn a_payment_finds_its_channel() {
    let text =
        changed(BREACH, "bob: {role: honest}", "bob: {role: honest}\n  carol: {role: honest}");
    let found = refuse(&changed(&text, PAY, "{from: alice, to: carol, amount: 1 sat}"));
    let (from, to) = ("alice".to_owned(), "carol".to_owned());
    assert_eq!(found.problems[0].mistake, Mistake::NoWay { from, to });
    let found =
        refuse(&changed(&text, PAY, "{from: alice, to: carol, amount: 1 sat, channel: ab}"));
    let at = "bob".to_owned();
    let expected = Mistake::WayEndsElsewhere { at, to: "carol".to_owned() };
    assert_eq!(found.problems[0].mistake, expected);
    let second = changed(BREACH, "\nsteps:", &format!("\n  second: {CHANNEL}\nsteps:"));
    let found = refuse(&second);
    assert!(matches!(found.problems[0].mistake, Mistake::SeveralWays { .. }));
    read(&changed(&second, "amount: 400_000 sat", "amount: 400_000 sat, channel: ab"));
}

#[test]
fn a_way_leads_from_the_payer_to_the_payee() {
    let carol = changed(
        BREACH,
        "bob: {role: honest}",
        "bob: {role: honest}\n  carol: {role: honest, funds: 1 BTC}",
    );
    let bc = CHANNEL.replace("alice", "carol");
    let text = changed(
        &carol,
        "\nsteps:\n  - open: ab",
        &format!("\n  cb: {bc}\nsteps:\n  - open: ab\n  - open: cb"),
    );
    let scenario = read(&changed(&text, PAY, "{from: alice, to: carol, amount: 1 sat}"));
    let Verb::Pay(pay) = &scenario.steps[3].verb else { panic!("a payment") };
    let via: Vec<&str> = pay.parts[0].via.iter().map(|name| name.value.as_str()).collect();
    assert_eq!(via, ["ab", "cb"]);
    let mistake = |pay: &str| refuse(&changed(&text, PAY, pay)).problems.remove(0).mistake;
    let breaks = mistake("{from: alice, to: carol, amount: 1 sat, via: [cb, ab]}");
    let (role, channel) = ("alice".to_owned(), "cb".to_owned());
    assert_eq!(breaks, Mistake::WayBreaksOff { role, channel });
    let ends = mistake("{from: alice, to: carol, amount: 1 sat, via: [ab]}");
    assert_eq!(ends, Mistake::WayEndsElsewhere { at: "bob".into(), to: "carol".into() });
    let none = mistake("{from: alice, to: carol, amount: 1 sat, via: []}");
    assert!(matches!(none, Mistake::Nothing { .. }));
    let two = mistake("{from: alice, to: carol, amount: 1 sat, via: [ab, cb], channel: ab}");
    assert!(matches!(two, Mistake::TwoOf { .. }));
    let parts = "parts: [{amount: 1 sat}, {amount: 1 sat}]";
    let differ = mistake(&format!("{{from: alice, to: carol, amount: 3 sat, {parts}}}"));
    assert_eq!(differ, Mistake::PartsDiffer { given: Msat(2_000), amount: Msat(3_000) });
}

#[test]
fn only_an_invoice_is_misread() {
    let pay = |more: &str| format!("{{from: alice, to: bob, amount: 1 sat, {more}}}");
    let misread = "misread: {character: 20}";
    read(&changed(BREACH, PAY, &pay(misread)));
    let found = refuse(&changed(BREACH, PAY, &pay(&format!("how: keysend, {misread}"))));
    assert_eq!(found.problems[0].mistake, Mistake::NothingToMisread);
}

#[test]
fn what_is_never_sent_does_not_come_back() {
    let invoice = "- invoice: {by: bob, amount: 1 sat, as: tea}";
    let expect = |what: &str| {
        let expect = format!("- expect: {{payment: {{of: alice, invoice: tea, {what}}}}}");
        changed(BREACH, "- mine: 1 block", &format!("{invoice}\n  {expect}"))
    };
    read(&expect("is: failed"));
    read(&expect("fails: {with: mpp_timeout, by: bob}"));
    let first = |text: &str| refuse(text).problems.remove(0).mistake;
    let sent = first(&expect("fails: {never_sent: expired_invoice}"));
    assert!(matches!(sent, Mistake::WrongShape { .. }), "{sent}");
    refuse(&expect("is: failed, fails: {with: mpp_timeout, by: bob}"));
}

#[test]
fn an_invoice_is_made_once_and_before_it_is_paid() {
    let invoice = "- invoice: {by: bob, amount: 1 sat, as: tea}";
    let step = |steps: &str| changed(BREACH, "- mine: 1 block", steps);
    read(&step(&format!("{invoice}\n  - pay: {{from: alice, invoice: tea}}")));
    let first = |text: &str| refuse(text).problems.remove(0).mistake;
    let twice = first(&step(&format!("{invoice}\n  {invoice}")));
    assert!(matches!(twice, Mistake::InvoiceTwice { .. }));
    let unknown = first(&step("- pay: {from: alice, invoice: tea}"));
    assert!(matches!(unknown, Mistake::UnknownName { of: "invoice", .. }));
    let other = format!("{invoice}\n  - pay: {{from: bob, to: alice, invoice: tea}}");
    assert!(matches!(first(&step(&other)), Mistake::InvoiceOfAnother { .. }));
    let nothing = first(&step("- pay: {from: alice, amount: 1 sat}"));
    assert_eq!(nothing, Mistake::MissingKey { key: "to", of: "`pay`" });
    let nothing = first(&step("- pay: {from: alice, to: bob}"));
    assert_eq!(nothing, Mistake::MissingKey { key: "amount", of: "`pay`" });
}

#[test]
fn an_htlc_goes_by_an_invoice_that_there_is_or_by_who_offered_it() {
    let invoice = "- invoice: {by: bob, amount: 1 sat, as: coffee}";
    let with = |steps: &str, outcome: &str| {
        let text = changed(BREACH, "- mine: 1 block", steps);
        changed(
            &text,
            "  ab.commitment.to_remote",
            &format!("{outcome}\n  ab.commitment.to_remote"),
        )
    };
    let outcome = "  ab.commitment.htlc.coffee: {to: bob, path: preimage}
  ab.commitment.htlc.alice.0: {to: alice, path: timeout}
  ab.commitment.htlcs: {to: bob, path: revocation}
  ab.second_stage.coffee: {to: alice, path: delay}
  ab.second_stage.bob.17: {to: alice, path: revocation}
  ab.second_stages: unspent";
    let written = read(&with(invoice, outcome)).outcome.expect("an outcome").value.to_yaml();
    assert!(written.contains(outcome), "{written}");
    let first = |text: &str| refuse(text).problems.remove(0).mistake;
    let unknown = first(&with(invoice, "  ab.commitment.htlc.cofee: unspent"));
    assert!(matches!(unknown, Mistake::UnknownName { of: "invoice", .. }), "{unknown}");
    assert_eq!(unknown.help().as_deref(), Some("did you mean `coffee`?"));
    let outsider = first(&with(invoice, "  ab.second_stage.carol.0: unspent"));
    assert!(matches!(outsider, Mistake::UnknownName { of: "role", .. }), "{outsider}");
    let fate = first(&with(invoice, "  ab.commitment.htlcs: any"));
    assert!(matches!(fate, Mistake::ImpossibleFate { .. }), "{fate}");
    // In a step, it must be there before; in the outcome, some branch must have it.
    let expect = "- expect: {transaction: {spends: ab.commitment.htlc.coffee, path: preimage}}";
    read(&changed(BREACH, "- mine: 1 block", &format!("{invoice}\n  {expect}")));
    let early = first(&changed(BREACH, "- mine: 1 block", &format!("{expect}\n  {invoice}")));
    assert!(matches!(early, Mistake::UnknownName { of: "invoice", .. }), "{early}");
    let branches = format!("- try: {{one: [{{{}}}], two: [{{mine: 1 block}}]}}", &invoice[2..]);
    read(&with(&branches, "  ab.commitment.htlc.coffee: unspent"));
    for kind in ["htlc_success", "htlc_timeout"] {
        let expect = format!("- expect: {{transaction: {{is: ab.{kind}}}}}");
        read(&changed(BREACH, "- mine: 1 block", &expect));
    }
}

#[test]
fn an_offer_is_made_once_and_before_it_is_paid() {
    let offer = "- offer: {by: bob, amount: 1 sat, as: tea, via: [ab]}";
    let step = |steps: &str| changed(BREACH, "- mine: 1 block", steps);
    let first = |text: &str| refuse(text).problems.remove(0).mistake;
    let twice = first(&step(&format!("{offer}\n  {offer}")));
    assert!(matches!(twice, Mistake::OfferTwice { .. }));
    let unknown = first(&step("- pay: {from: alice, offer: tea}"));
    assert!(matches!(unknown, Mistake::UnknownName { of: "offer", .. }));
    let unknown = first(&step("- withdraw: tea"));
    assert!(matches!(unknown, Mistake::UnknownName { of: "offer", .. }));
    let begins = first(&step(&format!("{offer}\n  - pay: {{from: alice, offer: tea}}")));
    assert_eq!(begins, Mistake::BeginsAtThePayer { role: "alice".into() });
    let open = "- offer: {by: bob, as: tea}";
    let only = first(&step(&format!("{open}\n  - pay: {{from: bob, offer: tea, to: alice}}")));
    assert!(matches!(only, Mistake::InvoiceOfAnother { .. }), "{only:?}");
    let layers = "amount: 1 sat, onion: {bob: {omit: [2]}}";
    let layers = first(&step(&format!("{open}\n  - pay: {{from: alice, offer: tea, {layers}}}")));
    assert!(matches!(layers, Mistake::LayersOfAnOffer { .. }), "{layers:?}");
    let no_offer = "- pay: {from: alice, to: bob, amount: 1 sat, suspects: bob}";
    assert!(matches!(first(&step(no_offer)), Mistake::Nothing { .. }));
}

/// What would have no effect, or would hold whatever happens, is refused.
#[test]
fn what_says_nothing_about_a_payment_is_refused() {
    let step = |steps: &str| changed(BREACH, "- mine: 1 block", steps);
    let first = |text: &str| refuse(text).problems.remove(0).mistake;
    let plain = ["fails: {no_answer: true}", "fails: {no_invoice: true}"];
    for more in plain {
        let text = format!("- pay: {{from: alice, to: bob, amount: 1 sat, {more}}}");
        let found = first(&step(&text));
        assert!(matches!(found, Mistake::Nothing { .. }), "{more}: {found:?}");
    }
    let offer = "- offer: {by: bob, as: tea, amount: 1 sat}";
    let invoice = "- invoice: {by: bob, as: tea, amount: 1 sat}";
    let beside = [
        (offer, "offer: tea, how: keysend"),
        (offer, "offer: tea, misread: {character: 3}"),
        (offer, "offer: tea, parts: [{amount: 1 sat}]"),
        (invoice, "invoice: tea, how: keysend"),
    ];
    for (made, more) in beside {
        let found = first(&step(&format!("{made}\n  - pay: {{from: alice, {more}}}")));
        assert!(matches!(found, Mistake::Nothing { .. }), "{more}: {found:?}");
    }
}

#[test]
fn a_failure_says_what_and_by_whom() {
    let fails = |text: &str| {
        let pay = format!("{{from: alice, to: bob, amount: 1 sat, fails: {text}}}");
        refuse(&changed(BREACH, PAY, &pay)).problems.remove(0).mistake
    };
    let by = fails("{with: mpp_timeout}");
    assert_eq!(by, Mistake::MissingKey { key: "by", of: "a failure" });
    assert!(matches!(fails("{with: mpp_tiemout, by: bob}"), Mistake::UnknownWord { .. }));
    assert!(matches!(fails("{corrupted_between: [bob]}"), Mistake::WrongShape { .. }));
    assert!(matches!(fails("{corrupted: false}"), Mistake::WrongShape { .. }));
}

#[test]
fn only_a_cheat_writes_into_onions_and_tampers() {
    let only = |step: &str| {
        let found = refuse(&changed(BREACH, "- mine: 1 block", step)).problems.remove(0);
        matches!(found.mistake, Mistake::OnlyACheat { .. })
    };
    let onion = "onion: {alice: {omit: [2]}}";
    assert!(only(&format!("- pay: {{from: bob, to: alice, amount: 1 sat, {onion}}}")));
    assert!(only("- tamper: {by: bob, field: reason, byte: 0}"));
    assert!(only("- replay: {by: bob, channel: ab}"));
    let byte = "- tamper: {by: alice, field: onion_routing_packet, byte: 1366}";
    let found = refuse(&changed(BREACH, "- mine: 1 block", byte)).problems.remove(0);
    assert!(matches!(found.mistake, Mistake::NoSuchByte { length: 1366, .. }));
}
