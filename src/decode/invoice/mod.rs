//! Explains an invoice field by field, and says of a bad one why it is bad, at the very character,
//! beside what could be read of it.

mod date;
mod explain;
mod field;
#[cfg(test)]
mod tests;
mod text;

pub use explain::{Amount, Explanation, Known, Payee, Reading, Signature, Verdict, explain};
pub use field::{Address, FeatureNote, FieldNote, Hop, Ignored, Says};

/// What URIs of invoices begin with.
const SCHEME: &str = "lightning:";

/// The invoice in a text: without blanks around it and without `lightning:` before it, in whatever
/// case.
pub fn strip(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked(SCHEME.len()) {
        Some((scheme, invoice)) if scheme.eq_ignore_ascii_case(SCHEME) => invoice,
        _ => text,
    }
}
