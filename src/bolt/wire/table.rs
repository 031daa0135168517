//! The macro behind the table of messages, and what it makes of a row for those who look at
//! messages from outside: the rules of a type, its fields, its TLV records.

use serde::Serialize;
use serde_json::Value;

use super::codec::{DecodeError, Field, TlvValue};
use super::kind::{Kind, Typed};

/// A field of a message: its name and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct FieldRule {
    /// The name that the specification gives it.
    pub name: &'static str,
    /// What it holds.
    pub kind: &'static Kind,
    /// Takes it off the front of some bytes, and gives it as it stands in JSON.
    pub read: fn(&mut &[u8]) -> Result<Value, DecodeError>,
}

/// A TLV record of a message.
#[derive(Clone, Copy, Debug)]
pub struct RecordRule {
    /// Its type.
    pub number: u64,
    /// The name that the specification gives it.
    pub name: &'static str,
    /// What its value holds.
    pub kind: &'static Kind,
    /// Reads its value from exactly these bytes, and gives it as it stands in JSON.
    pub read: fn(&[u8]) -> Result<Value, DecodeError>,
}

impl FieldRule {
    /// A field of this name and type.
    pub(super) const fn of<T: Field + Typed + Serialize>(name: &'static str) -> Self {
        Self { name, kind: T::KIND, read: |input| T::read(input).map(json) }
    }
}

impl RecordRule {
    /// A record of this number, name and type.
    pub(super) const fn of<T: TlvValue + Typed + Serialize>(
        number: u64,
        name: &'static str,
    ) -> Self {
        Self { number, name, kind: T::KIND, read: |value| T::from_value(value).map(json) }
    }
}

/// Every type of the table has a form in JSON.
#[allow(clippy::needless_pass_by_value, reason = "it ends a chain of calls")]
fn json<T: Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A row of the table: a message as the specification declares it.
#[derive(Clone, Copy, Debug)]
pub struct MessageRule {
    /// Its type.
    pub number: u16,
    /// The name that the specification gives it.
    pub name: &'static str,
    /// What it is for, in a sentence, and where the specification has it.
    pub about: &'static str,
    /// Its fields, in order.
    pub fields: &'static [FieldRule],
    /// The TLV records that it may have behind them.
    pub records: &'static [RecordRule],
}

/// Declares messages: a struct for each, the enum of all, and both directions of the codec.
///
/// A row is a type, a name, the field that names the channel (`of …`) if it is about one, the
/// fields, and the TLV records. Odd records that are not declared are kept in `unknown`, so what was
/// read is written with the same bytes.
macro_rules! messages {
    ($(
        #[doc = $about:literal]
        $number:literal $snake:literal $name:ident $(of $channel:ident)? {
            $($field:ident: $type:ty),* $(,)?
        }
        $(tlvs { $($record:literal $tlv:ident: $value:ty),* $(,)? })?
    )*) => {
        $(
            #[doc = $about]
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(missing_docs, reason = "the fields are the specification's")]
            pub struct $name {
                $(pub $field: $type,)*
                $($(
                    #[serde(default, skip_serializing_if = "Option::is_none")]
                    pub $tlv: Option<$value>,
                )*)?
                /// TLV records of other types, in ascending order.
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                pub unknown: Vec<TlvRecord>,
            }

            impl $name {
                const RULE: MessageRule = MessageRule {
                    number: $number,
                    name: $snake,
                    about: $about,
                    fields: &[$(FieldRule::of::<$type>(stringify!($field)),)*],
                    records: &[$($(RecordRule::of::<$value>($record, stringify!($tlv)),)*)?],
                };

                /// The message without its type, as it goes over the wire.
                pub fn payload(&self) -> Vec<u8> {
                    let mut out = Vec::new();
                    self.write(&mut out);
                    out
                }

                fn write(&self, out: &mut Vec<u8>) {
                    $(self.$field.write(out);)*
                    let records = RecordWriter::new(&self.unknown, out);
                    $($(let records = records.write($record, self.$tlv.as_ref());)*)?
                    records.finish();
                }

                fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                    $(let $field = <$type as Field>::read(input)?;)*
                    $($(let mut $tlv = None;)*)?
                    let mut unknown = Vec::new();
                    for record in tlv::records(std::mem::take(input)) {
                        let record = record.map_err(|error| error.error)?;
                        match record.number {
                            $($($record => {
                                $tlv = Some(<$value as TlvValue>::from_value(record.value)?);
                            })*)?
                            even if even % 2 == 0 => return Err(DecodeError::UnknownEvenTlv(even)),
                            _odd => unknown.push(record.into()),
                        }
                    }
                    Ok(Self { $($field,)* $($($tlv,)*)? unknown })
                }
            }

            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*

        /// Any message.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Message {
            $(
                #[doc = $about]
                #[serde(rename = $snake)]
                $name($name),
            )*
            /// A message of a type that is not in the table.
            #[serde(rename = "unknown")]
            Unknown(Unknown),
        }

        impl Message {
            /// The table, in the order of the types' numbers.
            pub const RULES: &'static [MessageRule] = &[$($name::RULE,)*];

            /// The name that the specification gives it; `unknown` if it has none.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $snake,)*
                    Self::Unknown(_) => "unknown",
                }
            }

            /// The number of its type.
            pub fn message_type(&self) -> u16 {
                match self {
                    $(Self::$name(_) => $number,)*
                    Self::Unknown(unknown) => unknown.message_type,
                }
            }

            /// The channel that it is about, if it is about one; temporary until the channel is
            /// funded.
            pub fn channel_id(&self) -> Option<ChannelId> {
                match self {
                    $(Self::$name(_message) => channel_named_by!(_message $(, $channel)?),)*
                    Self::Unknown(_) => None,
                }
            }

            /// The message as it goes over the wire: its type, its fields, its TLV records.
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                self.message_type().write(&mut out);
                match self {
                    $(Self::$name(message) => message.write(&mut out),)*
                    Self::Unknown(unknown) => out.extend_from_slice(&unknown.payload.0),
                }
                out
            }

            /// Reads a whole message. What is read encodes to the same bytes again.
            ///
            /// # Errors
            /// [`DecodeError`] if the bytes are no message of their type, or too few for a type. An
            /// unknown type is no error: whether it may be ignored is for the receiver to say.
            pub fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
                let input = &mut bytes;
                match u16::read(input)? {
                    $($number => $name::read(input).map(Self::$name),)*
                    message_type => {
                        let payload = Bytes(input.to_vec());
                        Ok(Self::Unknown(Unknown { message_type, payload }))
                    }
                }
            }
        }
    };
}
pub(super) use messages;

/// The field of a message that names its channel, if a row of the table says which.
macro_rules! channel_named_by {
    ($message:ident) => {
        None
    };
    ($message:ident, $channel:ident) => {
        Some($message.$channel)
    };
}
pub(super) use channel_named_by;
