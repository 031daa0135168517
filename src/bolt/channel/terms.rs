//! What both sides agree on when they open a channel, and the secrets that each keeps.

use bitcoin::{Amount, ScriptBuf};
use secp256k1::{PublicKey, SecretKey};

use crate::bolt::keys::{BasepointSecrets, Basepoints, CommitmentSeed};
use crate::bolt::tx::{ChannelType, ObscuringFactor, Side};
use crate::bolt::units::{CsvDelay, FeeratePerKw, Msat, ShortChannelId};
use crate::bolt::wire::Variations;

/// What one side says of itself and demands of the other, in `open_channel` or `accept_channel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyTerms {
    /// Below this amount its commitment transactions have no output.
    pub dust_limit: Amount,
    /// The most that the other side may have in flight.
    pub max_htlc_value_in_flight: Msat,
    /// What the other side must keep.
    pub channel_reserve: Amount,
    /// The least HTLC that it takes.
    pub htlc_minimum: Msat,
    /// The delay on the other side's outputs to itself.
    pub to_self_delay: CsvDelay,
    /// How many HTLCs the other side may have in flight.
    pub max_accepted_htlcs: u16,
    /// Its key of the 2-of-2.
    pub funding_pubkey: PublicKey,
    /// Its basepoints.
    pub basepoints: Basepoints,
    /// The only script that it lets a mutual close pay it to, if it has committed to one.
    pub upfront_shutdown_script: Option<ScriptBuf>,
}

/// The terms of a channel, from the view of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who opened and funds it, and pays the commitment fee.
    pub opener: Side,
    /// `funding_satoshis`.
    pub capacity: Amount,
    /// `push_msat`.
    pub push: Msat,
    /// The format of its commitment transactions.
    pub channel_type: ChannelType,
    /// What its type says besides.
    pub variations: Variations,
    /// Whether the rest of the network is to know of it: `announce_channel` in `channel_flags`.
    pub announced: bool,
    /// Our `alias` for it, if `option_scid_alias` was negotiated: what those who pay over us to the
    /// peer may name it by.
    pub alias: Option<ShortChannelId>,
    /// The fee rate of its commitment transactions.
    pub feerate: FeeratePerKw,
    /// How deep the funding transaction must be for `channel_ready`, in blocks.
    pub minimum_depth: u32,
    /// Our `max_dust_htlc_exposure_msat`: what may be at risk in HTLCs without outputs.
    pub max_dust_htlc_exposure: Msat,
    /// Our side.
    pub local: PartyTerms,
    /// The peer's.
    pub remote: PartyTerms,
}

impl Terms {
    /// The terms of this side.
    pub fn party(&self, side: Side) -> &PartyTerms {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    /// What hides commitment numbers.
    pub fn obscuring_factor(&self) -> ObscuringFactor {
        ObscuringFactor::new(
            &self.party(self.opener).basepoints.payment,
            &self.party(self.opener.flip()).basepoints.payment,
        )
    }

    /// The balances that the channel starts with: ours and the peer's. `None` if `push_msat`
    /// exceeds the capacity.
    pub fn initial_balances(&self) -> Option<(Msat, Msat)> {
        let opener = Msat::from_amount(self.capacity)?.checked_sub(self.push)?;
        Some(match self.opener {
            Side::Local => (opener, self.push),
            Side::Remote => (self.push, opener),
        })
    }
}

/// All that a side keeps secret about one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSecrets {
    /// The key of the 2-of-2.
    pub funding: SecretKey,
    /// The keys behind the basepoints.
    pub basepoints: BasepointSecrets,
    /// Makes the per-commitment secrets.
    pub seed: CommitmentSeed,
}
