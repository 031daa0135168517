//! What an invoice request demands, of itself and of the offer that it is for.

use super::*;

use InvoiceRequestError as E;

fn refused(offer: &Offer, change: impl FnOnce(&mut RequestTerms)) -> E {
    let mut terms = terms();
    change(&mut terms);
    InvoiceRequest::for_offer(offer, terms, &secret(2)).unwrap_err()
}

/// The fields signed by this key, whatever they are.
fn signed(mut fields: InvoiceRequestFields, key: u8) -> Result<InvoiceRequest, E> {
    fields.signature = None;
    let kind = signature::Signed::InvoiceRequest;
    fields.signature = Some(signature::sign(kind, &fields.encode(), &secret(key)).unwrap());
    InvoiceRequest::from_bytes(fields.encode())
}

fn changed(change: impl FnOnce(&mut InvoiceRequestFields)) -> E {
    let mut fields = request().fields().clone();
    change(&mut fields);
    signed(fields, 2).unwrap_err()
}

#[test]
fn it_repeats_the_offer_with_what_is_unknown() {
    let mut stream = offer().as_bytes().to_vec();
    stream.extend([33, 1, 5]);
    crate::bolt::wire::tlv::write_record(1_000_000_001, &[6], &mut stream);
    let offer = Offer::from_bytes(stream).unwrap();
    let request = InvoiceRequest::for_offer(&offer, terms(), &secret(2)).unwrap();
    assert_eq!(request.offer(), Ok(offer.clone()));
    assert_eq!(request.to_string().parse(), Ok(request.clone()));
    let accepted = Accepted { here: HERE, arrival: Arrival::Direct, item_price: None };
    assert_eq!(request.check_for(&offer, accepted), Ok(()));
    let invoice = Bolt12Invoice::answer(&request, invoice_terms(), &secret(1)).unwrap();
    assert_eq!(invoice.fields().unknown.len(), 2);
}

#[test]
fn each_requirement_is_checked() {
    assert_eq!(changed(|r| r.invreq_metadata = None), E::NoMetadata);
    assert_eq!(changed(|r| r.invreq_payer_id = None), E::NoPayerId);
    let bit = Some(Features::default().with_bit(16));
    assert_eq!(changed(|r| r.invreq_features = bit), E::UnknownFeature(16));
    assert_eq!(changed(|r| r.invreq_paths = Some(Repeated(vec![]))), E::NoPaths);
    let empty = BlindedPath { path: Vec::new(), ..path(1) };
    let paths = Some(Repeated(vec![empty]));
    assert_eq!(changed(|r| r.invreq_paths = paths), E::PathWithoutHops(0));
    for (name, domain) in [("tea shop", "example.com"), ("tea", "example/com")] {
        let bytes = |text: &str| Bytes(text.as_bytes().to_vec());
        let name = Some(Bip353Name { name: bytes(name), domain: bytes(domain) });
        assert_eq!(changed(|r| r.invreq_bip_353_name = name), E::InvalidName);
    }
    let offer = E::Offer(OfferError::AmountWithoutDescription);
    assert_eq!(changed(|r| r.offer_description = None), offer);
    assert_eq!(signed(request().fields().clone(), 3), Err(E::InvalidSignature));
    let unsigned = InvoiceRequestFields { signature: None, ..request().fields().clone() };
    assert_eq!(InvoiceRequest::from_bytes(unsigned.encode()), Err(E::NoSignature));
    for number in [160, 239, 1001, 999_999_999, 3_000_000_000] {
        let mut stream = Vec::new();
        crate::bolt::wire::tlv::write_record(number, &[], &mut stream);
        assert_eq!(InvoiceRequest::from_bytes(stream), Err(E::OutOfRange(number)));
    }
}

