//! Values of TLV records that have several fields.

use bitcoin::{Amount, Txid};
use serde::{Deserialize, Serialize};

use super::codec::{DecodeError, Field, TlvValue, whole_values};

/// Declares a record with several fields, each written after the one before.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Field for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }
            fn read(input: &mut &[u8]) -> Result<Self, DecodeError> {
                $(let $field = Field::read(input)?;)*
                Ok(Self { $($field,)* })
            }
        }

        whole_values!($name);
    };
}

record! {
    /// `fee_range` of `closing_signed`. BOLT 2.
    FeeRange {
        /// The least fee that the sender takes.
        #[serde(with = "bitcoin::amount::serde::as_sat")]
        min_fee_satoshis: Amount,
        /// The greatest one.
        #[serde(with = "bitcoin::amount::serde::as_sat")]
        max_fee_satoshis: Amount,
    }
}
record! {
    /// `next_funding` and `my_current_funding_locked` of `channel_reestablish`. BOLT 2, "Message
    /// Retransmission".
    FundingRetransmit {
        /// The funding transaction.
        txid: Txid,
        /// What the sender wants to be sent again; which bit means what depends on the record.
        retransmit_flags: u8,
    }
}
record! {
    /// The checksums of a channel's two `channel_update`s; 0 where there is none. BOLT 7, "Query
    /// Messages".
    ChannelUpdateChecksums {
        /// That of `node_id_1`.
        checksum_node_id_1: u32,
        /// That of `node_id_2`.
        checksum_node_id_2: u32,
    }
}

impl FeeRange {
    /// Whether the fee lies within the range, its ends included.
    pub fn contains(&self, fee: Amount) -> bool {
        (self.min_fee_satoshis..=self.max_fee_satoshis).contains(&fee)
    }
}
