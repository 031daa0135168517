//! Explains an onion: peels it as far as the given keys reach, and says of each layer which key
//! fits, what its hop is told and what it sends on.

mod error;
mod explain;
mod fields;
mod parse;
#[cfg(test)]
mod tests;
mod text;

pub use error::{InputError, Part};
pub use explain::{Content, End, Explanation, Header, Kind, Layer, Recipient, explain};
pub use parse::{Given, parse, parse_hash, parse_path_key, parse_secret};
