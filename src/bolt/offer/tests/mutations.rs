//! No change goes unnoticed, and nothing makes the readers panic.

use proptest::prelude::*;

use super::*;

/// Every stream that differs from this one in a byte, by one of these changes.
fn neighbours(stream: &[u8], changes: &(impl Iterator<Item = u8> + Clone)) -> Vec<Vec<u8>> {
    let changed = |at: usize, change: u8| {
        let mut changed = stream.to_vec();
        changed[at] ^= change;
        changed
    };
    (0..stream.len()).flat_map(|at| changes.clone().map(move |by| changed(at, by))).collect()
}

/// Each bit; a signature is too slow to check for more.
fn bits() -> impl Iterator<Item = u8> + Clone {
    (0..8).map(|bit| 1 << bit)
}

#[test]
fn every_byte_of_an_offer_is_in_its_id() {
    let paths = Some(Repeated(vec![path(3)]));
    let offer = Offer::new(&OfferFields { offer_paths: paths, ..offer_fields() }).unwrap();
    for changed in neighbours(offer.as_bytes(), &(1..=255)) {
        if let Ok(other) = Offer::from_bytes(changed) {
            assert_ne!(other.id(), offer.id());
            assert_eq!(other.to_string().parse(), Ok(other));
        }
    }
}

#[test]
fn every_byte_of_a_request_is_signed() {
    let request = request();
    for changed in neighbours(request.as_bytes(), &bits()) {
        assert!(InvoiceRequest::from_bytes(changed).is_err());
    }
}

#[test]
fn every_byte_of_an_invoice_is_signed() {
    let invoice = invoice();
    for changed in neighbours(invoice.as_bytes(), &bits()) {
        assert!(Bolt12Invoice::from_bytes(changed).is_err());
    }
}

#[test]
fn every_character_of_an_offer_counts() {
    let (text, offer) = (offer().to_string(), offer());
    for at in 0..text.len() {
        for character in "qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio+ \n".chars() {
            let changed = format!("{}{character}{}", &text[..at], &text[at + 1..]);
            match changed.parse::<Offer>() {
                Ok(other) if changed == text => assert_eq!(other, offer),
                // A join takes the place of a character, so it is one less.
                Ok(other) => assert_ne!(other.id(), offer.id()),
                Err(error) => drop(error.position(&changed)),
            }
        }
    }
}

fn fields() -> impl Strategy<Value = OfferFields> {
    use proptest::option::of;
    let one = (of(any::<Vec<u8>>()), of(1..=u64::MAX), any::<String>(), of(any::<u64>()));
    let two = (of(any::<String>()), of(any::<u64>()), proptest::collection::vec(2_u8..60, 0..4));
    (one, two, proptest::bool::ANY).prop_map(|(one, two, currency)| OfferFields {
        offer_metadata: one.0.map(Bytes),
        offer_currency: one.1.filter(|_| currency).map(|_| "JPY".to_owned()),
        offer_amount: one.1,
        offer_description: Some(one.2),
        offer_absolute_expiry: one.3,
        offer_issuer: two.0,
        offer_quantity_max: two.1,
        offer_issuer_id: Some(point(1)),
        offer_paths: (!two.2.is_empty()).then(|| Repeated(two.2.into_iter().map(path).collect())),
        ..OfferFields::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn offers_come_back(fields in fields()) {
        let offer = Offer::new(&fields).unwrap();
        prop_assert_eq!(offer.fields(), &fields);
        prop_assert_eq!(offer.to_string().parse(), Ok(offer.clone()));
        prop_assert_eq!(offer.to_qr_text().parse(), Ok(offer));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        for kind in [Kind::Offer, Kind::InvoiceRequest, Kind::Invoice] {
            let text = string::encode(kind, &bytes);
            drop(text.parse::<Offer>().map_err(|error| error.position(&text)));
            drop(text.parse::<InvoiceRequest>().map_err(|error| error.position(&text)));
            drop(text.parse::<Bolt12Invoice>().map_err(|error| error.position(&text)));
        }
        drop(InvoiceError::from_bytes(bytes));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        drop(text.parse::<Offer>().map_err(|error| error.position(&text)));
    }
}
