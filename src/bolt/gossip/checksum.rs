//! What stands for a `channel_update` in a query. BOLT 7, "The `query_channel_range` and
//! `reply_channel_range` Messages".
//!
//! ```text
//!   type | signature | chain_hash | short_channel_id | timestamp | message_flags ... to the end
//!     2       64           32               8              4
//!                    |<----------- covered ----------|           |<-------- covered --------->|
//! ```
//! The checksum is CRC32C. It does not cover the message's type either, which BOLT 7 leaves open:
//! Core Lightning and Eclair agree on it.

use crc::{CRC_32_ISCSI, Crc};

use crate::bolt::wire::Message;
use crate::bolt::wire::messages::ChannelUpdate;

/// CRC32C, as RFC 3720, appendix B.4 has it.
static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Type and `signature`.
const BEFORE: usize = 2 + 64;
/// `chain_hash` and `short_channel_id`.
const CHANNEL: usize = 32 + 8;
/// `timestamp`.
const TIMESTAMP: usize = 4;

/// The checksum of a `channel_update`, with the records that nobody knows.
pub fn checksum(update: &ChannelUpdate) -> u32 {
    of_message(&Message::from(update.clone()).encode()).unwrap_or_default()
}

/// The checksum of the bytes of a `channel_update`, its type included; `None` if they end before
/// the timestamp does. What follows it may be of any length.
pub fn of_message(message: &[u8]) -> Option<u32> {
    let (_, signed) = message.split_at_checked(BEFORE)?;
    let (channel, rest) = signed.split_at_checked(CHANNEL)?;
    let (_, rest) = rest.split_at_checked(TIMESTAMP)?;
    let mut digest = CRC32C.digest();
    digest.update(channel);
    digest.update(rest);
    Some(digest.finalize())
}

#[cfg(test)]
mod tests {
    use bitcoin::hex::FromHex;

    use super::*;
    use crate::bolt::wire::Bytes;
    use crate::bolt::wire::tlv::TlvRecord;

    /// The two cases of Core Lightning's `gossipd/test/run-crc32_of_update.c`, which Eclair's tests
    /// have too. The first one is from before `htlc_maximum_msat`.
    const PUBLISHED: [(&str, u32); 2] = [
        (
            "010276df7e70c63cc2b63ef1c062b99c6d934a80ef2fd4dae9e1d86d277f47674af3255a97fa52ade7f129\
             263f591ed784996eba6383135896cc117a438c8029328206226e46111a0b59caaf126043eb5bbf28c34f3a\
             5e332a1fc7b2b73cf188910f00006700000100005d50f933000000900000000000000000000003e8000000\
             0a",
            0x1112_fa30,
        ),
        (
            "010206737e9e18d3e4d0ab4066ccaecdcc10e648c5f1c5413f1610747e0d463fa7fa39c1b02ea2fd694275\
             ecfefe4fe9631f24afd182ab75b805e16cd550941f858c06226e46111a0b59caaf126043eb5bbf28c34f3a\
             5e332a1fc7b2b73cf188910f00006d00000100005d50f93501000030000000000000000000000064000000\
             0b00000000000186a0",
            0xf32c_e968,
        ),
    ];

    fn published() -> [(Vec<u8>, u32); 2] {
        PUBLISHED.map(|(message, sum)| (Vec::from_hex(message).unwrap(), sum))
    }

    fn newer() -> ChannelUpdate {
        match Message::decode(&published()[1].0) {
            Ok(Message::ChannelUpdate(update)) => update,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_what_others_have_published() {
        // RFC 3720, appendix B.4: 32 bytes of zeros.
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8a91_36aa);
        for (message, sum) in published() {
            assert_eq!(of_message(&message), Some(sum));
        }
        assert_eq!(checksum(&newer()), 0xf32c_e968);
    }

    #[test]
    fn a_signature_and_a_timestamp_make_no_difference_and_all_else_does() {
        let (message, sum) = &published()[1];
        for at in 0..message.len() {
            let mut changed = message.clone();
            changed[at] ^= 1;
            let covered = !(0..66).contains(&at) && !(106..110).contains(&at);
            assert_eq!(of_message(&changed) != Some(*sum), covered, "byte {at}");
        }
    }

    #[test]
    fn unknown_records_are_covered() {
        let mut update = newer();
        update.unknown.push(TlvRecord { number: 1, value: Bytes(vec![7]) });
        let longer = [published()[1].0.as_slice(), &[1, 1, 7]].concat();
        assert_eq!(Some(checksum(&update)), of_message(&longer));
        assert_ne!(checksum(&update), checksum(&newer()));
    }

    #[test]
    fn what_ends_before_its_timestamp_has_none() {
        let (message, _) = &published()[1];
        assert_eq!(of_message(&message[..109]), None);
        assert_eq!(of_message(&message[..110]), Some(CRC32C.checksum(&message[66..106])));
        assert_eq!(of_message(&[]), None);
    }
}
