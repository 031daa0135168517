//! What an invoice demands, of itself and of the request that it answers.

use super::*;

use Bolt12InvoiceError as E;

const RECEIVED: fn() -> Received<'static> = || Received {
    here: HERE,
    sent_to: Some(point(1)),
    reply_path: Some(point(50)),
    arrival: Arrival::Path(point(50)),
};

fn signed(mut fields: InvoiceFields, key: u8) -> Result<Bolt12Invoice, E> {
    fields.signature = None;
    let kind = signature::Signed::Invoice;
    fields.signature = Some(signature::sign(kind, &fields.encode(), &secret(key)).unwrap());
    Bolt12Invoice::from_bytes(fields.encode())
}

fn changed(change: impl FnOnce(&mut InvoiceFields)) -> Result<Bolt12Invoice, E> {
    let mut fields = invoice().fields().clone();
    change(&mut fields);
    signed(fields, 1)
}

fn refused(change: impl FnOnce(&mut InvoiceFields)) -> E {
    changed(change).unwrap_err()
}

#[test]
fn each_requirement_is_checked() {
    assert_eq!(refused(|i| i.invoice_amount = None), E::NoAmount);
    assert_eq!(refused(|i| i.invoice_created_at = None), E::NoCreatedAt);
    assert_eq!(refused(|i| i.invoice_payment_hash = None), E::NoPaymentHash);
    assert_eq!(refused(|i| i.invoice_node_id = None), E::NoNodeId);
    assert_eq!(refused(|i| i.invoice_paths = None), E::NoPaths);
    assert_eq!(refused(|i| i.invoice_paths = Some(Repeated(vec![]))), E::NoPaths);
    let empty = BlindedPath { path: Vec::new(), ..path(1) };
    let paths = Some(Repeated(vec![path(1), empty]));
    assert_eq!(refused(|i| i.invoice_paths = paths), E::PathWithoutHops(1));
    assert_eq!(refused(|i| i.invoice_blindedpay = None), E::NoPayinfo);
    let one = Some(Repeated(vec![payinfo()]));
    let count = E::PayinfoCount { payinfos: 1, paths: 2 };
    assert_eq!(refused(|i| i.invoice_blindedpay = one), count);
    let bits = |bit| Some(Features::default().with_bit(bit));
    assert_eq!(refused(|i| i.invoice_features = bits(18)), E::UnknownFeature(18));
    assert!(changed(|i| i.invoice_features = bits(16)).is_ok());
    assert!(changed(|i| i.invoice_features = bits(19)).is_ok());
    let other = E::OtherAmount { amount: Msat(2_000), requested: Msat(2_001) };
    assert_eq!(refused(|i| i.invreq_amount = Some(Msat(2_001))), other);
    assert_eq!(refused(|i| i.invoice_node_id = Some(point(3))), E::OtherNodeId);
    let unsigned = InvoiceFields { signature: None, ..invoice().fields().clone() };
    assert_eq!(Bolt12Invoice::from_bytes(unsigned.encode()), Err(E::NoSignature));
    assert_eq!(signed(invoice().fields().clone(), 2), Err(E::InvalidSignature));
}

#[test]
fn paths_with_unknown_features_are_left_out() {
    let strict = BlindedPayinfo { features: Features::default().with_bit(0), ..payinfo() };
    let strict = |first: BlindedPayinfo| Some(Repeated(vec![first, strict.clone()]));
    let invoice = changed(|i| i.invoice_blindedpay = strict(payinfo())).unwrap();
    assert_eq!(invoice.usable_paths().count(), 1);
    let both = BlindedPayinfo { features: Features::default().with_bit(2), ..payinfo() };
    assert_eq!(refused(|i| i.invoice_blindedpay = strict(both)), E::NoUsablePath);
}

#[test]
fn payer_refuses_what_it_did_not_ask_for() {
    assert_eq!(invoice().check_for(&request(), RECEIVED()), Ok(()));
    let note = RequestTerms { invreq_payer_note: None, ..terms() };
    let other = InvoiceRequest::for_offer(&offer(), note, &secret(2)).unwrap();
    assert_eq!(invoice().check_for(&other, RECEIVED()), Err(E::OtherRequest));
    let direct = Received { arrival: Arrival::Direct, ..RECEIVED() };
    assert_eq!(invoice().check_for(&request(), direct), Err(E::Arrival));
    let elsewhere = Received { arrival: Arrival::Path(point(51)), ..RECEIVED() };
    assert_eq!(invoice().check_for(&request(), elsewhere), Err(E::Arrival));
    let regtest = Here { chains: &[ChainHash::REGTEST], ..HERE };
    assert_eq!(invoice().check_here(regtest), Err(E::UnsupportedChain));
}

#[test]
fn it_ends_after_its_time_or_two_hours() {
    let at = |now| Here { now, ..HERE };
    let last = NOW + 7200;
    assert_eq!(invoice().check_here(at(last)), Ok(()));
    let expired = Err(E::Expired { expiry: last, now: last + 1 });
    assert_eq!(invoice().check_here(at(last + 1)), expired);
    let short = InvoiceTerms { invoice_relative_expiry: Some(10), ..invoice_terms() };
    let short = Bolt12Invoice::answer(&request(), short, &secret(1)).unwrap();
    let received = Received { here: at(NOW + 11), ..RECEIVED() };
    let expired = Err(E::Expired { expiry: NOW + 10, now: NOW + 11 });
    assert_eq!(short.check_for(&request(), received), expired);
}

