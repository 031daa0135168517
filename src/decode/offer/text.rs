//! An explanation in words, for a person who may see such a string for the first time.

use std::fmt::{self, Display, Formatter};

use bitcoin::constants::ChainHash;

use super::Explanation;
use super::rows::{self, Row};
use crate::bolt::offer::{InvoiceFields, InvoiceRequestFields, OfferFields, merkle};
use crate::bolt::wire::tlv;
use crate::decode::chain::chain_name;

/// The width of the first column.
const NAME_WIDTH: usize = 11;

/// What belongs to each part of a stream: the fields of an offer, those that a request adds, and
/// signatures.
const OFFER: fn(u64) -> bool = |number| matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999);
const REQUEST: fn(u64) -> bool =
    |number| matches!(number, 0 | 80..=159 | 2_000_000_000..=2_999_999_999);

const SIGNATURE: fn(u64) -> bool = |number| merkle::SIGNATURES.contains(&number);

/// The records of a stream that belong to one part, written again.
fn part(stream: &[u8], belongs: impl Fn(u64) -> bool) -> Vec<u8> {
    let records = tlv::records(stream).filter_map(Result::ok);
    records.filter(|record| belongs(record.number)).flat_map(|r| r.whole.to_vec()).collect()
}

fn write(f: &mut Formatter<'_>, heading: &str, rows: &[Row]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{heading}")?;
    for Row(name, lines) in rows {
        for (at, line) in lines.iter().enumerate() {
            let name = if at == 0 { *name } else { "" };
            writeln!(f, "  {name:NAME_WIDTH$}{line}")?;
        }
    }
    Ok(())
}

fn head(f: &mut Formatter<'_>, what: &str, name: &str, root: &str) -> fmt::Result {
    writeln!(f, "{what}\n")?;
    writeln!(f, "  {name:NAME_WIDTH$}{root} (the Merkle root of its fields)")
}

fn chain(f: &mut Formatter<'_>, named: bool) -> fmt::Result {
    if named {
        return Ok(());
    }
    let bitcoin = chain_name(ChainHash::BITCOIN);
    writeln!(f, "  {:NAME_WIDTH$}{bitcoin}, as it names no other", "chain")
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (stream, root) = (self.stream(), self.root());
        match self {
            Self::Offer(offer) => {
                head(f, "Offer: with it, a payer asks for an invoice", "offer id", &root)?;
                chain(f, offer.fields().offer_chains.is_some())?;
                write(f, "What is offered", &rows::offer(offer.fields()))
            }
            Self::InvoiceRequest(request) => {
                let what = if request.is_for_offer() {
                    "Invoice request: a payer asks for an invoice for an offer"
                } else {
                    "Invoice request without an offer: its maker pays whoever sends an invoice"
                };
                head(f, what, "id", &root)?;
                chain(f, request.fields().invreq_chain.is_some())?;
                before(f, stream, request.is_for_offer())?;
                write_request(f, stream, |number| REQUEST(number) || SIGNATURE(number))
            }
            Self::Invoice(invoice) => {
                head(f, "Invoice: what to pay, and over which paths", "id", &root)?;
                chain(f, invoice.fields().invreq_chain.is_some())?;
                let fields = invoice.fields();
                let for_offer = fields.offer_issuer_id.is_some() || fields.offer_paths.is_some();
                before(f, stream, for_offer)?;
                write_request(f, stream, REQUEST)?;
                let own = part(stream, |number| !OFFER(number) && !REQUEST(number));
                let own = InvoiceFields::decode(&own).unwrap_or_default();
                write(f, "The invoice", &rows::invoice(invoice, &own))
            }
        }
    }
}

/// The fields that a request or an invoice repeats of an offer.
fn before(f: &mut Formatter<'_>, stream: &[u8], for_offer: bool) -> fmt::Result {
    let fields = OfferFields::decode(&part(stream, OFFER)).unwrap_or_default();
    let heading = if for_offer { "The offer that it is for" } else { "What it is for" };
    write(f, heading, &rows::offer(&fields))
}

fn write_request(
    f: &mut Formatter<'_>,
    stream: &[u8],
    belongs: impl Fn(u64) -> bool,
) -> fmt::Result {
    let fields = InvoiceRequestFields::decode(&part(stream, belongs)).unwrap_or_default();
    write(f, "The request", &rows::request(&fields))
}