#[test]
fn quantity_is_that_of_the_offer() {
    let limited = offer();
    assert_eq!(refused(&limited, |t| t.invreq_quantity = None), E::QuantityMissing);
    assert_eq!(refused(&limited, |t| t.invreq_quantity = Some(0)), E::QuantityZero);
    let too_large = E::QuantityTooLarge { quantity: 6, most: 5 };
    assert_eq!(refused(&limited, |t| t.invreq_quantity = Some(6)), too_large);
    let single = OfferFields { offer_quantity_max: None, ..offer_fields() };
    assert_eq!(refused(&Offer::new(&single).unwrap(), |_| ()), E::QuantityUnexpected);
    let unlimited = OfferFields { offer_quantity_max: Some(0), ..offer_fields() };
    let unlimited = Offer::new(&unlimited).unwrap();
    assert_eq!(refused(&unlimited, |t| t.invreq_quantity = Some(0)), E::QuantityZero);
    assert_eq!(refused(&unlimited, |t| t.invreq_quantity = Some(u64::MAX)), E::AmountOverflow);
    let many = RequestTerms { invreq_quantity: Some(1 << 50), ..terms() };
    let many = InvoiceRequest::for_offer(&unlimited, many, &secret(2)).unwrap();
    assert_eq!(many.expected_amount(None), Ok(Some(Msat(1_000 << 50))));
}

#[test]
fn amount_is_that_of_the_offer_or_more() {
    let low = E::AmountTooLow { amount: Msat(1_999), expected: Msat(2_000) };
    assert_eq!(refused(&offer(), |t| t.invreq_amount = Some(Msat(1_999))), low);
    let tip = RequestTerms { invreq_amount: Some(Msat(2_001)), ..terms() };
    let tip = InvoiceRequest::for_offer(&offer(), tip, &secret(2)).unwrap();
    let invoice = Bolt12Invoice::answer(&tip, invoice_terms(), &secret(1)).unwrap();
    assert_eq!(invoice.amount(), Msat(2_001));
    let free = Offer::new(&OfferFields { offer_amount: None, ..offer_fields() }).unwrap();
    assert_eq!(refused(&free, |_| ()), E::AmountMissing);

    let euros = OfferFields { offer_currency: Some("EUR".to_owned()), ..offer_fields() };
    let euros = Offer::new(&euros).unwrap();
    let asked = RequestTerms { invreq_amount: Some(Msat(9)), ..terms() };
    let asked = InvoiceRequest::for_offer(&euros, asked, &secret(2)).unwrap();
    let priced =
        |price| Accepted { here: HERE, arrival: Arrival::Direct, item_price: Some(Msat(price)) };
    assert_eq!(asked.check_for(&euros, priced(4)), Ok(()));
    let low = E::AmountTooLow { amount: Msat(9), expected: Msat(10) };
    assert_eq!(asked.check_for(&euros, priced(5)), Err(low));
}

#[test]
fn issuer_refuses_what_is_not_for_its_offer() {
    let accepted = Accepted { here: HERE, arrival: Arrival::Direct, item_price: None };
    assert_eq!(request().check_for(&offer(), accepted), Ok(()));
    let other = OfferFields { offer_description: Some("coffee".to_owned()), ..offer_fields() };
    let other = Offer::new(&other).unwrap();
    assert_eq!(request().check_for(&other, accepted), Err(E::OtherOffer));
    let over_path = Accepted { arrival: Arrival::Path(point(3)), ..accepted };
    assert_eq!(request().check_for(&offer(), over_path), Err(E::Arrival));

    let hidden = OfferFields { offer_paths: Some(Repeated(vec![path(3)])), ..offer_fields() };
    let hidden = Offer::new(&hidden).unwrap();
    let asked = InvoiceRequest::for_offer(&hidden, terms(), &secret(2)).unwrap();
    assert_eq!(asked.check_for(&hidden, over_path), Ok(()));
    assert_eq!(asked.check_for(&hidden, accepted), Err(E::Arrival));
    let elsewhere = Accepted { arrival: Arrival::Path(point(4)), ..accepted };
    assert_eq!(asked.check_for(&hidden, elsewhere), Err(E::Arrival));

    let dated = OfferFields { offer_absolute_expiry: Some(NOW - 1), ..offer_fields() };
    let dated = Offer::new(&dated).unwrap();
    let asked = InvoiceRequest::for_offer(&dated, terms(), &secret(2)).unwrap();
    let expired = E::Offer(OfferError::Expired { expiry: NOW - 1, now: NOW });
    assert_eq!(asked.check_for(&dated, accepted), Err(expired));
}

