//! `boltlab route`: seeks a route in a graph file.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{FAILED, complain};
use crate::bolt::routing::flare::{SearchLimits, known};
use crate::bolt::routing::{Algorithm, Fees, NodeIndex, Request, RiskFactor, Search};
use crate::bolt::units::{CltvExpiryDelta, Msat};
use crate::graph_file::{self, GraphFile};
use crate::report::route::{RouteReport, Sought};
use crate::scenario;

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  lncli describegraph >graph.json
  boltlab route --graph graph.json --from alice --to bob --amount 50_000sat
  boltlab route --graph graph.json --from alice --to 03ab…ef --amount 1msat --svg route.svg

The file is what `lncli describegraph` or `lightning-cli listchannels` prints. Only the first has
aliases.

Exit status: 0 there is a route, 1 there is none, 2 the input is wrong.";

/// How the route is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Bellman-Ford-Gibson: the cheapest within a number of hops, also where fees are negative
    Bfg,
    /// Dijkstra's algorithm: where no fee is negative
    Dijkstra,
    /// Flare: every node knows its neighbourhood, and asks for the rest
    Flare,
}

/// Its arguments.
#[derive(Debug, Args)]
pub struct RouteArgs {
    /// The graph: what `lncli describegraph` or `lightning-cli listchannels` printed
    #[arg(long, value_name = "FILE")]
    graph: PathBuf,
    /// Who pays: a node id, or an alias that only one node has
    #[arg(long, value_name = "NODE")]
    from: String,
    /// Who is paid: a node id, or an alias that only one node has
    #[arg(long, value_name = "NODE")]
    to: String,
    /// What arrives, with its unit: `50_000sat`
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    amount: Msat,
    /// How the route is sought
    #[arg(long, value_enum, default_value_t = By::Bfg)]
    algorithm: By,
    /// The most channels
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    max_hops: u8,
    /// The most that is paid in fees, with its unit: `10sat`
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    max_fee: Option<Msat>,
    /// The most blocks that the payment may be pending, those of the payee included
    #[arg(long, value_name = "BLOCKS", default_value_t = 2016)]
    max_cltv: u32,
    /// How many blocks the payee wants for itself
    #[arg(long, value_name = "BLOCKS", default_value_t = 18)]
    final_cltv: u16,
    /// What pending funds cost, in per cent of them a year
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    risk: u32,
    /// Let nodes pay for being paid through, where discounts are larger than fees
    #[arg(long)]
    negative_fees: bool,
    /// Flare: the radius of the maps, in hops
    #[arg(long, value_name = "HOPS", default_value_t = 2)]
    radius: u8,
    /// Flare: how many beacons each node has
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    beacons: u8,
    /// Flare: how many tables the payer may ask for
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    queries: u32,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
    /// Draw the route, and what was explored beside it, into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// An amount with its unit.
fn amount(text: &str) -> Result<Msat, String> {
    scenario::msat(text).map_err(|mistake| mistake.to_string())
}

/// Seeks a route and tells it on standard output.
pub fn route(args: &RouteArgs) -> ExitCode {
    let report = match args.report() {
        Ok(report) => report,
        Err(complaint) => return complain(&complaint),
    };
    if let Some(path) = &args.svg
        && let Err(error) = fs::write(path, report.svg())
    {
        return complain(&format!("{}: {error}", path.display()));
    }
    // Whoever closed the pipe has read enough.
    let _ = args.write(&report, &mut anstream::stdout().lock());
    if report.has_route() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

impl RouteArgs {
    fn report(&self) -> Result<RouteReport, String> {
        let risk_factor = RiskFactor::percent_per_year(self.risk);
        let risk_factor = risk_factor.ok_or("--risk: that many per cent cannot be counted")?;
        let file = graph_file::open(&self.graph).map_err(|error| error.to_string())?;
        let from = find(&file, &self.from).map_err(|says| format!("--from: {says}"))?;
        let to = find(&file, &self.to).map_err(|says| format!("--to: {says}"))?;
        if from == to {
            return Err("--from and --to are the same node".to_owned());
        }
        if self.amount == Msat::ZERO {
            return Err("--amount: nothing is paid".to_owned());
        }
        let request = Request {
            final_cltv_expiry_delta: CltvExpiryDelta(self.final_cltv),
            max_hops: self.max_hops,
            max_fee: self.max_fee,
            max_delay: self.max_cltv,
            risk_factor,
            fees: if self.negative_fees { Fees::Signed } else { Fees::Floored },
            ..Request::new(from, to, self.amount)
        };
        let sought = match self.algorithm {
            By::Bfg => in_all(&file, &request, Algorithm::BellmanFordGibson),
            By::Dijkstra => in_all(&file, &request, Algorithm::Dijkstra),
            By::Flare => {
                let limits = SearchLimits { queries: self.queries, ..SearchLimits::default() };
                let habit = known::Habit { radius: self.radius, beacons: self.beacons, limits };
                Sought::by_flare(known::seek(&file.graph, &request, habit))
            }
        };
        Ok(RouteReport::new(&file, &request, &sought))
    }

    fn write(&self, report: &RouteReport, out: &mut impl Write) -> io::Result<()> {
        if self.json {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)
        } else {
            write!(out, "{report}")
        }
    }
}

/// Seeks in the whole graph.
fn in_all(file: &GraphFile, request: &Request, algorithm: Algorithm) -> Sought {
    let mut search = Search::new();
    let found = search.find(&file.graph, request, algorithm);
    Sought::by(algorithm, &search, found)
}

/// How many nodes of one alias are listed.
const LISTED: usize = 5;
/// How alike an alias must be to be suggested.
const ALIKE: f64 = 0.8;

/// The node of that id or alias.
fn find(file: &GraphFile, name: &str) -> Result<NodeIndex, String> {
    let is_named = |id: &&_| file.aliases.get(*id).is_some_and(|alias| alias == name);
    let named: Vec<_> = file.aliases.keys().filter(is_named).collect();
    let by_id = || file.graph.nodes().find(|(_, id)| id.to_string().eq_ignore_ascii_case(name));
    match named.as_slice() {
        [] => by_id().map(|(node, _)| node).ok_or_else(|| unknown(file, name)),
        [id] => file.graph.node(id).ok_or_else(|| format!("`{name}` has no channels")),
        several => {
            let listed = several.iter().take(LISTED).map(|id| format!("\n  {id}"));
            let listed: String = listed.collect();
            Err(format!(
                "{} nodes are called `{name}`; say which by its id:{listed}",
                several.len()
            ))
        }
    }
}

/// That there is no such node, and what is meant perhaps.
fn unknown(file: &GraphFile, name: &str) -> String {
    let alike = |alias: &&String| strsim::jaro_winkler(alias, name);
    let nearest = file.aliases.values().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let hint = match nearest.filter(|alias| alike(alias) >= ALIKE) {
        Some(alias) => format!("; did you mean `{alias}`?"),
        None if file.aliases.is_empty() => "; the file has no aliases, so say its id".to_owned(),
        None => String::new(),
    };
    format!("no node with channels has the id or the alias `{name}`{hint}")
}
