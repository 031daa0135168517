//! A route in words.

use std::fmt::{self, Display, Formatter};

use super::{Found, Party, RouteReport, SoughtBy, name};
use crate::bolt::routing::{Algorithm, Explored};
use crate::scenario::written;

/// How many characters of an alias are shown in a table.
const NAME_WIDTH: usize = 20;

impl Party {
    /// The alias, or the first bytes of the id.
    pub(super) fn name(&self, width: usize) -> String {
        let id = self.node_id.to_string();
        let name = self.alias.clone().unwrap_or_else(|| format!("{id:.10}"));
        if name.chars().count() <= width {
            return name;
        }
        let start: String = name.chars().take(width.saturating_sub(1)).collect();
        format!("{start}…")
    }

    fn full(&self) -> String {
        match &self.alias {
            Some(alias) => format!("{alias} ({})", self.node_id),
            None => self.node_id.to_string(),
        }
    }
}

impl Display for RouteReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "from  {}", self.from.full())?;
        writeln!(f, "to    {}", self.to.full())?;
        writeln!(f, "pays  {}\n", written(self.amount_msat))?;
        match (&self.route, &self.reason) {
            (Some(route), _) => write_route(f, route)?,
            (None, Some(reason)) => writeln!(f, "No route: {reason}.")?,
            (None, None) => writeln!(f, "No route.")?,
        }
        let others = self.graph.nodes.saturating_sub(1);
        let Explored { nodes, channels, rounds } = self.explored;
        let looks = if channels == 1 { "once".to_owned() } else { format!("{channels} times") };
        let (round, left) = if rounds == 1 { ("round", "node") } else { ("rounds", "nodes") };
        let (name, all) = (name(self.algorithm), self.graph.channels);
        let how = match self.algorithm {
            SoughtBy::Algorithm(Algorithm::BellmanFordGibson) => format!("in {rounds} {round}"),
            SoughtBy::Algorithm(Algorithm::Dijkstra) => format!("from {rounds} {left}"),
            SoughtBy::Flare => {
                let tables = if rounds == 1 { "table" } else { "tables" };
                writeln!(
                    f,
                    "\n{name}: knew {nodes} of {others} other nodes and {channels} of {all} channels, after \
                     asking for {rounds} {tables} beside the payee's"
                )?;
                return write!(f, "{}", self.graph.skipped);
            }
        };
        writeln!(
            f,
            "\n{name}: reached {nodes} of {others} other nodes, looked at channels {looks} (the graph has \
             {all}) {how}"
        )?;
        write!(f, "{}", self.graph.skipped)
    }
}

fn write_route(f: &mut Formatter<'_>, route: &Found) -> fmt::Result {
    let rows: Vec<[String; 5]> = route
        .hops
        .iter()
        .map(|hop| {
            let way = format!("{} → {}", hop.from.name(NAME_WIDTH), hop.to.name(NAME_WIDTH));
            let fee = if hop.fee_msat == 0 { String::new() } else { signed(hop.fee_msat) };
            let delay = format!("{} blocks", hop.delay);
            [hop.short_channel_id.clone(), way, written(hop.amount_msat), fee, delay]
        })
        .collect();
    let headings = ["channel", "from → to", "receives", "keeps", "expires in"];
    let headings = headings.map(str::to_owned);
    let mut widths = [0; 5];
    for row in rows.iter().chain([&headings]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in [&headings].into_iter().chain(&rows) {
        let [channel, way, amount, fee, delay] = row;
        let [first, second, third, fourth, fifth] = widths;
        let line = format!(
            "  {channel:first$}  {way:second$}  {amount:>third$}  {fee:>fourth$}  {delay:>fifth$}"
        );
        writeln!(f, "{}", line.trim_end())?;
    }
    let hops = route.hops.len();
    let channels = if hops == 1 { "channel" } else { "channels" };
    writeln!(
        f,
        "\nfee {} over {hops} {channels}, {} in all, pending for {} blocks at most",
        signed(route.fee_msat),
        written(route.amount_msat),
        route.delay
    )?;
    if route.cost_msat != route.fee_msat {
        writeln!(f, "cost {}, with the price of waiting", signed(route.cost_msat))?;
    }
    Ok(())
}

/// An amount that may be below zero.
pub(super) fn signed(msat: i64) -> String {
    let amount = written(crate::bolt::units::Msat(msat.unsigned_abs()));
    if msat < 0 { format!("−{amount}") } else { amount }
}