#[test]
fn end_of_the_path_signs_if_the_issuer_is_hidden() {
    let fields = OfferFields {
        offer_issuer_id: None,
        offer_paths: Some(Repeated(vec![path(3), path(4)])),
        ..offer_fields()
    };
    let offer = Offer::new(&fields).unwrap();
    let request = InvoiceRequest::for_offer(&offer, terms(), &secret(2)).unwrap();
    let answer = |key| Bolt12Invoice::answer(&request, invoice_terms(), &secret(key));
    assert_eq!(answer(1), Err(E::OtherNodeId));
    let invoice = answer(4).unwrap();
    let over = |end| Received { sent_to: Some(point(end)), ..RECEIVED() };
    assert_eq!(invoice.check_for(&request, over(4)), Ok(()));
    assert_eq!(invoice.check_for(&request, over(3)), Err(E::OtherNodeId));
}

#[test]
fn without_an_offer_it_comes_the_way_that_the_request_names() {
    let fields = |paths: Option<Vec<BlindedPath>>| InvoiceRequestFields {
        invreq_metadata: Some(Bytes(vec![1; 16])),
        offer_description: Some("refund".to_owned()),
        invreq_amount: Some(Msat(5)),
        invreq_payer_id: Some(point(2)),
        invreq_paths: paths.map(Repeated),
        ..InvoiceRequestFields::default()
    };
    let check = |paths, arrival| {
        let request = InvoiceRequest::without_offer(&fields(paths)).unwrap();
        let invoice = Bolt12Invoice::answer(&request, invoice_terms(), &secret(8)).unwrap();
        assert_eq!(invoice.amount(), Msat(5));
        invoice.check_for(&request, Received { arrival, sent_to: None, ..RECEIVED() })
    };
    assert_eq!(check(None, Arrival::Direct), Ok(()));
    assert_eq!(check(None, Arrival::Path(point(50))), Err(E::Arrival));
    assert_eq!(check(Some(vec![path(6)]), Arrival::Path(point(6))), Ok(()));
    assert_eq!(check(Some(vec![path(6)]), Arrival::Direct), Err(E::Arrival));
    assert_eq!(check(Some(vec![path(6)]), Arrival::Path(point(50))), Err(E::Arrival));
}

#[test]
fn price_in_another_currency_must_be_known() {
    let euros = OfferFields { offer_currency: Some("EUR".to_owned()), ..offer_fields() };
    let euros = Offer::new(&euros).unwrap();
    let request = InvoiceRequest::for_offer(&euros, terms(), &secret(2)).unwrap();
    let answer = |item_price| {
        let terms = InvoiceTerms { item_price, ..invoice_terms() };
        Bolt12Invoice::answer(&request, terms, &secret(1))
    };
    assert_eq!(answer(None), Err(E::NoPrice));
    assert_eq!(answer(Some(Msat(u64::MAX))), Err(E::AmountOverflow));
    assert_eq!(answer(Some(Msat(7))).unwrap().amount(), Msat(14));
}

#[test]
fn fallbacks_are_witness_programs_or_ignored() {
    let fallback = |version, length| FallbackAddress { version, address: Bytes(vec![1; length]) };
    let usable = [fallback(0, 20), fallback(0, 32), fallback(1, 32), fallback(16, 2)];
    let useless =
        [fallback(0, 21), fallback(1, 20), fallback(2, 1), fallback(16, 41), fallback(17, 32)];
    for wrong in &useless {
        let fallbacks = Some(Repeated(vec![usable[0].clone(), wrong.clone()]));
        let terms = InvoiceTerms { invoice_fallbacks: fallbacks, ..invoice_terms() };
        let answer = Bolt12Invoice::answer(&request(), terms, &secret(1));
        assert_eq!(answer, Err(E::Fallback(1)), "{wrong:?}");
    }
    let all = [&usable[..], &useless[..]].concat();
    let invoice = changed(|i| i.invoice_fallbacks = Some(Repeated(all))).unwrap();
    assert_eq!(invoice.usable_fallbacks().cloned().collect::<Vec<_>>(), usable);
}

#[test]
fn errors_name_a_field_before_they_suggest_a_value() {
    use InvoiceErrorError::{NoText, SuggestionInvalid, SuggestionWithoutField};
    let value = || Some(Bytes(vec![7]));
    let error = InvoiceError::new("too low", Some(82), value()).unwrap();
    assert_eq!(InvoiceError::from_bytes(error.as_bytes().to_vec()), Ok(error));
    assert_eq!(InvoiceError::new("", None, value()), Err(SuggestionWithoutField));
    assert_eq!(InvoiceError::new("", Some(88), value()), Err(SuggestionInvalid(88)));
    assert!(InvoiceError::new("", Some(1 << 40), value()).is_ok());
    let silent = InvoiceError::from_bytes(vec![]).unwrap();
    assert_eq!(silent.check(), Err(NoText));
}