#[test]
fn chain_is_one_of_the_offers_and_of_the_issuers() {
    let regtest = Some(ChainHash::REGTEST);
    assert_eq!(refused(&offer(), |t| t.invreq_chain = regtest), E::UnsupportedChain);
    let chains = Some(Repeated(vec![ChainHash::REGTEST]));
    let elsewhere = Offer::new(&OfferFields { offer_chains: chains, ..offer_fields() }).unwrap();
    assert_eq!(refused(&elsewhere, |_| ()), E::UnsupportedChain);
    let asked = RequestTerms { invreq_chain: regtest, ..terms() };
    let asked = InvoiceRequest::for_offer(&elsewhere, asked, &secret(2)).unwrap();
    assert_eq!(asked.check_chain(HERE), Err(E::UnsupportedChain));
    let here = Here { chains: &[ChainHash::REGTEST], ..HERE };
    assert_eq!(asked.check_chain(here), Ok(()));
    let both = Here { chains: &[ChainHash::REGTEST, ChainHash::BITCOIN], ..HERE };
    let wrong =
        signed(InvoiceRequestFields { invreq_chain: None, ..asked.fields().clone() }, 2).unwrap();
    let accepted = Accepted { here: both, arrival: Arrival::Direct, item_price: None };
    assert_eq!(wrong.check_for(&elsewhere, accepted), Err(E::UnsupportedChain));
}

#[test]
fn without_an_offer_other_fields_are_demanded() {
    let fields = || InvoiceRequestFields {
        invreq_metadata: Some(Bytes(vec![1; 16])),
        offer_description: Some("refund".to_owned()),
        invreq_amount: Some(Msat(5)),
        invreq_payer_id: Some(point(2)),
        ..InvoiceRequestFields::default()
    };
    let request = InvoiceRequest::without_offer(&fields()).unwrap();
    assert!(!request.is_for_offer());
    assert_eq!(request.to_string().parse(), Ok(request));
    let refused = |change: fn(&mut InvoiceRequestFields)| {
        let mut fields = fields();
        change(&mut fields);
        InvoiceRequest::without_offer(&fields).unwrap_err()
    };
    assert_eq!(refused(|r| r.offer_description = None), E::NoDescription);
    assert_eq!(refused(|r| r.invreq_amount = None), E::AmountMissing);
    assert_eq!(refused(|r| r.offer_chains = Some(Repeated(vec![]))), E::WithoutOffer(2));
    assert_eq!(refused(|r| r.offer_metadata = Some(Bytes(vec![]))), E::WithoutOffer(4));
    assert_eq!(refused(|r| r.offer_currency = Some("EUR".into())), E::WithoutOffer(6));
    assert_eq!(refused(|r| r.offer_amount = Some(1)), E::WithoutOffer(8));
    assert_eq!(refused(|r| r.offer_features = Some(Features::default())), E::WithoutOffer(12));
    assert_eq!(refused(|r| r.offer_paths = Some(Repeated(vec![path(3)]))), E::WithoutOffer(16));
    assert_eq!(refused(|r| r.offer_quantity_max = Some(1)), E::WithoutOffer(20));
    assert_eq!(refused(|r| r.offer_issuer_id = Some(point(1))), E::WithoutOffer(22));
    // A reader takes a price for information, and a signature that is right.
    assert!(signed(InvoiceRequestFields { offer_amount: Some(1), ..fields() }, 2).is_ok());
    assert_eq!(signed(fields(), 3), Err(E::InvalidSignature));
}
