//! BOLT 12: strings that are offers, invoice requests or invoices, and those that are not.

mod refusal;

use std::fmt::Display;

use bitcoin::constants::ChainHash;
use serde::Deserialize;

use super::{check::Checks, hex::Hex, hex::Hex32};
use crate::bolt::offer::{
    Accepted, Arrival, Blamed, Bolt12Invoice, Here, InvoiceRequest, Kind, Offer, ParseError,
    Received, merkle::root, string,
};
use crate::bolt::wire::tlv::records;

pub(super) use refusal::Named;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    kind: Kind,
    tests: Vec<Test>,
}

super::load::topic! {
    #[serde(alias = "string")]
    bolt12: String,
    here: Option<Context>,
    offer: Option<String>,
    invoice_request: Option<String>,
    expected: Expected,
}

/// What a reader knows beside the string.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    chains: Vec<Hex32>,
    now: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The bytes, if the string holds any.
    stream: Option<Hex>,
    /// The first character to blame, and the first behind.
    characters: Option<[usize; 2]>,
    /// The records, as a reader that knows them writes them again.
    records: Option<Vec<Record>>,
    merkle: Option<Hex>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    #[serde(rename = "type")]
    number: u64,
    value: Hex,
}

/// What a valid string was found to hold.
struct Read {
    raw: Vec<u8>,
    /// What its fields are written as.
    written: Vec<u8>,
    text: String,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (text, expected) = (test.bolt12.as_str(), &test.expected);
    let stream = string::decode(text).ok().map(|(_, stream)| stream);
    checks.equal(
        "expected.stream",
        &shown(expected.stream.as_ref().map(|stream| &stream.0)),
        &shown(stream.as_ref()),
    );
    let read = match group.kind {
        Kind::Offer => offer(test, text),
        Kind::InvoiceRequest => request(test, text),
        Kind::Invoice => invoice(test, text),
    };
    match read {
        Ok(read) => {
            valid(group.kind, expected, text, &read, checks);
            None
        }
        Err(refused) => {
            let place = |place: Option<[usize; 2]>| {
                place.map_or("none".to_owned(), |[from, to]| format!("{from}..{to}"))
            };
            checks.equal(
                "expected.characters",
                &place(expected.characters),
                &place(refused.characters),
            );
            let nothing = expected.records.is_none() && expected.merkle.is_none();
            checks.holds("expected", "nothing is read of a refused string", nothing);
            Some(refused.name)
        }
    }
}

fn shown(bytes: Option<&Vec<u8>>) -> String {
    use bitcoin::hex::DisplayHex;
    bytes.map_or("none".to_owned(), DisplayHex::to_lower_hex_string)
}

/// Compares what was read, and writes it again.
fn valid(kind: Kind, expected: &Expected, text: &str, read: &Read, checks: &mut Checks) {
    checks.holds("expected.characters", "nothing is to blame", expected.characters.is_none());
    let found: Vec<_> = records(&read.written).filter_map(Result::ok).collect();
    let wanted = expected.records.as_deref().unwrap_or_default();
    checks.equal("expected.records", &wanted.len(), &found.len());
    for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        let field = |name| format!("expected.records[{at}].{name}");
        checks.equal(&field("type"), &wanted.number, &found.number);
        checks.bytes(&field("value"), &wanted.value, found.value);
    }
    checks.bytes("bolt12", &Hex(read.raw.clone()), &read.written);
    let merkle = root(&read.raw).map(|root| root.to_vec()).ok();
    let wanted = expected.merkle.as_ref().map(|merkle| &merkle.0);
    checks.equal("expected.merkle", &shown(wanted), &shown(merkle.as_ref()));
    let plain: String = text.chars().filter(|c| *c != '+' && !c.is_whitespace()).collect();
    checks.equal("bolt12", &plain.to_lowercase(), &read.text);
    checks.equal("bolt12", &plain.to_lowercase(), &string::encode(kind, &read.written));
}

/// Why a string was refused.
struct Refused {
    name: &'static str,
    characters: Option<[usize; 2]>,
}

impl<E: Blamed + Named> From<(&ParseError<E>, &str)> for Refused {
    fn from((error, text): (&ParseError<E>, &str)) -> Self {
        let characters = error.position(text).map(|range| [range.start, range.end]);
        Self { name: error.name(), characters }
    }
}

fn read<T: std::str::FromStr<Err = ParseError<E>>, E: Blamed + Named>(
    text: &str,
    check: impl FnOnce(&T) -> Result<(), E>,
) -> Result<T, Refused> {
    let refused = |error: ParseError<E>| Refused::from((&error, text));
    let read: T = text.parse().map_err(refused)?;
    check(&read).map_err(|error| refused(ParseError::Content(error)))?;
    Ok(read)
}

/// Runs a check with the reader's chains and time, if the vector has them.
fn with_here<E>(test: &Test, check: impl FnOnce(Here<'_>) -> Result<(), E>) -> Result<(), E> {
    let Some(context) = &test.here else { return Ok(()) };
    let chains: Vec<_> = context.chains.iter().map(|chain| ChainHash::from(chain.0)).collect();
    check(Here { chains: &chains, now: context.now })
}

/// A string that the vector's own is held against; one that is wrong is the vector's fault.
fn companion<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, Refused> {
    let broken = |_| Refused { name: "companion", characters: None };
    text.map(|text| text.parse().map_err(broken)).transpose()
}

fn found(raw: &[u8], written: Vec<u8>, text: &impl Display) -> Read {
    Read { raw: raw.to_vec(), written, text: text.to_string() }
}

fn offer(test: &Test, text: &str) -> Result<Read, Refused> {
    let offer: Offer = read(text, |offer: &Offer| with_here(test, |here| offer.check(here)))?;
    Ok(found(offer.as_bytes(), offer.fields().encode(), &offer))
}

fn request(test: &Test, text: &str) -> Result<Read, Refused> {
    let offer: Option<Offer> = companion(test.offer.as_ref())?;
    let request: InvoiceRequest = read(text, |request: &InvoiceRequest| {
        with_here(test, |here| match &offer {
            Some(offer) => {
                let accepted = Accepted { here, arrival: Arrival::Direct, item_price: None };
                request.check_for(offer, accepted)
            }
            None => request.check_chain(here),
        })
    })?;
    Ok(found(request.as_bytes(), request.fields().encode(), &request))
}

fn invoice(test: &Test, text: &str) -> Result<Read, Refused> {
    let request: Option<InvoiceRequest> = companion(test.invoice_request.as_ref())?;
    let invoice: Bolt12Invoice = read(text, |invoice: &Bolt12Invoice| {
        with_here(test, |here| match &request {
            Some(request) => {
                let reply_path = request.payer_id();
                let arrival = reply_path.map_or(Arrival::Direct, Arrival::Path);
                let sent_to = invoice.fields().invoice_node_id;
                invoice.check_for(request, Received { here, sent_to, reply_path, arrival })
            }
            None => invoice.check_here(here),
        })
    })?;
    Ok(found(invoice.as_bytes(), invoice.fields().encode(), &invoice))
}
