//! The value of a field in words, with its unit.

use std::fmt::Write;

use bitcoin::Script;
use bitcoin::hex::DisplayHex;
use secp256k1::ecdsa::Signature;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bolt::features::Features;
use crate::bolt::units::{Msat, ShortChannelId};
use crate::bolt::wire::kind::Kind;
use crate::bolt::wire::{Address, Data};
use crate::decode::chain::chain_name;
use crate::decode::tx::OutputScript;

/// More bytes than a signature has are shortened.
const MOST_BYTES: usize = 64;
/// How many are left of them, from the beginning.
const SHORTENED: usize = 16;
/// How long a line of features may be.
const LINE: usize = 80;
/// More items of a list than this are only counted.
const MOST_ITEMS: usize = 20;

/// What a value says that stands in JSON like this.
pub(super) fn words(kind: &Kind, value: &Value) -> Vec<String> {
    match (kind, value) {
        (Kind::List(item), Value::Array(items)) => list(item, items),
        (Kind::Compound(fields), Value::Object(values)) => {
            let named =
                fields.iter().filter_map(|(name, kind)| Some((name, kind, values.get(*name)?)));
            named.map(|(name, kind, value)| format!("{name} {}", one(kind, value))).collect()
        }
        (Kind::Features | Kind::ChannelType, _) => wrapped(&one(kind, value)),
        _ => vec![one(kind, value)],
    }
}

/// A list with commas, in lines that fit a terminal.
fn wrapped(list: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in list.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() <= LINE => line.push_str(item),
            _ => lines.push(item.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn list(kind: &Kind, items: &[Value]) -> Vec<String> {
    if items.is_empty() {
        return vec!["none".to_owned()];
    }
    let shown = (1..).zip(items.iter().take(MOST_ITEMS));
    let mut lines: Vec<String> =
        shown.map(|(number, item)| format!("{number}: {}", words(kind, item).join(", "))).collect();
    if let Some(more) = items.len().checked_sub(MOST_ITEMS).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn one(kind: &Kind, value: &Value) -> String {
    let said = match kind {
        Kind::Number(_) | Kind::Txid => as_is(value),
        Kind::Satoshis | Kind::SignedSatoshis => format!("{value} sat"),
        Kind::Millisatoshis => typed(value, msat),
        Kind::Feerate => format!("{value} sat/kw"),
        Kind::Blocks(_) if value == 1 => "1 block".to_owned(),
        Kind::Blocks(_) => format!("{value} blocks"),
        Kind::Height => format!("block {value}"),
        Kind::ShortChannelId => typed(value, |id: ShortChannelId| id.to_string()),
        Kind::Signature => {
            typed(value, |signature: Signature| signature.serialize_compact().to_lower_hex_string())
        }
        Kind::Fixed(_) | Kind::Point | Kind::Bytes => shortened(value),
        Kind::Chain => typed(value, chain_name),
        Kind::Text => typed(value, |data: Data| text(&data.0)),
        Kind::Script => typed(value, |script: bitcoin::ScriptBuf| self::script(&script)),
        Kind::Features | Kind::ChannelType => typed(value, |set: Features| features(&set)),
        Kind::Address => typed(value, |address: Address| self::address(&address)),
        Kind::Present => "it is there; it has no value".to_owned(),
        Kind::List(_) | Kind::Compound(_) => words(kind, value).join(", "),
    };
    if said.is_empty() { "empty".to_owned() } else { said }
}

/// A value by its type. What does not have the type, which no rule lets happen, stays as it is.
fn typed<T: DeserializeOwned>(value: &Value, say: impl FnOnce(T) -> String) -> String {
    serde_json::from_value(value.clone()).map_or_else(|_| as_is(value), say)
}

/// A value as it stands in JSON, without quotes.
fn as_is(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn msat(amount: Msat) -> String {
    let (whole, part) = (amount.0 / 1000, amount.0 % 1000);
    let part = if part == 0 { String::new() } else { format!(".{part:03}") };
    format!("{amount} msat ({whole}{part} sat)")
}

fn features(features: &Features) -> String {
    let zeros = if features.is_minimal() { "" } else { " (with zero bytes in front)" };
    format!("{features}{zeros}")
}

fn script(script: &Script) -> String {
    if script.is_empty() {
        return "empty".to_owned();
    }
    let form = match OutputScript::recognise(script) {
        OutputScript::P2pk => "P2PK",
        OutputScript::P2pkh(_) => "P2PKH",
        OutputScript::P2sh(_) => "P2SH",
        OutputScript::P2wpkh(_) => "P2WPKH",
        OutputScript::P2wsh(_) => "P2WSH",
        OutputScript::P2tr(_) => "Taproot",
        OutputScript::P2a => "P2A",
        OutputScript::OpReturn => "OP_RETURN",
        OutputScript::Other => "no standard type",
    };
    format!("{} ({form})", hex(script.as_bytes()))
}

/// Hex that is shortened if it is long.
fn shortened(value: &Value) -> String {
    let digits = as_is(value);
    if digits.len() <= 2 * MOST_BYTES || !digits.is_ascii() {
        return digits;
    }
    format!("{}… ({} bytes)", &digits[..2 * SHORTENED], digits.len() / 2)
}

/// Bytes as hex, shortened if they are many.
pub(super) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    shortened(&bytes.to_lower_hex_string().into())
}

/// An address, whose host name could hold anything.
pub(super) fn address(address: &Address) -> String {
    escaped(address.to_string().as_bytes())
}

/// What the sender calls text, so that it can do nothing to a terminal. BOLT 1: only printable
/// ASCII may be shown as it is.
pub(super) fn text(bytes: &[u8]) -> String {
    let others = bytes.iter().filter(|byte| !is_printable(**byte)).count();
    let note = match others {
        0 => String::new(),
        1 => " (1 byte is not printable ASCII)".to_owned(),
        _ => format!(" ({others} bytes are not printable ASCII)"),
    };
    format!("\"{}\"{note}", escaped(bytes))
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Printable ASCII as it is, all else as `\xNN`.
fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for byte in bytes {
        match byte {
            b'"' | b'\\' => shown.extend(['\\', char::from(*byte)]),
            byte if is_printable(*byte) => shown.push(char::from(*byte)),
            byte => drop(write!(shown, "\\x{byte:02x}")),
        }
    }
    shown
}
