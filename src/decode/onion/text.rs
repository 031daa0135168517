//! An explanation in words.

use std::fmt::{self, Display, Formatter};

use super::explain::{Content, End, Explanation, Header, Kind, Layer, Recipient};
use super::fields::{self, Row};

/// The width of the first column.
const NAME_WIDTH: usize = 15;

fn line(f: &mut Formatter<'_>, name: &str, text: impl Display) -> fmt::Result {
    writeln!(f, "  {name:NAME_WIDTH$}{text}")
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Payment => "The onion of a payment",
            Kind::Message => "The onion of a message",
            Kind::Unknown => "The onion of a payment or of a message",
        };
        writeln!(f, "{kind}, {} bytes", self.length)?;
        header(f, &self.header)?;
        for (hop, layer) in (1..).zip(&self.layers) {
            writeln!(f)?;
            write_layer(f, hop, layer)?;
        }
        writeln!(f)?;
        self.write_end(f)
    }
}

fn header(f: &mut Formatter<'_>, header: &Header) -> fmt::Result {
    line(f, "version", header.version)?;
    line(f, "public key", &header.public_key)?;
    line(f, "", "the sender's for whoever peels it; the next hop gets another")?;
    let length = header.hop_payloads_length;
    line(f, "payloads", format_args!("{length} bytes, encrypted once for each hop on the way"))?;
    line(f, "hmac", &header.hmac)
}

impl Explanation {
    fn write_end(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let first = self.layers.is_empty();
        match &self.end {
            End::Last => writeln!(f, "The HMAC for the next hop is zero: the route ends here."),
            End::NoKeys => writeln!(
                f,
                "To peel it, give the secret key of a node with --key{}.",
                if self.kind == Kind::Message {
                    ", and the path key that came beside it with --path-key"
                } else {
                    ", and for a payment its hash with --payment-hash"
                }
            ),
            End::NoKeyFits { with_payment_hash, with_path_key } if first => {
                writeln!(f, "No key fits: the HMAC is not that of these payloads.")?;
                writeln!(f, "  It is for another node, or it was changed on the way.")?;
                if !with_payment_hash && self.kind != Kind::Message {
                    let hint =
                        "The HMAC of a payment covers its hash too: give it with --payment-hash.";
                    writeln!(f, "  {hint}")?;
                }
                if !with_path_key {
                    writeln!(f, "  On a blinded path, give the path key with --path-key.")?;
                }
                Ok(())
            }
            End::NoKeyFits { .. } => {
                writeln!(
                    f,
                    "What the last of these sends on is for a node whose key was not given."
                )
            }
            End::Version(version) => {
                writeln!(
                    f,
                    "Version {version} is not known, so every node refuses it (invalid_onion_version)."
                )
            }
            End::PublicKey => writeln!(
                f,
                "Its public key is no point on secp256k1, so every node refuses it (invalid_onion_key)."
            ),
            End::Broken { key, reason } => {
                writeln!(f, "Key {key} fits, but the onion was made wrong: {reason}.")
            }
        }
    }
}

fn write_layer(f: &mut Formatter<'_>, hop: usize, layer: &Layer) -> fmt::Result {
    let last = layer.next.is_none();
    let place = if last { ", the last" } else { "" };
    writeln!(f, "Hop {hop}{place}: key {} fits", layer.key)?;
    line(f, "node id", layer.node_id)?;
    if let Some(path_key) = layer.path_key {
        line(f, "path key", path_key)?;
        line(f, "", "with which the sender's id for this node was blinded")?;
    }
    line(f, "shared secret", layer.shared_secret)?;
    line(f, "payload", format_args!("{} bytes", layer.payload.0.len()))?;
    match &layer.content {
        Content::Payment { fields, recipient } => {
            rows(f, &fields::payment(fields, last))?;
            write_recipient(f, recipient)?;
        }
        Content::Message { fields, recipient } => {
            rows(f, &fields::message(fields))?;
            write_recipient(f, recipient)?;
        }
        Content::Malformed(reason) => {
            line(f, "", format_args!("not one that this node could take: {reason}"))?;
            line(f, "", &layer.payload)?;
        }
    }
    if let Some(next) = &layer.next {
        writeln!(f, "  it sends on")?;
        writeln!(f, "    {:NAME_WIDTH$}{}", "public key", next.public_key)?;
        writeln!(f, "    {:NAME_WIDTH$}{}", "hmac", next.hmac)?;
    }
    Ok(())
}

fn rows(f: &mut Formatter<'_>, rows: &[Row]) -> fmt::Result {
    for (name, value, meaning) in rows {
        writeln!(f, "    {name:28}{value}")?;
        writeln!(f, "    {:28}{meaning}", "")?;
    }
    Ok(())
}

fn write_recipient(f: &mut Formatter<'_>, recipient: &Recipient) -> fmt::Result {
    match recipient {
        Recipient::Nothing => Ok(()),
        Recipient::Told { fields, next_path_key } => {
            writeln!(f, "  the path's creator says")?;
            rows(f, &fields::recipient(fields))?;
            line(f, "next path key", next_path_key)
        }
        Recipient::PathKeyMissing => {
            line(f, "", "encrypted_recipient_data stays closed: give the path key with --path-key")
        }
        Recipient::Unreadable(reason) => {
            line(f, "", format_args!("encrypted_recipient_data stays closed: {reason}"))
        }
    }
}
