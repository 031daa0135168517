//! What an offer demands.

use super::*;

fn refused(change: impl FnOnce(&mut OfferFields)) -> OfferError {
    let mut fields = offer_fields();
    change(&mut fields);
    Offer::new(&fields).unwrap_err()
}

fn empty_path() -> BlindedPath {
    BlindedPath { path: Vec::new(), ..path(1) }
}

#[test]
fn each_requirement_is_checked() {
    let bit = |bit| Some(Features::default().with_bit(bit));
    assert_eq!(refused(|o| o.offer_features = bit(4)), OfferError::UnknownFeature(4));
    assert_eq!(refused(|o| o.offer_chains = Some(Repeated(vec![]))), OfferError::NoChains);
    assert_eq!(refused(|o| o.offer_description = None), OfferError::AmountWithoutDescription);
    assert_eq!(refused(|o| o.offer_amount = Some(0)), OfferError::AmountZero);
    let currency = |code: &str, amount| {
        let code = Some(code.to_owned());
        refused(|o| (o.offer_currency, o.offer_amount) = (code, amount))
    };
    assert_eq!(currency("EUR", None), OfferError::CurrencyWithoutAmount);
    for code in ["eur", "EU", "EURO", "E1R", "ÄE", ""] {
        assert_eq!(currency(code, Some(1)), OfferError::CurrencyNotIso4217, "{code}");
    }
    assert_eq!(refused(|o| o.offer_issuer_id = None), OfferError::NobodyToAsk);
    assert_eq!(refused(|o| o.offer_paths = Some(Repeated(vec![]))), OfferError::NoPaths);
    let paths = Some(Repeated(vec![path(3), empty_path()]));
    assert_eq!(refused(|o| o.offer_paths = paths), OfferError::PathWithoutHops(1));
    for number in [0, 80, 240, 999_999_999, 2_000_000_000] {
        let mut stream = Vec::new();
        crate::bolt::wire::tlv::write_record(number, &[], &mut stream);
        assert_eq!(Offer::from_bytes(stream), Err(OfferError::OutOfRange(number)));
    }
}

#[test]
fn time_and_chain_are_the_readers() {
    let dated = OfferFields { offer_absolute_expiry: Some(NOW), ..offer_fields() };
    let dated = Offer::new(&dated).unwrap();
    assert_eq!(dated.check(HERE), Ok(()));
    let later = Here { now: NOW + 1, ..HERE };
    assert_eq!(dated.check(later), Err(OfferError::Expired { expiry: NOW, now: NOW + 1 }));
    assert_eq!(offer().check(later), Ok(()));

    let regtest = Here { chains: &[ChainHash::REGTEST], ..HERE };
    assert_eq!(offer().check(regtest), Err(OfferError::UnsupportedChain));
    let chains = Some(Repeated(vec![ChainHash::TESTNET3, ChainHash::REGTEST]));
    let both = Offer::new(&OfferFields { offer_chains: chains, ..offer_fields() }).unwrap();
    assert_eq!(both.check(regtest), Ok(()));
    assert_eq!(both.check(HERE), Err(OfferError::UnsupportedChain));
}

#[test]
fn it_says_what_it_costs_and_who_signs() {
    assert_eq!(offer().amount(), Some(OfferAmount::Msat(Msat(1_000))));
    assert_eq!(offer().quantity(), Quantity::UpTo(5));
    assert_eq!(offer().invoice_node_ids(), [point(1)]);
    let other = OfferFields {
        offer_issuer_id: None,
        offer_paths: Some(Repeated(vec![path(3), path(4)])),
        offer_currency: Some("EUR".to_owned()),
        offer_quantity_max: Some(0),
        ..offer_fields()
    };
    let other = Offer::new(&other).unwrap();
    let euros = OfferAmount::Currency { iso4217: "EUR".to_owned(), minor_units: 1_000 };
    assert_eq!(other.amount(), Some(euros));
    assert_eq!(other.quantity(), Quantity::Unlimited);
    assert_eq!(other.invoice_node_ids(), [point(3), point(4)]);
}

#[test]
fn text_comes_back_and_mistakes_have_characters() {
    let text = offer().to_string();
    assert_eq!(text.parse(), Ok(offer()));
    assert_eq!(offer().to_qr_text().parse(), Ok(offer()));

    let wrong = string::encode(Kind::Offer, &[10, 1, b'a', 6, 0, 22, 0]);
    let error = wrong.parse::<Offer>().unwrap_err();
    assert_eq!(error.position(&wrong), Some(8..16));
    let other = string::encode(Kind::Invoice, &[]);
    let error = other.parse::<Offer>().unwrap_err();
    assert_eq!(error, ParseError::Kind { expected: Kind::Offer, actual: Kind::Invoice });
    assert_eq!(error.position(&other), Some(0..3));
}
