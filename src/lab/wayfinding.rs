//! Ways that a payer seeks itself, in what it has heard of the network.

use super::steps::failed;
use super::{Lab, Stop};
use crate::bolt::routing::Algorithm;
use crate::bolt::units::{Msat, ShortChannelId};
use crate::node::{FlareSought, NodeCommand, PathHop, WaySought};
use crate::scenario::{At, ChannelName, Fails, Pay, RouteBy, Seeks, Unsent, Until};
use crate::trace::Event;

/// Seconds after which who is silent is given up.
const WAIT: u32 = 60;
/// So many times is waited for answers.
const MOST_WAITS: u32 = 100;

impl Lab<'_> {
    /// The way that the payer finds; if it finds none, that over the channel that it opens then.
    /// `None` if there must be none.
    pub(super) fn seek(
        &mut self,
        pay: &Pay,
        seeks: &Seeks,
        amount: Msat,
    ) -> Result<Option<Vec<PathHop>>, Stop> {
        if seeks.by == RouteBy::Flare {
            return self.seek_by_flare(pay, seeks, amount);
        }
        let (from, to) = (&pay.from.value, &pay.to.value);
        let sought = WaySought {
            payee: self.node(to)?.id(),
            amount,
            final_cltv_expiry_delta: self.min_final_cltv_expiry_delta(to),
            max_hops: seeks.max_hops,
            max_fee: seeks.max_fee,
            algorithm: match seeks.by {
                RouteBy::Bfg | RouteBy::Flare => Algorithm::BellmanFordGibson,
                RouteBy::Dijkstra => Algorithm::Dijkstra,
            },
        };
        let found = self.node(from)?.seek(&sought);
        let event = match &found {
            Ok(way) => Event::WayFound {
                role: from.clone(),
                to: to.clone(),
                channels: way.path.iter().map(|hop| hop.channel).collect(),
                fee_msat: way.fee_msat,
                nodes: way.explored.nodes,
                looked_at: way.explored.channels,
            },
            Err(error) => {
                let reason = error.to_string();
                Event::NoWayFound { role: from.clone(), to: to.clone(), reason }
            }
        };
        self.tell(event);
        match (found, &seeks.opens, pay.fails.as_ref()) {
            (Ok(_), Some(channel), _) => {
                Err(failed(Some(channel.at), format!("{from} finds a way, and opens no {channel}")))
            }
            (Ok(way), None, _) => {
                self.check_way(seeks, &way.path)?;
                Ok(Some(way.path))
            }
            (Err(_), Some(channel), _) => self.open_instead(pay, channel).map(Some),
            (Err(_), None, Some(fails)) if fails.value == Fails::NeverSent(Unsent::NoRoute) => {
                Ok(None)
            }
            (Err(error), None, _) => {
                Err(failed(Some(pay.to.at), format!("{from} finds no way to {to}: {error}")))
            }
        }
    }

    /// The way that the payer finds with Flare: the payee hands over its table with the invoice, and
    /// the payer asks others for what is missing.
    fn seek_by_flare(
        &mut self,
        pay: &Pay,
        seeks: &Seeks,
        amount: Msat,
    ) -> Result<Option<Vec<PathHop>>, Stop> {
        let (from, to) = (&pay.from.value, &pay.to.value);
        let payee = self.node(to)?;
        let sought = FlareSought { payee: payee.id(), amount, table: payee.flare_table() };
        self.command(from, "seek a way", NodeCommand::SeekByFlare(sought))?;
        for _ in 0..MOST_WAITS {
            if self.node(from)?.flare_found().is_some() {
                break;
            }
            self.wait(WAIT)?;
        }
        let found = self.node(from)?.flare_found().cloned();
        let (way, reason) = match found {
            Some(Ok(way)) => (Some(way), String::new()),
            Some(Err(why)) => (None, why),
            None => (None, "nobody answers".to_owned()),
        };
        match (way, &seeks.opens, pay.fails.as_ref()) {
            (Some(way), None, _) => {
                self.check_way(seeks, &way.path)?;
                Ok(Some(way.path))
            }
            (Some(_), Some(channel), _) => {
                Err(failed(Some(channel.at), format!("{from} finds a way, and opens no {channel}")))
            }
            (None, Some(channel), _) => self.open_instead(pay, channel).map(Some),
            (None, None, Some(fails)) if fails.value == Fails::NeverSent(Unsent::NoRoute) => {
                Ok(None)
            }
            (None, None, _) => {
                Err(failed(Some(pay.to.at), format!("{from} finds no way to {to}: {reason}")))
            }
        }
    }

    /// Fails unless the way is the one that the file names.
    fn check_way(&mut self, seeks: &Seeks, path: &[PathHop]) -> Result<(), Stop> {
        let Some(takes) = &seeks.takes else { return Ok(()) };
        let name = |id: ShortChannelId| {
            let known = self.places.iter().find(|(_, place)| **place == id);
            known.map_or_else(|| id.to_string(), |(name, _)| name.to_string())
        };
        let found: Vec<String> = path.iter().map(|hop| name(hop.channel)).collect();
        let wanted: Vec<String> = takes.value.iter().map(ToString::to_string).collect();
        let differs = (found != wanted).then(|| found.join(", "));
        self.check(takes.at, &format!("the way is {}", wanted.join(", ")), differs)
    }

    /// No way leads there within the limits: the payer opens a channel to the payee.
    fn open_instead(&mut self, pay: &Pay, channel: &At<ChannelName>) -> Result<Vec<PathHop>, Stop> {
        self.open(channel, Until::Ready)?;
        self.hops(&pay.from.value, std::slice::from_ref(channel), &pay.believes)
    }
}
